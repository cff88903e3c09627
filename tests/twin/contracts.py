"""Contracts: what they must be, their daily settlement, funding, assignment, and end."""

from typing import Any

from twin import options, outcomes
from twin.amounts import (
    MONEY_SCALE,
    ORDER_VALUE_MAX,
    PRICE_MAX,
    RATE_SCALE,
    bounded,
    clamp,
    divide,
)
from twin.currencies import in_own
from twin.fields import Fields
from twin.margin import tied_up
from twin.prices import live_mark, price_of_mark
from twin.sessions import is_over
from twin.state import Account, Instrument, Refused, World, malformed
from twin.trading import leave_if_due

SECOND_NS = 10**9
TIME_MAX_NS = 9_006_000_000_000_000_000
WORKS_MAX = 100
FUTURES = ("future", "perpetual")
FIELDS = {
    "multiplier", "tick_value", "underlying", "base", "expiry", "expiry_ns", "strike", "right",
    "style", "settlement", "initial_margin", "maintenance_margin", "initial_margin_rate",
    "maintenance_margin_rate", "funding_interval_s",
}  # fmt: skip


# Listing --------------------------------------------------------------------------------------


def read(listing: Fields, asset_class: str, price_scale: int) -> dict[str, Any]:
    """The contract of a listing, as on the tape; nothing when there is none."""
    if listing.get("contract") is None:
        return {}
    fields = listing.part("contract")
    if set(fields.members) - FIELDS:
        raise malformed("contract")
    multiplier = fields.decimal("multiplier", 6, "malformed")
    initial = deposit(fields, "initial_margin")
    maintenance = deposit(fields, "maintenance_margin")
    underlying = {}
    if fields.get("underlying") is not None:
        found = fields.world.find_instrument(fields.text("underlying"))
        if found is None:
            raise malformed("contract")
        underlying = {"underlying": found.index}
    expiry_ns = fields.decimal("expiry_ns", 0, "malformed") or 0
    option = options.read(fields, price_scale)
    settlement = fields.word("settlement", ("cash", "physical"), "cash")
    if not any(maintenance):
        maintenance = initial
    interval = fields.decimal("funding_interval_s", 0, "malformed") or 0
    numbers = {
        "expiry_ns": expiry_ns,
        "initial": initial[0],
        "initial_rate": initial[1],
        "maintenance": maintenance[0],
        "maintenance_rate": maintenance[1],
        "funding_interval_ns": clamp(interval * SECOND_NS),
    }
    contract = {
        "multiplier": 10**6 if multiplier is None else multiplier,
        "is_margined": asset_class in FUTURES or any(initial),
        "settlement": settlement,
        **option,
        **underlying,
        **{name: number for name, number in numbers.items() if number != 0},
    }
    return {"contract": contract}


def deposit(fields: Fields, name: str) -> tuple[int, int]:
    """An amount for each contract, and a share of the notional."""
    amount = fields.decimal(name, MONEY_SCALE, "malformed") or 0
    return amount, fields.decimal(f"{name}_rate", RATE_SCALE, "malformed") or 0


def check(world: World, instrument: Instrument) -> None:
    """What a contract must be to be listed."""
    contract, kind = instrument.contract, instrument.terms["asset_class"]
    if not contract and kind == "us_option":
        raise malformed("contract")
    if not contract:
        return
    initial, rate = contract.get("initial", 0), contract.get("initial_rate", 0)
    kept, kept_rate = contract.get("maintenance", 0), contract.get("maintenance_rate", 0)
    expiry, interval = contract.get("expiry_ns", 0), contract.get("funding_interval_ns", 0)
    margined = contract["is_margined"]
    is_fine = (
        is_sound(instrument)
        and all(0 <= amount <= ORDER_VALUE_MAX for amount in (initial, kept))
        and all(0 <= share <= 10**RATE_SCALE for share in (rate, kept_rate))
        and 0 <= expiry <= TIME_MAX_NS
        and 0 <= interval <= TIME_MAX_NS
        and (expiry == 0 or expiry > world.now_ns)
        and (expiry != 0) == (kind in {"future", "us_option"})
        and options.is_option(instrument) == (kind == "us_option")
        and options.is_listable(world, instrument)
        and (interval == 0 or kind in {"perpetual", "fx"})
        and margined != (initial == rate == 0)
        and (not margined or kind in {*FUTURES, "fx"})
        and kept <= initial
        and kept_rate <= rate
    )
    if not is_fine:
        raise malformed("contract")


def is_sound(instrument: Instrument) -> bool:
    """Whether the multiplier is one that the engine counts with."""
    units, digits = instrument.contract["multiplier"], 6
    while digits > 0 and units % 10 == 0 and units != 0:
        units //= 10
        digits -= 1
    is_small = instrument.contract["multiplier"] // 10**6 <= 10**9
    return units > 0 and is_small and instrument.scales + digits <= 19 + MONEY_SCALE


def begin_periods(world: World, instrument: Instrument) -> None:
    """The first funding period of a contract that was listed begins."""
    base = options.underlying_of(world, instrument)
    instrument.splits_before = len(base.splits) if base else 0
    interval = instrument.contract.get("funding_interval_ns", 0)
    if interval > 0:
        set_funding(world, instrument, 0, next_period(world.now_ns, interval))


def next_period(time_ns: int, interval_ns: int) -> int:
    """The first beginning of a period after a time."""
    return min(TIME_MAX_NS, (time_ns // interval_ns + 1) * interval_ns)


def set_funding(world: World, instrument: Instrument, rate: int, next_ns: int) -> None:
    """Rate and time of the next funding are known."""
    instrument.funding_rate, instrument.next_funding_ns = rate, next_ns
    world.emit("funding_set", symbol=instrument.symbol, rate=rate, next_funding_ns=next_ns)


# Commands -------------------------------------------------------------------------------------


def settle(
    world: World, instrument: Instrument, price: int, *, at_expiry: bool
) -> tuple[str, Instrument]:
    """States a settlement price: for now, or for the end."""
    check_lives(world, instrument)
    if not 1 <= price <= PRICE_MAX:
        raise malformed("price", "invalid_price")
    if not instrument.contract.get("expiry_ns"):
        raise malformed("symbol")
    if options.is_option(instrument) and not at_expiry:
        raise malformed("symbol")
    if at_expiry:
        instrument.final_price = price
        world.emit("final_price_stated", symbol=instrument.symbol, price=price)
    else:
        begin(world, instrument, "settlement", price)
        work_on_one(world, instrument)
    return "ok", instrument


def funding(world: World, instrument: Instrument, rate: int) -> tuple[str, Instrument]:
    """Holders pay or get a share of their notional, now or when funding is due."""
    check_lives(world, instrument)
    if not instrument.is_margined or instrument.contract.get("expiry_ns"):
        raise malformed("symbol")
    if not -(10**RATE_SCALE) <= rate <= 10**RATE_SCALE:
        raise malformed("rate")
    if instrument.contract.get("funding_interval_ns"):
        set_funding(world, instrument, rate, instrument.next_funding_ns)
    else:
        begin(world, instrument, "funding", settlement_price(instrument), rate)
        work_on_one(world, instrument)
    return "ok", instrument


def check_lives(world: World, instrument: Instrument) -> None:
    """Whether a command may be about this contract now."""
    if instrument.ended or is_over(world, instrument) or len(instrument.works) >= WORKS_MAX:
        raise Refused("rejected", "instrument_not_active", "symbol")


# Work -----------------------------------------------------------------------------------------


def settlement_price(instrument: Instrument) -> int:
    """The market price on the tick grid: live, else as recorded, else 0."""
    live = price_of_mark(live_mark(instrument)) if instrument.market.is_fresh else None
    price = price_of_mark(instrument.mark) if live is None else live
    if price is None:
        return 0
    return max(1, divide(price, instrument.tick, "half_even")) * instrument.tick


def due(world: World) -> Instrument | None:
    """The contract that is due first."""
    times = [(due_ns(one), one.index) for one in world.instruments if one.contract]
    ready = [(time, index) for time, index in times if time is not None and time <= world.now_ns]
    return world.instruments[min(ready)[1]] if ready else None


def due_ns(instrument: Instrument) -> int | None:
    """When a contract is due next."""
    if instrument.works or instrument.settles:
        return 0
    if instrument.ended:
        return None
    times = (instrument.contract.get("expiry_ns", 0), instrument.next_funding_ns)
    return min((time for time in times if time > 0), default=None)


def work_on_contracts(world: World) -> None:
    """Works off what is due with contracts, as much as a turn may."""
    while not world.is_full:
        instrument = due(world)
        if instrument is None or not step(world, instrument):
            return


def work_on_one(world: World, instrument: Instrument) -> None:
    """Works on one contract until it has nothing more to do now."""
    while not world.is_full and instrument.works and step(world, instrument):
        pass


def begin(
    world: World,
    instrument: Instrument,
    kind: str,
    price: int,
    rate: int = 0,
    wheel: dict[str, int] | None = None,
) -> None:
    """Work on all holders begins; an expiry ends the trading."""
    if kind == "expiry":
        instrument.status = "expired"
    if kind == "settlement":
        instrument.settles = False
        instrument.settlement_price = price
    wheel = wheel or {"total": 0, "count": 0, "start": 0}
    work = {"kind": kind, "price": price, "rate": rate, "next": 0, "passed": 0, **wheel}
    instrument.works.append(work)
    world.emit(
        "contract_work_began",
        symbol=instrument.symbol,
        work=kind,
        price=price,
        rate=rate,
        **wheel,
    )


def step(world: World, instrument: Instrument) -> bool:
    """One step of what a contract has to do; says whether there was one."""
    if options.is_option(instrument) and options.changes(world, instrument):
        return False
    if not instrument.works:
        return begin_due(world, instrument)
    work = instrument.works[0]
    if work["kind"] == "expiry":
        for order in world.open:
            if order.instrument is instrument:
                return leave_if_due(world, order)
    for account in world.accounts[work["next"] :]:
        qty = account.position(instrument).qty
        if qty != 0:
            done = pass_on(world, account, instrument, work)
            work["next"] = account.index + 1
            if done:
                return True
    instrument.works.pop(0)
    if work["kind"] == "expiry":
        instrument.ended, instrument.settles = True, False
        instrument.keeping.clear()
    world.emit("contract_work_done", symbol=instrument.symbol)
    return True


def begin_due(world: World, instrument: Instrument) -> bool:
    """Begins what is due first: settlement, the end, funding."""
    over = is_over(world, instrument) and not instrument.ended
    funds = 0 < instrument.next_funding_ns <= world.now_ns
    if instrument.settles and not over:
        begin(world, instrument, "settlement", settlement_price(instrument))
    elif over:
        begin_expiry(world, instrument)
    elif funds:
        begin_funding(world, instrument)
    else:
        return False
    return True


def begin_expiry(world: World, instrument: Instrument) -> None:
    """The end: at the stated price, or at the market's; of an option that of its underlying."""
    stated, is_option = instrument.final_price, options.is_option(instrument)
    priced = options.underlying_of(world, instrument) if is_option else instrument
    price = stated or settlement_price(priced)
    wheel = outcomes.expiry_wheel(world, instrument, price) if is_option else None
    begin(world, instrument, "expiry", price, wheel=wheel)


def begin_funding(world: World, instrument: Instrument) -> None:
    """A funding period ends; periods in which nobody would have paid are passed over."""
    rate, due_at = instrument.funding_rate, instrument.next_funding_ns
    held = any(account.position(instrument).qty for account in world.accounts)
    somebody = rate != 0 and held
    interval = instrument.contract["funding_interval_ns"]
    following = next_period(due_at if somebody else world.now_ns, interval)
    set_funding(world, instrument, rate, following)
    if somebody:
        begin(world, instrument, "funding", settlement_price(instrument), rate)


def pass_on(world: World, account: Account, instrument: Instrument, work: dict[str, Any]) -> bool:
    """What a work comes to for one holder; says whether it concerned him."""
    is_option = options.is_option(instrument)
    passed = outcomes.pass_on(world, account, instrument, work) if is_option else None
    work["passed"] += max(0, -account.position(instrument).qty)
    if not is_option:
        settle_with(world, account, instrument, work)
    elif passed:
        outcomes.tell(world, account, instrument, passed, work["passed"])
    return not is_option or passed is not None


def settle_with(
    world: World, account: Account, instrument: Instrument, work: dict[str, Any]
) -> None:
    """What a margined contract won or lost, or pays as funding."""
    position, price = account.own_position(instrument), work["price"]
    value = instrument.value(price, position.qty, "half_even") if price else position.cost
    variation = bounded(bounded(value) - position.cost)
    before = tied_up(account, instrument, position)
    qty = cost = profit = 0
    if work["kind"] == "funding":
        cash = divide(-value * work["rate"], 10**RATE_SCALE, "half_even")
        if account.margin is None:
            cash = max(cash, -max(0, account.free_cash))
        cash = bounded(cash)
    else:
        cash = profit = cost = variation
        if work["kind"] == "expiry":
            qty, cost = -position.qty, -position.cost
    position.qty += qty
    position.cost += cost
    position.realized_pl += profit
    tied = tied_up(account, instrument, position) - before
    account.deposited += tied
    account.realized_pl += bounded(in_own(world, account, instrument, profit))
    if cash:
        account.pay(instrument.currency, cash)
    world.emit(
        "contract_passed",
        symbol=instrument.symbol,
        work=work["kind"],
        account=account.text,
        wheel=work["passed"],
        qty=qty,
        cost=cost,
        cash=cash,
        realized_pl=profit,
        deposit=tied,
        **profit_abroad(world, account, instrument, profit),
    )


def profit_abroad(
    world: World, account: Account, instrument: Instrument, profit: int
) -> dict[str, int]:
    """A profit in the currency of the account, told when that is another one."""
    if instrument.currency == account.currency:
        return {}
    return {"realized_here": bounded(in_own(world, account, instrument, profit))}

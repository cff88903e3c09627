"""What the exercise, the assignment or the end of an option comes to for one account."""

from typing import Any

from twin.amounts import AMOUNT_MAX, QUANTITY_MAX, bounded, divide
from twin.currencies import in_own
from twin.lots import share_out
from twin.margin import initial_of, tied_up, worth
from twin.money import cost_of, share_of
from twin.options import free_to_sell, strike_of, underlying_of, units_of
from twin.prices import price_of_mark
from twin.state import Account, Instrument, Position, World
from twin.wheels import assigned, open_interest, wheel

EXERCISED_FROM = 10_000
"""Worth for each unit from which an option is exercised unasked: OCC Rule 805."""


def intrinsic(world: World, instrument: Instrument, spot: int, qty: int) -> int:
    """What so many contracts are worth when the underlying stands at a price."""
    base, units = underlying_of(world, instrument), units_of(world, instrument, qty)
    value = base.value(spot, units, "half_even")
    strike = strike_of(instrument, qty, "half_even")
    return max(0, value - strike if instrument.contract["right"] == "call" else strike - value)


def is_worth_it(world: World, instrument: Instrument, spot: int, qty: int) -> bool:
    """Whether so many contracts are exercised at the end without being asked."""
    if spot <= 0:
        return False
    value = intrinsic(world, instrument, spot, qty)
    if instrument.contract["settlement"] == "cash":
        return value > 0
    scale = underlying_of(world, instrument).terms["qty_scale"]
    units = units_of(world, instrument, qty)
    return value >= divide(units * EXERCISED_FROM, 10**scale, "up")


def side_of_delivery(instrument: Instrument, *, is_long: bool) -> str:
    """Whether the underlying comes (`buy`) or goes."""
    return "buy" if (instrument.contract["right"] == "call") == is_long else "sell"


def can_carry(world: World, account: Account, instrument: Instrument, spot: int, qty: int) -> bool:
    """Whether a holder can pay for what his option brings, or has what it takes."""
    base, units = underlying_of(world, instrument), units_of(world, instrument, qty)
    side = side_of_delivery(instrument, is_long=True)
    if account.margin is None:
        if side == "buy":
            return strike_of(instrument, qty, "up") <= account.free_cash
        return units <= free_to_sell(world, account, base)
    opening = units - min(units, account.position(base).closing(side))
    need = 0
    if opening:
        value = base.value(max(1, spot), opening, "up")
        need = initial_of(account.margin, base, opening if side == "buy" else -opening, value)
    now = worth(world, account, lambda one: price_of_mark(one.mark))
    return need <= now.excess + intrinsic(world, instrument, spot, qty)


def pass_on(
    world: World, account: Account, instrument: Instrument, work: dict[str, Any]
) -> dict[str, Any] | None:
    """The part of one holder in a work; nothing when it does not concern him."""
    held = account.position(instrument).qty
    whole = abs(held)
    if work["kind"] == "assignment":
        count = assigned(work, whole) if held < 0 else 0
        if count == 0:
            return None
        return exercised(world, account, instrument, work["price"], (count, count), "assignment")
    if held < 0:
        count, kind = assigned(work, whole), "assignment"
    else:
        asked = account.index not in instrument.keeping
        wants = asked and is_worth_it(world, instrument, work["price"], whole)
        count, kind = (whole if wants else 0), "exercise"
    kind = kind if count else "expiry"
    return exercised(world, account, instrument, work["price"], (count, whole), kind)


def expiry_wheel(world: World, instrument: Instrument, spot: int) -> dict[str, int]:
    """At the end everything that is worth it is exercised, by the house too."""
    exercises = kept = 0
    for account in world.accounts:
        qty = max(0, account.position(instrument).qty)
        wants = qty > 0 and account.index not in instrument.keeping
        if wants and is_worth_it(world, instrument, spot, qty):
            exercises += qty
        else:
            kept += qty
    total = max(open_interest(world, instrument))
    # Without a holder who decides, the house does what is worth it.
    by_house = bool(world.accounts) and is_worth_it(world, instrument, spot, instrument.lot)
    count = total - kept if exercises or by_house else 0
    return wheel(world, instrument, total, max(0, count))


def exercised(
    world: World,
    account: Account,
    instrument: Instrument,
    spot: int,
    counts: tuple[int, int],
    kind: str,
) -> dict[str, Any]:
    """So many contracts are exercised or assigned, and so many leave the position, at cost."""
    count, closed = counts
    position, is_long = account.position(instrument), account.position(instrument).qty > 0
    whole = max(1, abs(position.qty))
    share = share_of(position.cost, min(closed, whole), whole)
    gone = -closed if is_long else closed
    after = Position(qty=position.qty + gone, cost=position.cost - share)
    tied = tied_up(account, instrument, after) - tied_up(account, instrument, position)
    end = {"work": kind, "qty": gone, "cost": -share, "cash": 0, "realized_pl": -share}
    end["deposit"] = tied
    if count == 0:
        return end
    if instrument.contract["settlement"] == "physical":
        delivered = delivery(world, account, instrument, spot, count)
        if delivered:
            return end | delivered
    value = bounded(intrinsic(world, instrument, spot, count))
    cash = value if is_long else -value
    return end | {"cash": cash, "realized_pl": cash - share}


def delivery(
    world: World, account: Account, instrument: Instrument, spot: int, count: int
) -> dict[str, Any] | None:
    """Underlying and strike change hands; nothing when a holder cannot carry it."""
    base, units = underlying_of(world, instrument), units_of(world, instrument, count)
    if base.status == "delisted":
        return None
    is_long = account.position(instrument).qty > 0
    side = side_of_delivery(instrument, is_long=is_long)
    sign = 1 if side == "buy" else -1
    strike = strike_of(instrument, count, "half_even")
    position, paid = account.position(base), bounded(strike)
    cost, profit = cost_of(position, side, units, paid)
    fits = (
        abs(position.qty + sign * units) <= QUANTITY_MAX
        and abs(position.cost + sign * cost) <= AMOUNT_MAX
        and strike <= AMOUNT_MAX
    )
    if not fits or (is_long and not can_carry(world, account, instrument, spot, count)):
        return None
    told = {"symbol": base.symbol, "qty": sign * units, "cost": sign * cost, "realized_pl": profit}
    return {"cash": -sign * paid, "delivered": told}


def tell(
    world: World,
    account: Account,
    instrument: Instrument,
    passed: dict[str, Any],
    wheel: int,
    request: dict[str, str] | None = None,
) -> None:
    """The part of one account happens."""
    base, delivered = underlying_of(world, instrument), passed.get("delivered")
    move(account, instrument, passed)
    profit = passed["realized_pl"]
    if delivered:
        held = account.position(base).qty
        move(account, base, delivered)
        delivered |= lots_left(account, base, held)
        profit += delivered["realized_pl"]
    if passed["cash"]:
        account.pay(instrument.currency, passed["cash"])
    account.deposited += passed["deposit"]
    account.realized_pl += bounded(in_own(world, account, instrument, profit))
    abroad = {}
    if instrument.currency != account.currency:
        abroad["realized_here"] = bounded(in_own(world, account, instrument, profit))
    told = passed | abroad
    names = ("qty", "cost", "cash", "realized_pl", "deposit", "realized_here", "delivered")
    world.emit(
        "contract_passed",
        symbol=instrument.symbol,
        work=passed["work"],
        account=account.text,
        wheel=wheel,
        **{name: told[name] for name in names if name in told},
        **(request or {}),
    )


def lots_left(account: Account, base: Instrument, held: int) -> dict[str, Any]:
    """The lots of the underlying when something of it went; what comes is in no lot."""
    qty = account.position(base).qty
    stays = qty * held > 0
    if base.index not in account.lots or (stays and abs(qty) >= abs(held)):
        return {}
    if stays:
        return {"lots": [], **share_out(account, base)}
    del account.lots[base.index]
    return {"lots": []}


def move(account: Account, instrument: Instrument, change: dict[str, Any]) -> None:
    """Changes a position."""
    position = account.own_position(instrument)
    position.qty += change["qty"]
    position.cost += change["cost"]
    position.realized_pl += change["realized_pl"]

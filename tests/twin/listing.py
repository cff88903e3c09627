"""Commands that create: the world, exchanges, instruments, accounts."""

import json
from typing import Any

from twin import contracts, corporate, fees, profile
from twin.accruals import next_midnight
from twin.amounts import ORDER_VALUE_MAX, PRICE_MAX, QUANTITY_MAX, RATE_SCALE
from twin.fees import show
from twin.fields import is_name
from twin.ids import Digest, format_uuid
from twin.market import Market
from twin.requests import remember
from twin.sessions import scope_on_tape, table_is_fine
from twin.state import Account, Exchange, Instrument, Refused, World, malformed

RATES = range(10**RATE_SCALE + 1)


def reused(field: str | None = None) -> Refused:
    """The name is taken by something else."""
    return Refused("id_reused", "id_reused", field)


def require(is_fine: bool, field: str) -> None:
    """Refuses what cannot be listed."""
    if not is_fine:
        raise malformed(field)


def is_currency(code: str) -> bool:
    """3 to 8 capitals."""
    return 3 <= len(code) <= 8 and code.isascii() and code.isalpha() and code.isupper()


def create_world(world: World, /, **terms: Any) -> str:
    """Creates the world, once."""
    if terms["world"] != world.name:
        raise malformed("world")
    if world.created is not None:
        if world.created == terms:
            return "existing"
        same_sharing = world.created["sharing"] == terms["sharing"]
        raise reused("seed" if same_sharing else "sharing")
    world.created = terms
    world.emit("world_created", **terms)
    return "created"


def list_exchange(world: World, **terms: Any) -> tuple[str, Exchange]:
    """Lists an exchange, once."""
    known = world.find_exchange(terms["exchange"])
    if known is not None:
        if known.terms == terms:
            return "existing", known
        raise reused("exchange")
    require(is_name(terms["exchange"]), "exchange")
    require(is_name(terms["name"]), "name")
    require(is_currency(terms["currency"]), "currency")
    require(is_name(terms["calendar"]), "calendar")
    rules = terms.get("rules", {})
    require(not rules.get("mic") or is_name(rules["mic"]), "mic")
    exchange = Exchange(terms, next_midnight(world.now_ns))
    world.exchanges.append(exchange)
    world.emit("exchange_listed", **on_tape(exchange))
    return "created", exchange


def on_tape(exchange: Exchange) -> dict[str, Any]:
    """The terms of an exchange as its event carries them: what is rarer only when it is there."""
    terms, schedule, filling = exchange.terms, exchange.terms["fees"], exchange.terms["profile"]
    names = ("exchange", "name", "currency", "calendar")
    return {
        **{name: terms[name] for name in names},
        **{name: schedule[name] for name in fees.PLAIN},
        "profile": filling["name"],
        **{name: filling[name] for name in profile.HEAD if name != "name"},
        **({"fees": fees.show(schedule)} if fees.has_rules(schedule) else {}),
        **({"fill_profile": profile.show(filling)} if profile.has_rules(filling) else {}),
        "day_end_ns": exchange.next_ns,
        **({"rules": exchange.rules} if exchange.rules else {}),
    }


def set_rules(
    world: World, scope: Exchange | Instrument, kind: str, value: dict[str, Any] | None
) -> tuple[str, Exchange | Instrument]:
    """Sets the fees, or the fill profile, that count from now on."""
    if value == getattr(scope, f"set_{kind}"):
        return "existing", scope
    setattr(scope, f"set_{kind}", value)
    scope.rules_version += 1
    ruling: dict[str, Any] = {"version": scope.rules_version}
    if scope.set_fees is not None:
        ruling["fees"] = show(scope.set_fees)
    if scope.set_profile is not None:
        ruling["profile"] = profile.show(scope.set_profile)
    world.emit("rules_set", **scope_on_tape(scope), ruling=ruling)
    return "ok", scope


def list_instrument(world: World, **terms: Any) -> tuple[str, Instrument]:
    """Lists an instrument, once."""
    known = [one for one in world.instruments if terms["symbol"] in one.symbols]
    if known:
        if known[0].terms == terms and known[0].status == "active":
            return "existing", known[0]
        raise reused("symbol")
    if corporate.is_promised(world, terms["symbol"]):
        raise reused("symbol")
    exchange = world.find_exchange(terms["exchange"])
    require(is_name(terms["symbol"]), "symbol")
    require(is_name(terms["name"]), "name")
    require(is_currency(terms["currency"]), "currency")
    require(terms["price_scale"] <= 12, "price_scale")
    require(terms["qty_scale"] <= 12, "qty_scale")
    require(1 <= terms["tick_size"] <= PRICE_MAX // 1_000_000, "tick_size")
    require(1 <= terms["lot_size"] <= QUANTITY_MAX // 1_000_000, "lot_size")
    rules = terms.get("rules", {})
    require(table_is_fine(rules.get("tick_table", []), terms["tick_size"]), "tick_table")
    require(not rules.get("industry") or is_name(rules["industry"]), "industry")
    instrument = Instrument(len(world.instruments), terms, exchange)
    require(instrument.value(instrument.tick, instrument.lot, "up") < 10**16, "lot_size")
    contracts.check(world, instrument)
    instrument.market = Market(is_fresh=True)
    world.instruments.append(instrument)
    world.know(terms["currency"])
    world.emit("instrument_listed", **terms)
    contracts.begin_periods(world, instrument)
    return "created", instrument


def open_account(
    world: World,
    account_id: int,
    owner: str,
    kind: str,
    currency: str,
    starting_cash: int,
    request: str,
    margin: dict[str, int] | None,
    cost_method: str,
) -> tuple[str, Account]:
    """Opens an account, once, with its starting cash."""
    known = world.find_account(account_id)
    if known is not None:
        same = (known.owner, known.kind, known.currency, known.starting_cash, known.margin)
        same_method = known.cost_method == cost_method
        if same_method and same == (owner, kind, currency, starting_cash, margin):
            return "existing", known
        raise reused("account_id")
    require(is_name(owner), "owner")
    require(is_name(request), "request_id")
    require(is_currency(currency), "currency")
    if margin is not None:
        require(margin["multiplier"] in {1, 2, 4}, "multiplier")
        require(margin["long_maintenance"] in RATES, "maintenance_rate")
        require(margin["short_maintenance"] in RATES, "short_maintenance_rate")
        require(margin["interest_rate"] in RATES, "interest_rate")
    require(0 <= starting_cash <= ORDER_VALUE_MAX, "starting_cash")
    account = Account(len(world.accounts), account_id, owner, kind, currency, starting_cash, margin)
    account.cost_method = cost_method
    world.accounts.append(account)
    world.know(currency)
    if world.risk is not None and world.risk.swept == account.index:
        world.risk.swept += 1
    if margin is not None and world.margin_since_ns == 0:
        world.margin_since_ns = world.now_ns
    digest = Digest("open_account").text(owner).text(kind).text(currency).number(starting_cash)
    agreed: dict[str, Any] = {} if cost_method == "average" else {"cost_method": cost_method}
    agreed |= {} if margin is None else {"margin": margin}
    if agreed:
        digest.raw(json.dumps(agreed, separators=(",", ":")).encode())
    remember(world, account, request, digest.state, 0)
    world.emit(
        "account_opened",
        account=format_uuid(account_id),
        owner=owner,
        account_kind=kind,
        currency=currency,
        **agreed,
        request=request,
        digest=f"{digest.state:016x}",
    )
    if starting_cash > 0:
        account.cash += starting_cash
        account.put_in = starting_cash
        world.emit("deposited", account=format_uuid(account_id), amount=starting_cash)
    return "created", account

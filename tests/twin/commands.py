"""Reads commands: JSON text to a kind and its members, or a refusal that names the field."""

from typing import Any

from twin import combos, contracts, fees, members, money_commands, profile, risk, together
from twin.amounts import MONEY_SCALE, PRICE_MAX, RATE_SCALE
from twin.fields import Fields, decimal, is_name, parse
from twin.ids import parse_uuid
from twin.options import is_option, underlying_of
from twin.state import (
    Exchange,
    Instrument,
    Order,
    Refused,
    World,
    malformed,
    not_found,
)
from twin.terms import TIME_MAX_NS
from twin.terms import read as rarer_terms

SIDES = ("buy", "sell")
TYPES = (
    "market", "limit", "stop", "stop_limit", "trailing_stop", "market_if_touched",
    "limit_if_touched",
)  # fmt: skip
TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok", "opg", "cls", "gtd")
STATES = ("open", "closed", "pre_market", "post_market", "auction")
ASSET_CLASSES = ("us_equity", "etf", "us_option", "crypto", "fx", "future", "perpetual")
LEVELS_MAX = 1_000
LOTS_MAX = 100


def decode(world: World, command: bytes) -> tuple[str, dict[str, Any]]:
    """The kind of a command and its members."""
    fields = Fields(world, parse(command))
    kind = fields.text("kind")
    members.check(kind, fields.members)
    if kind not in READERS:
        raise malformed("kind")
    return kind, READERS[kind](fields)


def create_world(fields: Fields) -> dict[str, Any]:
    """Creates the world."""
    return {
        "world": fields.text("world"),
        "seed": fields.integer("seed", 0, 2**64 - 1),
        "sharing": fields.word("sharing", ("shared", "isolated")),
    }


def list_exchange(fields: Fields) -> dict[str, Any]:
    """Lists an exchange: one flat set of terms, as on the tape."""
    filling = read_profile(fields.get("profile"))
    terms: dict[str, Any] = {
        name: fields.text(name) for name in ("exchange", "name", "currency", "calendar")
    }
    terms["fees"] = schedule(fields)
    terms["profile"] = filling
    rules = {
        "mic": fields.text("mic", ""),
        "band": band(fields),
        "halt_auction": fields.flag("halt_auction"),
    }
    return terms | with_rules(rules)


def schedule(fields: Fields) -> dict[str, Any]:
    """The fees of a command; none when they are left out."""
    given = fields.get("fees")
    try:
        return fees.none() if given is None else fees.read(given, is_name)
    except fees.WrongSettingError as why:
        raise malformed("fees") from why


def read_profile(given: Any) -> dict[str, Any]:
    """A fill profile; the realistic one when none is given."""
    try:
        return profile.preset("realistic") if given is None else profile.read(given)
    except fees.WrongSettingError as why:
        raise malformed("profile") from why


def set_rules(fields: Fields, kind: str) -> dict[str, Any]:
    """Sets fees or profile for a symbol or an exchange; nothing takes them back."""
    scope = ruled(fields)
    fields.check_version(scope.rules_version)
    if fields.get(kind) is None:
        return {"scope": scope, "kind": kind, "value": None}
    value = schedule(fields) if kind == "fees" else read_profile(fields.get("profile"))
    return {"scope": scope, "kind": kind, "value": value}


def ruled(fields: Fields) -> Exchange | Instrument:
    """What fees and profile are about: the symbol that is named, else the exchange."""
    names = [fields.get(name) for name in ("symbol", "exchange")]
    symbol, exchange = (name if type(name) is str else None for name in names)
    if symbol is not None:
        scope: Any = fields.world.find_instrument(symbol)
    else:
        scope = None if exchange is None else fields.world.find_exchange(exchange)
    if scope is None:
        raise malformed("symbol")
    return scope


def with_rules(rules: dict[str, Any]) -> dict[str, Any]:
    """Rules stand on the tape when there is one."""
    return {"rules": rules} if any(rules.values()) else {}


def band(fields: Fields) -> int:
    """A price band: a percentage."""
    share = fields.decimal("band", RATE_SCALE - 2, "malformed") or 0
    if not 0 <= share <= 10**RATE_SCALE:
        raise malformed("band")
    return share


def tick_table(fields: Fields, scale: int) -> list[list[int]]:
    """Price steps by price, at most 64."""
    table = fields.get("tick_table")
    if table is None:
        return []
    if not isinstance(table, list) or len(table) > 64:
        raise malformed("tick_table")
    for row in table:
        if not isinstance(row, list) or len(row) != 2:
            raise malformed("tick_table")
    try:
        return [[decimal(one, "tick_table", scale, "malformed") for one in row] for row in table]
    except Refused as why:
        raise malformed("tick_table") from why


def list_instrument(fields: Fields) -> dict[str, Any]:
    """Lists an instrument."""
    exchange = fields.world.find_exchange(fields.text("exchange"))
    if exchange is None:
        raise malformed("exchange")
    price_scale = fields.integer("price_scale", 0, 255)
    qty_scale = fields.integer("qty_scale", 0, 255)
    asset_class = fields.word("asset_class", ASSET_CLASSES)
    contract = contracts.read(fields, asset_class, price_scale)
    terms = {
        "symbol": fields.text("symbol"),
        "name": fields.text("name"),
        "asset_class": asset_class,
        "exchange": exchange.id,
        "sector": fields.text("sector", ""),
        "currency": fields.text("currency"),
        "tick_size": fields.needed("tick_size", min(price_scale, 12), "invalid_price"),
        "lot_size": fields.needed("lot_size", min(qty_scale, 12), "invalid_quantity"),
        "price_scale": price_scale,
        "qty_scale": qty_scale,
        "source": fields.word("source", ("street", "agents")),
        "trigger": fields.word("trigger", ("bid_ask", "last")),
        **contract,
    }
    rules = {
        "industry": fields.text("industry", ""),
        "tick_table": tick_table(fields, min(price_scale, 12)),
        "band": band(fields),
    }
    return terms | with_rules(rules)


def open_account(fields: Fields) -> dict[str, Any]:
    """Opens an account."""
    bits = parse_uuid(fields.text("account_id"))
    if bits is None:
        raise malformed("account_id")
    return {
        "account_id": bits,
        "owner": fields.text("owner"),
        "kind": fields.word("account_kind", ("cash", "margin", "journal")),
        "currency": fields.text("currency"),
        "starting_cash": fields.needed("starting_cash", MONEY_SCALE, "malformed"),
        "request": fields.text("request_id"),
        "cost_method": fields.word("cost_method", COST_METHODS, "average"),
        "margin": margin_terms(fields),
    }


COST_METHODS = ("average", "fifo", "lifo", "specific")
MARGIN = (
    ("multiplier", "multiplier", 0, 2),
    ("maintenance_rate", "long_maintenance", RATE_SCALE, 10**RATE_SCALE // 4),
    ("short_maintenance_rate", "short_maintenance", RATE_SCALE, 3 * 10**RATE_SCALE // 10),
    ("interest_rate", "interest_rate", RATE_SCALE, 0),
)
"""Member of the command, name on the tape, scale, default."""


def margin_terms(fields: Fields) -> dict[str, int] | None:
    """What a margin account may borrow; no other account has such members."""
    if fields.get("account_kind") != "margin":
        for member, *_ in MARGIN:
            if fields.get(member) is not None:
                raise malformed(member)
        return None
    terms = {}
    for member, name, scale, default in MARGIN:
        given = fields.get(member)
        terms[name] = default if given is None else decimal(given, member, scale, "malformed")
    return terms


def order_terms(fields: Fields, *, must_be_named: bool) -> Order:
    """The terms of a new order; only a preview may do without an id."""
    account = fields.account()
    if fields.get("order_class") == "mleg":
        instrument, side = combos.priced_by(fields)
    else:
        instrument, side = fields.instrument(), fields.word("side", SIDES)
    order = Order(
        account=account,
        client_order_id=fields.text("client_order_id", "preview"),
        instrument=instrument,
        side=side,
        type=fields.word("type", TYPES),
        qty=quantity(fields, instrument),
        limit_price=limit_price(fields, instrument),
        stop_price=fields.price("stop_price", instrument),
        time_in_force=fields.word("time_in_force", TIMES_IN_FORCE, "day"),
        more=rarer_terms(fields, instrument),
    )
    if must_be_named:
        fields.text("client_order_id")
    return order


def quantity(fields: Fields, instrument: Instrument) -> int:
    """The quantity of an order; it may be left out where an amount of money is given."""
    if fields.get("qty") is None and fields.get("notional") is not None:
        return 0
    return fields.needed_qty("qty", instrument)


def limit_price(fields: Fields, instrument: Instrument) -> int | None:
    """The limit price; the first order of an oco may say it as the profit that it takes."""
    is_oco = fields.get("order_class") == "oco" and fields.get("take_profit") is not None
    if fields.get("limit_price") is None and is_oco:
        return fields.part("take_profit").price("limit_price", instrument)
    if fields.get("order_class") == "mleg":
        return net_price(fields, instrument)
    return fields.price("limit_price", instrument)


def net_price(fields: Fields, instrument: Instrument) -> int | None:
    """A net price lies within bounds on either side of zero."""
    price = fields.price("limit_price", instrument)
    if price is not None and abs(price) > PRICE_MAX:
        raise malformed("limit_price", "invalid_price")
    return price


def replace(fields: Fields) -> dict[str, Any]:
    """Changes an order; its quantities and prices have the scales of its instrument."""
    account, number = fields.account(), fields.order_number()
    order = fields.world.orders.get(number)
    if order is None or order.account is not account:
        raise not_found("order_id")
    scale = order.instrument.terms["qty_scale"]
    return {
        "account": account,
        "number": number,
        "request": fields.request_id(),
        "qty": fields.decimal("qty", scale, "invalid_quantity"),
        "limit_price": (
            net_price(fields, order.instrument)
            if order.is_combo
            else fields.price("limit_price", order.instrument)
        ),
        "stop_price": fields.price("stop_price", order.instrument),
        "time_in_force": (
            None
            if fields.get("time_in_force") is None
            else fields.word("time_in_force", TIMES_IN_FORCE)
        ),
        "more": rarer_terms(fields, order.instrument),
    }


def cancel(fields: Fields) -> dict[str, Any]:
    """Cancels an order."""
    account, number = fields.account(), fields.order_number()
    return {"account": account, "number": number, "request": fields.request_id()}


def cancel_all(fields: Fields) -> dict[str, Any]:
    """Cancels all open orders of an account."""
    return {"account": fields.account(), "request": fields.request_id()}


def book(fields: Fields) -> dict[str, Any]:
    """Asks for the book."""
    instrument = fields.instrument()
    depth = 10 if fields.get("depth") is None else fields.integer("depth", 0, 2**64 - 1)
    return {"instrument": instrument, "depth": min(depth, LEVELS_MAX)}


def quote(fields: Fields) -> dict[str, Any]:
    """Best bid and ask of the street."""
    instrument = fields.instrument()

    def side(price: str, size: str) -> list[tuple[int, int]]:
        at = fields.price(price, instrument)
        return [] if at is None else [(at, fields.needed_qty(size, instrument))]

    return {
        "instrument": instrument,
        "bids": side("bid", "bid_size"),
        "asks": side("ask", "ask_size"),
    }


def depth(fields: Fields) -> dict[str, Any]:
    """The levels of the street."""
    instrument = fields.instrument()
    scales = (instrument.terms["price_scale"], instrument.terms["qty_scale"])

    def levels(field: str) -> list[tuple[int, int]]:
        listed = fields.get(field)
        listed = listed if isinstance(listed, list) else []
        if len(listed) > LEVELS_MAX:
            raise malformed(field)
        return [level(one if isinstance(one, list) else [], field) for one in listed]

    def level(pair: list[Any], field: str) -> tuple[int, int]:
        texts = [one if isinstance(one, str) else "" for one in (*pair, "", "")]
        price, qty = (
            decimal(text, field, scale, "malformed")
            for text, scale in zip(texts, scales, strict=False)
        )
        return (price, qty)

    return {"instrument": instrument, "bids": levels("bids"), "asks": levels("asks")}


def trade(fields: Fields) -> dict[str, Any]:
    """A print of the street."""
    instrument = fields.instrument()
    return {
        "instrument": instrument,
        "price": fields.needed_price("price", instrument),
        "qty": fields.needed_qty("qty", instrument),
        "side": None if fields.get("side") is None else fields.word("side", SIDES),
    }


def bar(fields: Fields) -> dict[str, Any]:
    """A bar of the street."""
    instrument = fields.instrument()
    names = ("open", "high", "low", "close")
    prices = tuple(fields.needed_price(name, instrument) for name in names)
    volume = fields.decimal("volume", instrument.terms["qty_scale"], "invalid_quantity")
    return {"instrument": instrument, "prices": prices, "volume": volume or 0}


def agent_order(fields: Fields) -> dict[str, Any]:
    """An order of a house bot."""
    instrument = fields.instrument()
    fields.integer("agent", 0, 2**32 - 1)
    return {
        "instrument": instrument,
        "bot_order": fields.integer("id", 0, 2**64 - 1),
        "side": fields.word("side", SIDES),
        "price": fields.price("price", instrument),
        "qty": fields.needed_qty("qty", instrument),
    }


def agent_cancel(fields: Fields) -> dict[str, Any]:
    """Takes an order of a house bot out."""
    return {"instrument": fields.instrument(), "bot_order": fields.integer("id", 0, 2**64 - 1)}


def session(fields: Fields) -> dict[str, Any]:
    """An exchange enters another part of its day."""

    def time_of(field: str) -> int:
        told = 0 if fields.get(field) is None else fields.integer(field, -(2**63), 2**63 - 1)
        if not 0 <= told <= TIME_MAX_NS:
            raise malformed(field)
        return told

    return {
        "exchange": listed_exchange(fields),
        "state": fields.word("state", STATES),
        "auction": (
            None
            if fields.get("auction") is None
            else fields.word("auction", ("open", "close", "halt"))
        ),
        "next_ns": time_of("next_ns"),
        "next_open_ns": time_of("next_open_ns"),
    }


def listed_exchange(fields: Fields) -> Exchange:
    """The exchange that the command names."""
    exchange = fields.world.find_exchange(fields.text("exchange"))
    if exchange is None:
        raise malformed("exchange")
    return exchange


def scope(fields: Fields) -> Exchange | Instrument:
    """What a halt is about: a symbol or an exchange."""
    names = [name for name in ("symbol", "exchange") if fields.get(name) is not None]
    if len(names) != 1:
        raise malformed("symbol")
    return fields.instrument() if names == ["symbol"] else listed_exchange(fields)


def contract_of(fields: Fields) -> Instrument:
    """The contract that the command names."""
    instrument = fields.instrument()
    if not instrument.contract:
        raise malformed("symbol")
    return instrument


def settle(fields: Fields) -> dict[str, Any]:
    """States a settlement price."""
    instrument = contract_of(fields)
    priced = instrument
    if is_option(instrument):
        priced = underlying_of(fields.world, instrument)
    price = fields.needed_price("price", priced)
    return {"instrument": instrument, "price": price, "at_expiry": fields.flag("at_expiry")}


def exercise(fields: Fields) -> dict[str, Any]:
    """Exercises an option."""
    account, instrument = fields.account(), contract_of(fields)
    qty = fields.needed_qty("qty", instrument)
    request = fields.request_id()
    return {"account": account, "instrument": instrument, "qty": qty, "request": request}


def do_not_exercise(fields: Fields) -> dict[str, Any]:
    """Says whether an option is to be exercised at its end."""
    account, instrument = fields.account(), contract_of(fields)
    return {"account": account, "instrument": instrument, "revoke": fields.flag("revoke")}


def funding(fields: Fields) -> dict[str, Any]:
    """Sets a funding rate."""
    return {
        "instrument": contract_of(fields),
        "rate": fields.needed("rate", RATE_SCALE, "malformed"),
    }


def halt(fields: Fields) -> dict[str, Any]:
    """Stops trading."""
    return {"scope": scope(fields), "reason": fields.text("reason")}


def resume(fields: Fields) -> dict[str, Any]:
    """Ends a halt."""
    auction = None if fields.get("auction") is None else fields.flag("auction")
    return {"scope": scope(fields), "auction": auction}


def corporate_action(fields: Fields) -> dict[str, Any]:
    """Announces a corporate action."""
    times = (-(2**63), 2**63 - 1)
    instrument, action_id = fields.instrument(), fields.text("action_id")
    change = change_of(fields, instrument)
    ex_ns, pay_ns = (
        0 if fields.get(name) is None else fields.integer(name, *times)
        for name in ("ex_ns", "pay_ns")
    )
    return {
        "action_id": action_id,
        "instrument": instrument,
        "change": change,
        "ex_ns": ex_ns,
        "pay_ns": pay_ns,
    }


def change_of(fields: Fields, instrument: Instrument) -> dict[str, Any]:
    """What a corporate action does, as on the tape."""
    action = fields.text("action")
    if action == "cash_dividend":
        return {"dividend": fields.needed("amount", RATE_SCALE, "malformed")}
    if action in {"split", "stock_dividend"}:
        return {name: fields.integer(name, 0, 2**32 - 1) for name in ("new", "old")}
    if action == "symbol_change":
        symbol = fields.text("new_symbol")
        return {"symbol": symbol, "name": fields.text("name", instrument.terms["name"])}
    if action == "delisting":
        return {"delist": fields.price("price", instrument) or 0}
    raise malformed("action")


READERS = {
    "create_world": create_world,
    "list_exchange": list_exchange,
    "list_instrument": list_instrument,
    "open_account": open_account,
    "submit": lambda fields: {"order": order_terms(fields, must_be_named=True)},
    "submit_all": lambda fields: together.read(fields, order_terms),
    "preview": lambda fields: {"order": order_terms(fields, must_be_named=False)},
    "replace": replace,
    "cancel": cancel,
    "cancel_list": together.read_cancels,
    "cancel_all": cancel_all,
    "value": lambda fields: {"account": fields.account()},
    "book": book,
    "instruments": lambda _: {},
    "exchanges": lambda _: {},
    "quote": quote,
    "depth": depth,
    "trade": trade,
    "bar": bar,
    "agent_order": agent_order,
    "agent_cancel": agent_cancel,
    "time": lambda _: {},
    "session": session,
    "set_fees": lambda fields: set_rules(fields, "fees"),
    "set_profile": lambda fields: set_rules(fields, "profile"),
    "settle": settle,
    "funding": funding,
    "exercise": exercise,
    "do_not_exercise": do_not_exercise,
    "halt": halt,
    "corporate_action": corporate_action,
    "call_off_corporate_action": lambda fields: {"action_id": fields.text("action_id")},
    "resume": resume,
    "set_policy": risk.read_policy,
    "kill_switch": risk.read_switch,
    "set_status": risk.read_status,
    "resume_account": lambda fields: {"account": fields.account()},
    "policy": lambda _: {},
    "risk": lambda fields: {"account": fields.account()},
    "usage": lambda fields: {"account": fields.account()},
    "rules": lambda fields: {"scope": ruled(fields)},
    "presets": lambda _: {},
    "checkpoint": lambda _: {},
    **money_commands.READERS,
}
MARKET_INPUTS = ("quote", "depth", "trade", "bar", "agent_order", "agent_cancel")
QUESTIONS = (
    "preview", "value", "book", "instruments", "exchanges", "policy", "risk", "usage", "rules",
    "presets",
)  # fmt: skip

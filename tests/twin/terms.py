"""What only some orders ask for: how it is read, kept, checked and shown."""

import json
from typing import Any

from twin.amounts import AMOUNT_MAX, MONEY_SCALE, PRICE_MAX, format_decimal, format_money
from twin.fields import Fields
from twin.ids import FILL, ORDER, format_time, make_id, number_of
from twin.state import Instrument, Order, World, malformed

PERCENT_SCALE = 4
LOTS_MAX = 100
LEGS_MAX = 100
SIDES = ("buy", "sell")
WHOLE = 100 * 10**PERCENT_SCALE
TIME_MAX_NS = 9_006_000_000_000_000_000
TRIGGERS = ("bid_ask", "last", "mid")
SELF_TRADES = ("none", "cancel_newest", "cancel_oldest", "decrement")
WHEN_CLOSED = ("wait", "refuse")
INTENTS = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")
CLASSES = ("simple", "bracket", "oco", "oto", "mleg")
TAPE_ORDER = (
    "trail_price", "trail_percent", "trigger", "display_qty", "hidden", "post_only", "reduce_only",
    "notional", "expires_ns", "extended_hours", "order_class", "take_profit", "stop_loss", "legs",
    "parent",    "sibling", "held", "water_mark", "self_trade", "do_not_reduce", "lot_ids",
    "when_closed", "forced", "recorded", "position_intent",
)  # fmt: skip
"""The order in which the tape tells terms; what is not asked for is not told."""
SHOWN_AS = {
    "parent": "parent_id", "sibling": "sibling_id", "held": "waits_for",
    "expires_ns": "expire_time", "legs": "leg_terms",
}  # fmt: skip
LOSS = ("stop_price", "limit_price", "trail_price", "trail_percent")


# Reading --------------------------------------------------------------------------------------


def read(fields: Fields, instrument: Instrument) -> dict[str, Any]:
    """The terms of a command that few orders have."""
    qty_scale = instrument.terms["qty_scale"]
    return kept(
        {
            "trail_price": fields.price("trail_price", instrument),
            "trail_percent": percent(fields),
            "trigger": word(fields, "trigger", TRIGGERS),
            "display_qty": fields.decimal("display_qty", qty_scale, "invalid_quantity"),
            "hidden": fields.flag("hidden"),
            "post_only": fields.flag("post_only"),
            "reduce_only": fields.flag("reduce_only"),
            "notional": fields.decimal("notional", MONEY_SCALE, "invalid_quantity"),
            "expires_ns": date(fields),
            "extended_hours": fields.flag("extended_hours"),
            "order_class": word(fields, "order_class", CLASSES, left_out="simple"),
            "take_profit": take_profit(fields, instrument),
            "stop_loss": stop_loss(fields, instrument),
            "legs": read_legs(fields),
            "self_trade": word(fields, "self_trade", SELF_TRADES),
            "do_not_reduce": fields.flag("do_not_reduce"),
            "lot_ids": lot_ids(fields),
            "when_closed": word(fields, "when_closed", WHEN_CLOSED),
            "position_intent": word(fields, "position_intent", INTENTS),
        }
    )


def kept(terms: dict[str, Any]) -> dict[str, Any]:
    """Terms that ask for something, in the order of the tape."""
    asked = {name: terms.get(name) for name in TAPE_ORDER}
    empty = (None, [])
    return {name: it for name, it in asked.items() if it not in empty and it is not False}


def text(terms: dict[str, Any]) -> str:
    """Terms as the tape writes them."""
    return json.dumps(terms, separators=(",", ":"), ensure_ascii=False)


def word(fields: Fields, name: str, words: tuple[str, ...], left_out: str = "") -> str | None:
    """One of a few words; nothing when it is left out or says what is so anyway."""
    said = None if fields.get(name) is None else fields.word(name, words)
    return None if said == left_out else said


def percent(fields: Fields) -> int | None:
    """A percentage with four decimals."""
    return fields.decimal("trail_percent", PERCENT_SCALE, "invalid_price")


def date(fields: Fields) -> int | None:
    """A time in nanoseconds."""
    if fields.get("expires_ns") is None:
        return None
    return fields.integer("expires_ns", -(2**63), 2**63 - 1)


def lot_ids(fields: Fields) -> list[int]:
    """The lots that an order closes, named by the fills that opened them."""
    named = fields.get("lot_ids")
    if named is None:
        return []
    if not isinstance(named, list) or len(named) > LOTS_MAX:
        raise malformed("lot_ids")
    texts = [one if isinstance(one, str) else "" for one in named]
    numbers = [number_of(fields.world.name, FILL, text) for text in texts]
    if None in numbers:
        raise malformed("lot_ids")
    return numbers


def take_profit(fields: Fields, instrument: Instrument) -> dict[str, int] | None:
    """The order that takes the profit of a group."""
    if fields.get("take_profit") is None:
        return None
    part = fields.part("take_profit")
    return {"limit_price": part.needed_price("limit_price", instrument)}


def stop_loss(fields: Fields, instrument: Instrument) -> dict[str, int] | None:
    """The order that stops the loss of a group."""
    if fields.get("stop_loss") is None:
        return None
    part = fields.part("stop_loss")
    loss = {name: part.price(name, instrument) for name in LOSS[:3]}
    loss["trail_percent"] = percent(part)
    return {name: it for name, it in loss.items() if it is not None}


def read_legs(fields: Fields) -> list[dict[str, Any]]:
    """The legs that a command names, as on the tape."""
    named = fields.get("legs")
    if named is None:
        return []
    if not isinstance(named, list) or len(named) > LEGS_MAX:
        raise malformed("legs")
    if not all(isinstance(one, dict) for one in named):
        raise malformed("legs")
    return [read_leg(Fields(fields.world, one)) for one in named]


def read_leg(fields: Fields) -> dict[str, Any]:
    """One of them."""
    instrument = fields.instrument()
    side = fields.word("side", SIDES)
    ratio = fields.needed_qty("ratio_qty", instrument)
    leg = {"instrument": instrument.index, "side": side, "ratio_qty": ratio}
    if fields.get("position_intent") is not None:
        leg["position_intent"] = fields.word("position_intent", INTENTS)
    return leg


# Checking -------------------------------------------------------------------------------------


def wrong(field: str) -> Exception:
    """Terms that do not go together."""
    return malformed(field, "invalid_terms")


def check_trail(order: Order) -> None:
    """A trailing stop trails by an amount or by a percentage."""
    given = [order.more.get(name) for name in ("trail_price", "trail_percent")]
    count = sum(one is not None for one in given)
    if count != (order.type == "trailing_stop"):
        only_percent = given[0] is None and order.type != "trailing_stop"
        raise wrong("trail_percent" if only_percent else "trail_price")
    amount, share = (1 if one is None else one for one in given)
    if not 0 < amount <= PRICE_MAX:
        raise wrong("trail_price")
    if not 0 < share < WHOLE:
        raise wrong("trail_percent")


def check_date(order: Order) -> None:
    """Good-till-date orders, and no others, have a date."""
    date = order.more.get("expires_ns")
    if (order.time_in_force == "gtd") != (date is not None):
        raise wrong("expire_time")
    if date is not None and not 0 <= date <= TIME_MAX_NS:
        raise wrong("expire_time")


def check_display(order: Order) -> None:
    """Only what rests can show a part, be hidden, or be kept from taking."""
    rests = order.has_limit and order.time_in_force not in {"ioc", "fok"}
    shown, hidden = order.more.get("display_qty"), order.more.get("hidden")
    if shown is not None and (not rests or hidden or not 0 < shown <= order.qty):
        raise wrong("display_qty")
    if hidden and not rests:
        raise wrong("hidden")
    if order.more.get("post_only") and not (rests and order.type == "limit"):
        raise wrong("post_only")


def check_notional(order: Order) -> None:
    """Market and limit orders can be for an amount of money in place of a quantity."""
    money = order.more.get("notional")
    if money is None:
        return
    fits = order.qty == 0 and order.type in {"market", "limit"}
    if not fits or "order_class" in order.more or not 0 < money <= AMOUNT_MAX:
        raise wrong("notional")


def check_trigger(order: Order) -> None:
    """Only an order that waits for a price has a source that tells it."""
    if "trigger" in order.more and not order.awaits_price:
        raise wrong("trigger")


def check_intent(order: Order) -> None:
    """What an order says that it does goes with its side."""
    intent = order.more.get("position_intent")
    if intent and not intent.startswith(order.side):
        raise wrong("position_intent")


# Showing --------------------------------------------------------------------------------------


def shown(world: World, order: Order) -> dict[str, Any]:
    """Terms as a client sees them, and the orders of the group."""
    at = order.instrument.price_text

    def show(name: str, value: Any) -> Any:
        if name in {"trail_price", "water_mark", "stop_price", "limit_price"}:
            return at(value)
        if name in {"take_profit", "stop_loss"}:
            return {key: show(key, one) for key, one in value.items()}
        if name in {"parent", "sibling"}:
            return make_id(world.name, ORDER, value)
        if name == "legs":
            return [leg_shown(world, leg) for leg in value]
        return WRITTEN[name](value) if name in WRITTEN else value

    members = {SHOWN_AS.get(name, name): show(name, it) for name, it in order.more.items()}
    if "display_qty" in members:
        members["display_qty"] = order.instrument.qty_text(order.more["display_qty"])
    if "lot_ids" in members:
        members["lot_ids"] = [make_id(world.name, FILL, lot) for lot in members["lot_ids"]]
    if order.legs:
        members["legs"] = [make_id(world.name, ORDER, leg) for leg in order.legs]
    return members


def leg_shown(world: World, leg: dict[str, Any]) -> dict[str, str]:
    """A leg of a multi-leg order as a client sees it."""
    instrument = world.instruments[leg["instrument"]]
    ratio = instrument.qty_text(leg["ratio_qty"])
    shown = {name: leg[name] for name in ("side", "position_intent") if name in leg}
    return shown | {"symbol": instrument.symbol, "ratio_qty": ratio}


WRITTEN = {
    "trail_percent": lambda share: format_decimal(share, PERCENT_SCALE, 0),
    "notional": format_money,
    "expires_ns": format_time,
}

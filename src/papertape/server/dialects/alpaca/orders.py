"""An order in both languages: Alpaca's body as the native command, the native order as Alpaca's.

Pure functions; `order_routes` sends what is made here. Money and quantities stay decimal text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from papertape.domain.time_text import time_text
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.models.bodies import LegBody, OrderBody, ReplaceBody
from papertape.server.dialects.alpaca.words import ORDER_TYPES, TIMES_IN_FORCE
from papertape.server.problems import Problem, malformed

Native = dict[str, Any]
Order = dict[str, Any]

OPEN_STATUSES = frozenset({"pending_new", "new", "partially_filled", "held"})
_TERMS = (
    "qty",
    "notional",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
    "extended_hours",
)
_ENDED_AT = {
    "filled": "filled_at",
    "expired": "expired_at",
    "canceled": "canceled_at",
    "rejected": "failed_at",
}


@dataclass(frozen=True, slots=True)
class Version:
    """Under which id an order goes since which replacement; the plain one is the order itself."""

    id: str
    client_order_id: str
    replaces: str | None = None
    since_ns: int | None = None


# --- from Alpaca to the exchange ------------------------------------------------------------------


def command_of(body: OrderBody, symbol_of: Mapping[str, str]) -> Native:
    """The terms of a `submit` command; raises `Problem` 422.

    `symbol_of` has the listed symbol of every name in the body.
    """
    _refuse_algos(body.advanced_instructions)
    fields: Native = {"type": body.type, "time_in_force": body.time_in_force}
    given = {name: getattr(body, name) for name in _TERMS}
    fields |= {name: value for name, value in given.items() if value not in {None, False}}
    if body.order_class == "mleg":
        return fields | {"order_class": "mleg"} | _legs(body, symbol_of)
    if body.symbol is None or body.side is None:
        name = "symbol" if body.symbol is None else "side"
        raise malformed(f"{name}: an order needs it; only mleg orders have it in their legs")
    fields |= {"symbol": symbol_of[body.symbol], "side": body.side}
    if body.order_class in {"bracket", "oco", "oto"}:
        return fields | _exits(body)
    if body.take_profit or body.stop_loss:
        raise malformed("take_profit and stop_loss need order_class bracket, oco or oto")
    return fields | _intent(body)


def _refuse_algos(instructions: Mapping[str, Any] | None) -> None:
    if instructions:
        raise Problem(
            422,
            "algo_not_available",
            "advanced_instructions: execution algorithms and routing are not available yet; "
            "send a plain order",
        )


def _exits(body: OrderBody) -> Native:
    """What a bracket, oco or oto has besides. Alpaca's oco is its own take-profit order."""
    kind = body.order_class
    profit, loss = body.take_profit, body.stop_loss
    if kind == "bracket" and not (profit and loss):
        raise malformed("bracket orders require take_profit.limit_price and stop_loss.stop_price")
    if kind == "oto" and (profit is None) == (loss is None):
        raise malformed("oto orders require either take_profit or stop_loss")
    fields: Native = {"order_class": kind}
    if loss is not None:
        fields["stop_loss"] = loss.model_dump(exclude_none=True)
    if kind != "oco":
        return fields | ({"take_profit": profit.model_dump()} if profit else {})
    limit_price = profit.limit_price if profit else body.limit_price
    if limit_price is None or loss is None:
        raise malformed("oco orders require take_profit.limit_price and stop_loss.stop_price")
    return fields | {"type": "limit", "limit_price": limit_price}


def _legs(body: OrderBody, symbol_of: Mapping[str, str]) -> Native:
    if not body.legs:
        raise malformed("legs: mleg orders have two to four legs", field="legs")
    if body.symbol is not None or body.side is not None:
        raise malformed("mleg orders have symbol and side in their legs only")
    return {"legs": [_leg(leg, symbol_of) for leg in body.legs]}


def _leg(leg: LegBody, symbol_of: Mapping[str, str]) -> Native:
    side = leg.side or (leg.position_intent or "").partition("_")[0]
    if not side:
        raise malformed("legs: each leg needs side or position_intent", field="legs")
    if leg.position_intent and not leg.position_intent.startswith(side):
        raise malformed("legs: side and position_intent say different things", field="legs")
    meant = {"position_intent": leg.position_intent} if leg.position_intent else {}
    return {"symbol": symbol_of[leg.symbol], "side": side, "ratio_qty": leg.ratio_qty} | meant


def _intent(body: OrderBody) -> Native:
    """What an order is meant for: the exchange holds it to that."""
    if body.position_intent is None:
        return {}
    side, _, intent = body.position_intent.partition("_to_")
    if side != body.side:
        raise malformed(
            f"position_intent {body.position_intent} does not go with side {body.side}",
            field="position_intent",
            value=body.position_intent,
        )
    held_to = {"reduce_only": True} if intent == "close" else {}
    return held_to | {"position_intent": body.position_intent}


def names_in(body: OrderBody) -> list[str]:
    """The names of assets that a body has."""
    names = [leg.symbol for leg in body.legs or ()]
    return names if body.symbol is None else [body.symbol, *names]


def change_of(body: ReplaceBody, native: Mapping[str, Any]) -> Native:
    """The terms that a `replace` command changes; raises `Problem` 422 when there are none."""
    _refuse_algos(body.advanced_instructions)
    change = body.model_dump(
        exclude_none=True, exclude={"client_order_id", "trail", "advanced_instructions"}
    )
    if body.trail is not None:
        if native["type"] != "trailing_stop":
            raise malformed(
                "trail: only a trailing_stop order has it", field="trail", value=body.trail
            )
        is_percent = native.get("trail_percent") is not None
        change["trail_percent" if is_percent else "trail_price"] = body.trail
    if not change:
        raise malformed("give at least one of qty, time_in_force, limit_price, stop_price, trail")
    return change


# --- from the exchange to Alpaca ------------------------------------------------------------------


def is_shown(native: Mapping[str, Any]) -> bool:
    """Whether Alpaca has words for type and time in force."""
    return native["type"] in ORDER_TYPES and native["time_in_force"] in TIMES_IN_FORCE


def order_of(
    native: Mapping[str, Any],
    asset: Asset | None,
    version: Version | None = None,
    legs: Sequence[Order] | None = None,
) -> Order:
    """The order as Alpaca shows it; `asset` is None for the parent of a multi-leg order."""
    version = version or Version(native["id"], native["client_order_id"])
    is_parent = native.get("order_class") == "mleg" and native.get("parent_id") is None
    asset = None if is_parent else asset
    began = native["created_at"] if version.since_ns is None else time_text(version.since_ns)
    order: Order = {
        "id": version.id,
        "client_order_id": version.client_order_id,
        "created_at": began,
        "updated_at": native["updated_at"],
        "submitted_at": began,
        "filled_at": None,
        "expired_at": None,
        "expires_at": None,
        "canceled_at": None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": version.replaces,
        "asset_id": asset.id if asset else "",
        "symbol": asset.symbol if asset else "",
        "asset_class": asset.asset_class if asset else "us_option",
        "notional": native.get("notional"),
        "qty": None if native.get("notional") else native["qty"],
        "filled_qty": native["filled_qty"],
        "filled_avg_price": native["filled_avg_price"],
        "order_class": _class_of(native),
        "order_type": native["type"],
        "type": native["type"],
        "side": "" if is_parent else native["side"],
        "position_intent": _intent_of(native),
        "time_in_force": native["time_in_force"],
        "limit_price": native["limit_price"],
        "stop_price": native["stop_price"],
        "status": native["status"],
        "extended_hours": bool(native.get("extended_hours")),
        "legs": list(legs) if legs else None,
        "trail_percent": native.get("trail_percent"),
        "trail_price": native.get("trail_price"),
        "hwm": native.get("water_mark"),
        "subtag": None,
        "source": None,
    }
    ended = _ENDED_AT.get(native["status"])
    return order | ({ended: native["updated_at"]} if ended else {})


def replaced(order: Order, at_ns: int, by: str) -> Order:
    """How an order is shown after it went on under another id."""
    at = time_text(at_ns)
    return order | {
        "status": "replaced",
        "replaced_at": at,
        "replaced_by": by,
        "updated_at": at,
    }


def _class_of(native: Mapping[str, Any]) -> str:
    """Alpaca leaves it empty for a simple order."""
    order_class: str = native.get("order_class") or ""
    return "" if order_class == "simple" else order_class


def _intent_of(native: Mapping[str, Any]) -> str | None:
    """What an order was meant for; one that only reduces closes."""
    meant: str | None = native.get("position_intent")
    if meant is not None:
        return meant
    return f"{native['side']}_to_close" if native.get("reduce_only") else None

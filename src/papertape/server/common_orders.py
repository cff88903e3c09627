"""Reads the orders that nearly all orders are, in a tenth of the time.

A market, limit or stop order with figures as text is decoded by msgspec straight into what the
floor takes. Whatever is not exactly that, right or wrong, is None here and is read by the model of
the route, which also says what is wrong with it; where both read an order they read the same.
"""

import re
from typing import Any, Literal

import msgspec

from papertape.server.models.base import UUID_PATTERN

_UUID = re.compile(UUID_PATTERN)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./]{0,15}", re.ASCII)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_FIGURE = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?", re.ASCII)


class _Order(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    account_id: str
    symbol: str
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit"]
    qty: str
    limit_price: str | msgspec.UnsetType | None = msgspec.UNSET
    stop_price: str | msgspec.UnsetType | None = msgspec.UNSET
    time_in_force: Literal["day", "gtc", "ioc", "fok"] | msgspec.UnsetType = msgspec.UNSET
    client_order_id: str | msgspec.UnsetType | None = msgspec.UNSET


_NEEDED = 5
_MAY_LACK = ("limit_price", "stop_price", "time_in_force", "client_order_id")
_DECODER = msgspec.json.Decoder(_Order)


def common_fields(body: bytes) -> dict[str, Any] | None:
    """The order as the floor takes it, or None for all that the model of the route must read."""
    try:
        order = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    given = order.client_order_id
    members = _NEEDED + sum(getattr(order, name) is not msgspec.UNSET for name in _MAY_LACK)
    if body.count(b":") != members:
        return None  # a name stands twice, or a colon in a text
    if not (
        _UUID.fullmatch(order.account_id)
        and _SYMBOL.fullmatch(order.symbol)
        and (not isinstance(given, str) or _REQUEST_ID.fullmatch(given))
    ):
        return None
    fields: dict[str, Any] = {
        "account_id": order.account_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
    }
    for name in ("qty", "limit_price", "stop_price"):
        figure = getattr(order, name)
        if isinstance(figure, str):
            if not _FIGURE.fullmatch(figure):
                return None
            fields[name] = figure.rstrip("0").rstrip(".") if "." in figure else figure
    fields["time_in_force"] = order.time_in_force or "day"
    if isinstance(given, str):
        fields["client_order_id"] = given
    return fields

"""Conditions that narrow lists of orders and fills, for `Reads`. Times are nanoseconds."""

from collections.abc import Collection

from sqlalchemy import ColumnElement

from papertape.storage.tables import fills, orders

Conditions = list[ColumnElement[bool]]


def of_orders(
    *,
    symbol: str | None = None,
    side: str | None = None,
    statuses: Collection[str] = (),
    types: Collection[str] = (),
    from_ns: int | None = None,
    to_ns: int | None = None,
    order_ids: Collection[str] | None = None,
) -> Conditions:
    """Orders that were created from `from_ns` on and before `to_ns`; what is left out is any."""
    found: Conditions = []
    if symbol is not None:
        found.append(orders.c.symbol == symbol)
    if side is not None:
        found.append(orders.c.side == side)
    if statuses:
        found.append(orders.c.status.in_(statuses))
    if types:
        found.append(orders.c.type.in_(types))
    if from_ns is not None:
        found.append(orders.c.created_ns >= from_ns)
    if to_ns is not None:
        found.append(orders.c.created_ns < to_ns)
    if order_ids is not None:
        found.append(orders.c.order_id.in_(order_ids))
    return found


def of_fills(
    *,
    symbol: str | None = None,
    side: str | None = None,
    order_id: str | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
) -> Conditions:
    """Fills from `from_ns` on and before `to_ns`; what is left out is any."""
    found: Conditions = []
    if symbol is not None:
        found.append(fills.c.symbol == symbol)
    if side is not None:
        found.append(fills.c.side == side)
    if order_id is not None:
        found.append(fills.c.order_id == order_id)
    if from_ns is not None:
        found.append(fills.c.time_ns >= from_ns)
    if to_ns is not None:
        found.append(fills.c.time_ns < to_ns)
    return found

"""What happened to some accounts behind a place on the tape, the oldest first.

For whoever tells others and must miss nothing: fills, rejected orders, alerts.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, select, tuple_

from papertape.storage.rows import Item, alert_item, check_item, fill_item, order_item
from papertape.storage.tables import alerts, checks, fills, orders


class Spot(NamedTuple):
    """A place on the tape: event `i` of turn `seq`."""

    seq: int
    i: int


class News(NamedTuple):
    """One event; `kind` is fill, rejection or alert, the item as of the wire."""

    seq: int
    i: int
    kind: str
    item: Item


def read_news(
    connection: Connection,
    world: str,
    account_ids: Sequence[str],
    kinds: Collection[str],
    after: Spot,
    upto_seq: int,
    limit: int,
) -> list[News]:
    """At most `limit` events of the accounts behind `after`, up to turn `upto_seq`."""
    found: list[News] = []
    for kind, table, shape in _SOURCES:
        if kind not in kinds:
            continue
        query = _behind(table, world, account_ids, after, upto_seq).limit(limit)
        if table is checks:
            query = query.where(checks.c.outcome == "failed", checks.c.kind == "new")
        rows = connection.execute(query).mappings()
        found += [News(row["seq"], row["i"], kind, shape(row)) for row in rows]
    found.sort(key=lambda one: (one.seq, one.i))
    return _with_orders(connection, world, found[:limit])


def _behind(
    table: Table, world: str, account_ids: Sequence[str], after: Spot, upto_seq: int
) -> Select[Any]:
    place = (table.c.seq, table.c.i)
    return (
        select(table)
        .where(table.c.world == world, table.c.account_id.in_(account_ids))
        .where(tuple_(*place) > tuple_(*after), table.c.seq <= upto_seq)
        .order_by(*place)
    )


def _with_orders(connection: Connection, world: str, found: list[News]) -> list[News]:
    """A rejection tells its order along."""
    ids = [one.item["order_id"] for one in found if one.kind == "rejection"]
    if not ids:
        return found
    query = select(orders).where(orders.c.world == world, orders.c.order_id.in_(ids))
    rows = connection.execute(query).mappings()
    known = {row["order_id"]: order_item(row, row["seq"]) for row in rows}
    return [
        one._replace(item=one.item | {"order": known.get(one.item["order_id"])})
        if one.kind == "rejection"
        else one
        for one in found
    ]


_SOURCES: tuple[tuple[str, Table, Callable[[Any], Item]], ...] = (
    ("fill", fills, fill_item),
    ("rejection", checks, check_item),
    ("alert", alerts, alert_item),
)

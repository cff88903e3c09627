"""What happened to an account between two times: SQL over the read models, in shapes of the wire.

Where `Reads` goes back page by page, these go by time: for whoever thinks in days and windows.
Times are nanoseconds since 1970; None leaves an end open. Both ends are outside of a span.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, select

from papertape.storage.reads import Reads
from papertape.storage.rows import Item, equity_item, fill_item, ledger_item, order_item
from papertape.storage.tables import (
    OPEN_CONDITION,
    OPEN_STATUSES,
    equity,
    fills,
    ledger,
    orders,
)

AT_ONCE = 500
"""Ids in one query: databases bound the number of its values."""


@dataclass(frozen=True)
class Span:
    """Times after `after_ns` and before `before_ns`."""

    after_ns: int | None = None
    before_ns: int | None = None

    def of(self, column: Column[int]) -> list[ColumnElement[bool]]:
        """The conditions that keep a column inside."""
        conditions = []
        if self.after_ns is not None:
            conditions.append(column > self.after_ns)
        if self.before_ns is not None:
            conditions.append(column < self.before_ns)
        return conditions


class Spans:
    """Lists of one world by time."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def orders(
        self,
        account_id: str,
        span: Span,
        *,
        status: str = "all",
        symbols: Collection[str] = (),
        side: str | None = None,
        newest_first: bool = True,
        limit: int = 500,
    ) -> list[Item]:
        """Orders that were created in a span; `status` is open, closed or all."""
        query = self._of(orders, orders.c.account_id == account_id, *span.of(orders.c.created_ns))
        if status == "open":
            query = query.where(OPEN_CONDITION)
        elif status == "closed":
            query = query.where(orders.c.status.not_in(OPEN_STATUSES))
        if symbols:
            query = query.where(orders.c.symbol.in_(symbols))
        if side is not None:
            query = query.where(orders.c.side == side)
        number = orders.c.number
        query = query.order_by(number.desc() if newest_first else number).limit(limit)
        return [order_item(row, row["seq"]) for row in self._reads.rows(query)]

    def orders_of(self, order_ids: Collection[str]) -> dict[str, Item]:
        """Orders by their ids; those that there are not are left out."""
        found: dict[str, Item] = {}
        ids = list(order_ids)
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            query = self._of(orders, orders.c.order_id.in_(part))
            for row in self._reads.rows(query):
                found[row["order_id"]] = order_item(row, row["seq"])
        return found

    def fills(
        self,
        account_id: str,
        span: Span,
        *,
        symbol: str | None = None,
        newest_first: bool = True,
        limit: int | None = None,
    ) -> list[Item]:
        """Fills of a span."""
        query = self._of(fills, fills.c.account_id == account_id, *span.of(fills.c.time_ns))
        if symbol is not None:
            query = query.where(fills.c.symbol == symbol)
        keys = (fills.c.seq, fills.c.i)
        query = query.order_by(*(key.desc() if newest_first else key for key in keys)).limit(limit)
        return [fill_item(row) for row in self._reads.rows(query)]

    def fills_of(self, account_id: str, order_ids: Collection[str]) -> list[Item]:
        """All fills of some orders of an account, the oldest first."""
        found: list[tuple[tuple[int, int], Item]] = []
        ids = list(order_ids)
        for start in range(0, len(ids), AT_ONCE):
            mine = fills.c.order_id.in_(ids[start : start + AT_ONCE])
            query = self._of(fills, fills.c.account_id == account_id, mine)
            found += [((row["seq"], row["i"]), fill_item(row)) for row in self._reads.rows(query)]
        return [item for _, item in sorted(found, key=lambda one: one[0])]

    def ledger(
        self,
        account_id: str,
        span: Span,
        *,
        kinds: Collection[str] = (),
        newest_first: bool = True,
        limit: int | None = None,
    ) -> list[Item]:
        """Lines of the ledger of a span, of all kinds when none are named."""
        query = self._of(ledger, ledger.c.account_id == account_id, *span.of(ledger.c.time_ns))
        if kinds:
            query = query.where(ledger.c.kind.in_(kinds))
        keys = (ledger.c.seq, ledger.c.i, ledger.c.line)
        query = query.order_by(*(key.desc() if newest_first else key for key in keys)).limit(limit)
        return [ledger_item(row) for row in self._reads.rows(query)]

    def equity(self, account_id: str, span: Span) -> list[Item]:
        """The points of the equity curve in a span, the oldest first."""
        query = self._of(equity, equity.c.account_id == account_id, *span.of(equity.c.minute_ns))
        query = query.order_by(equity.c.minute_ns)
        return [equity_item(row) for row in self._reads.rows(query)]

    def equity_before(self, account_id: str, time_ns: int) -> Item | None:
        """The last point of the equity curve before a time."""
        before = Span(before_ns=time_ns).of(equity.c.minute_ns)
        query = self._of(equity, equity.c.account_id == account_id, *before)
        for row in self._reads.rows(query.order_by(equity.c.minute_ns.desc()).limit(1)):
            return equity_item(row)
        return None

    def _of(self, table: Table, *conditions: Any) -> Select[tuple[object, ...]]:
        return select(table).where(table.c.world == self._reads.world, *conditions)

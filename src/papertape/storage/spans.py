"""What happened to an account between two times: SQL over the read models, in shapes of the wire.

Where `Reads` goes back page by page, these go by time: for whoever thinks in days and windows.
Times are nanoseconds since 1970; None leaves an end open. Both ends are outside of a span.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    TextClause,
    bindparam,
    literal_column,
    select,
)

from papertape.storage.reads import Reads
from papertape.storage.rows import Item, Row, equity_item, fill_item, ledger_item, order_item
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

_OPEN_TEXTS: list[ColumnElement[str]] = [literal_column(f"'{one}'") for one in OPEN_STATUSES]


@dataclass(frozen=True)
class Span:
    """Times after `after_ns` and before `before_ns`."""

    after_ns: int | None = None
    before_ns: int | None = None


class _Asked:
    """A query of one table, put together from parts: those of one shape are one text.

    A part tells its name for the shape, its condition when the text is made, and its values.
    """

    def __init__(self, table: Table, world: str, *columns: Column[Any]) -> None:
        self._table = table
        self._columns = columns or (table,)
        self._shape: list[Hashable] = [table.name, *(column.name for column in columns)]
        self._conditions: list[Callable[[], ColumnElement[bool] | TextClause]] = []
        self._order: Sequence[Column[int]] = ()
        self._newest_first = self._is_limited = False
        self.values: dict[str, Any] = {}
        self.equal(table.c.world, world)

    @property
    def shape(self) -> Hashable:
        """What two queries have in common that differ in their values only."""
        return ("spans", *self._shape)

    def where(
        self, name: Hashable, condition: Callable[[], ColumnElement[bool] | TextClause]
    ) -> Self:
        """A condition without values."""
        self._shape.append(name)
        self._conditions.append(condition)
        return self

    def equal(self, column: Column[Any], value: Any) -> Self:
        """One value of a column."""
        self.values[column.name] = value
        return self.where(column.name, lambda: column == bindparam(column.name))

    def within(self, column: Column[int], span: Span) -> Self:
        """The rows of a span."""
        if span.after_ns is not None:
            self.values["after_ns"] = span.after_ns
            self.where("after", lambda: column > bindparam("after_ns", type_=column.type))
        if span.before_ns is not None:
            self.values["before_ns"] = span.before_ns
            self.where("before", lambda: column < bindparam("before_ns", type_=column.type))
        return self

    def among(self, column: Column[Any], values: Collection[str]) -> Self:
        """Some values of a column; the last one is repeated, so that there are few shapes."""
        given = [*values]
        given += given[-1:] * ((1 << (len(given) - 1).bit_length()) - len(given))
        names = [f"{column.name}_{number}" for number in range(len(given))]
        self.values |= dict(zip(names, given, strict=True))
        params = ((column.name, len(names)), lambda: column.in_([bindparam(one) for one in names]))
        return self.where(*params)

    def by(self, *keys: Column[int], newest_first: bool = False, limit: int | None = None) -> Self:
        """In this order, and so many at most."""
        self._order, self._newest_first, self._is_limited = keys, newest_first, limit is not None
        self._shape += [newest_first, limit is not None]
        if limit is not None:
            self.values["row_limit"] = limit
        return self

    def query(self) -> Select[Any]:
        """The query, with a parameter for each of `values`."""
        query = select(*self._columns).where(*(condition() for condition in self._conditions))
        query = query.order_by(*(k.desc() if self._newest_first else k for k in self._order))
        return query.limit(bindparam("row_limit", type_=Integer())) if self._is_limited else query


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
        asked = self._of(orders, account_id).within(orders.c.created_ns, span)
        if status == "open":
            asked.where("open", lambda: OPEN_CONDITION)
        elif status == "closed":
            asked.where("closed", lambda: orders.c.status.not_in(_OPEN_TEXTS))
        if symbols:
            asked.among(orders.c.symbol, symbols)
        if side is not None:
            asked.equal(orders.c.side, side)
        asked.by(orders.c.number, newest_first=newest_first, limit=limit)
        return [order_item(row, row["seq"]) for row in self._rows(asked)]

    def orders_of(self, order_ids: Collection[str]) -> dict[str, Item]:
        """Orders by their ids; those that there are not are left out."""
        found: dict[str, Item] = {}
        ids = list(order_ids)
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            for row in self._rows(self._of(orders).among(orders.c.order_id, part)):
                found[row["order_id"]] = order_item(row, row["seq"])
        return found

    def fills(
        self,
        account_id: str,
        span: Span,
        *,
        symbols: Collection[str] = (),
        newest_first: bool = True,
        limit: int | None = None,
    ) -> list[Item]:
        """Fills of a span."""
        asked = self._of(fills, account_id).within(fills.c.time_ns, span)
        if symbols:
            asked.among(fills.c.symbol, symbols)
        asked.by(fills.c.seq, fills.c.i, newest_first=newest_first, limit=limit)
        return [fill_item(row) for row in self._rows(asked)]

    def traded(self, account_id: str, span: Span, symbols: Collection[str]) -> list[Row]:
        """Symbol, side, quantity and value of the fills of a span, in no order."""
        columns = (fills.c.symbol, fills.c.side, fills.c.qty, fills.c.notional)
        asked = _Asked(fills, self._reads.world, *columns).equal(fills.c.account_id, account_id)
        return self._rows(asked.within(fills.c.time_ns, span).among(fills.c.symbol, symbols))

    def fills_of(self, account_id: str, order_ids: Collection[str]) -> list[Item]:
        """All fills of some orders of an account, the oldest first."""
        found: list[tuple[tuple[int, int], Item]] = []
        ids = list(order_ids)
        for start in range(0, len(ids), AT_ONCE):
            asked = self._of(fills, account_id)
            asked.among(fills.c.order_id, ids[start : start + AT_ONCE])
            found += [((row["seq"], row["i"]), fill_item(row)) for row in self._rows(asked)]
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
        asked = self._of(ledger, account_id).within(ledger.c.time_ns, span)
        if kinds:
            asked.among(ledger.c.kind, kinds)
        keys = (ledger.c.seq, ledger.c.i, ledger.c.line)
        asked.by(*keys, newest_first=newest_first, limit=limit)
        return [ledger_item(row) for row in self._rows(asked)]

    def equity(self, account_id: str, span: Span) -> list[Item]:
        """The points of the equity curve in a span, the oldest first."""
        asked = self._of(equity, account_id).within(equity.c.minute_ns, span)
        return [equity_item(row) for row in self._rows(asked.by(equity.c.minute_ns))]

    def equity_before(self, account_id: str, time_ns: int) -> Item | None:
        """The last point of the equity curve before a time."""
        asked = self._of(equity, account_id).within(equity.c.minute_ns, Span(before_ns=time_ns))
        rows = self._rows(asked.by(equity.c.minute_ns, newest_first=True, limit=1))
        return equity_item(rows[0]) if rows else None

    def _of(self, table: Table, account_id: str | None = None) -> _Asked:
        asked = _Asked(table, self._reads.world)
        return asked if account_id is None else asked.equal(table.c.account_id, account_id)

    def _rows(self, asked: _Asked) -> list[Row]:
        return self._reads.known_rows(asked.shape, asked.query, asked.values)

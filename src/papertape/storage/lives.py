"""What happened to an account in its present life, and between two moments: for figures.

A life begins when the account is opened, and again at each reset. Where `Reads` answers with pages
in shapes of the wire, these give all rows there are, the oldest first.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, Table, func, select, tuple_

from papertape.domain.time_text import MINUTE_NS
from papertape.storage.reads import Reads
from papertape.storage.rows import Item, Row, ledger_item
from papertape.storage.tables import equity, fills, ledger, orders, tape

RESET = "reset"
_LINES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Began:
    """The turn and the minute of a reset; zero where there was none."""

    seq: int = 0
    minute_ns: int = 0


class Lives:
    """Histories of the accounts of one world."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def began(self, account_id: str) -> Began:
        """When the present life of an account began."""
        query = select(func.max(ledger.c.seq).label("seq")).where(
            ledger.c.world == self._reads.world,
            ledger.c.account_id == account_id,
            ledger.c.kind == RESET,
        )
        (row,) = self._reads.rows(query)
        if row["seq"] is None:
            return Began()
        lines = self._of(ledger, ledger.c.seq == row["seq"]).limit(1)
        time_ns = self._reads.rows(lines)[0]["time_ns"]
        return Began(row["seq"], time_ns // MINUTE_NS * MINUTE_NS)

    def fills(self, account_id: str, began: Began) -> list[Row]:
        """The fills of a life."""
        since = self._of(fills, fills.c.account_id == account_id, fills.c.seq > began.seq)
        return self._reads.rows(since.order_by(fills.c.seq, fills.c.i))

    def lines(self, account_id: str, began: Began, *, without: Collection[str]) -> list[Row]:
        """The lines of the ledger of a life, but for some kinds and for what a reset took."""
        mine = ledger.c.account_id == account_id
        since = self._of(ledger, mine, ledger.c.seq >= began.seq)
        since = since.where(ledger.c.kind.not_in([*without, RESET]))
        return self._reads.rows(since.order_by(ledger.c.seq, ledger.c.i, ledger.c.line))

    def equity(self, account_id: str, began: Began) -> list[tuple[int, Decimal]]:
        """The equity of a life at the end of each minute in which it changed."""
        mine = equity.c.account_id == account_id
        since = self._of(equity, mine, equity.c.minute_ns >= began.minute_ns)
        rows = self._reads.rows(since.order_by(equity.c.minute_ns))
        return [(row["minute_ns"], Decimal(row["equity"])) for row in rows]

    def parents(self, account_id: str) -> dict[str, str]:
        """The parent of each order of a group, by order id."""
        query = select(orders.c.order_id, orders.c.details).where(
            orders.c.world == self._reads.world,
            orders.c.account_id == account_id,
            orders.c.details.contains('"parent_id"'),
        )
        found = ((row["order_id"], json.loads(row["details"])) for row in self._reads.rows(query))
        return {order_id: details["parent_id"] for order_id, details in found}

    def totals(self, account_id: str, *conditions: Any) -> dict[str, dict[str, Decimal]]:
        """What all lines move together, by kind and asset."""
        totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in self._walk(account_id, *conditions):
            totals[row["kind"]][row["asset"]] += Decimal(row["amount"])
        return totals

    def statement_lines(
        self, account_id: str, from_ns: int | None, to_ns: int | None
    ) -> Iterator[list[Item]]:
        """The lines of the ledger between two times, a part at a time."""
        part: list[Item] = []
        for row in self._walk(account_id, *within(from_ns, to_ns)):
            part.append(ledger_item(row))
            if len(part) == _LINES_AT_ONCE:
                yield part
                part = []
        yield part

    def head_seq(self) -> int:
        """The last committed turn."""
        return self._reads.head_seq()

    def seq_at(self, time_ns: int) -> int:
        """The last turn up to a time; 0 before the first. Time never goes back on the tape."""
        kept = self._reads.first_kept()
        if kept > 2 and self._time_of(kept) > time_ns:
            return self._sealed_at(time_ns)
        low, high = 0 if kept == 2 else kept, self._reads.head_seq()
        while low < high:
            middle = (low + high + 1) // 2
            if self._time_of(middle) <= time_ns:
                low = middle
            else:
                high = middle - 1
        return low

    def _sealed_at(self, time_ns: int) -> int:
        """The same among turns that were moved into segments."""
        last = 1 if self._time_of(1) <= time_ns else 0
        for row in self._reads.sealed(1):
            if row.time_ns > time_ns:
                break
            last = row.seq
        return last

    def _time_of(self, seq: int) -> int:
        query = select(tape.c.time_ns).where(tape.c.world == self._reads.world, tape.c.seq == seq)
        time_ns: int = self._reads.rows(query)[0]["time_ns"]
        return time_ns

    def first_seq(self, account_id: str) -> int | None:
        """The turn of the first line of an account's ledger; None when it has none."""
        query = select(func.min(ledger.c.seq).label("seq")).where(
            ledger.c.world == self._reads.world, ledger.c.account_id == account_id
        )
        seq: int | None = self._reads.rows(query)[0]["seq"]
        return seq

    def _walk(self, account_id: str, *conditions: Any) -> Iterator[Row]:
        """Lines in order, in parts, so that no list of all is kept."""
        keys = (ledger.c.seq, ledger.c.i, ledger.c.line)
        mine = self._of(ledger, ledger.c.account_id == account_id, *conditions).order_by(*keys)
        last: tuple[int, int, int] | None = None
        while True:
            part = mine if last is None else mine.where(tuple_(*keys) > tuple_(*last))
            rows = self._reads.rows(part.limit(_LINES_AT_ONCE))
            yield from rows
            if len(rows) < _LINES_AT_ONCE:
                return
            last = (rows[-1]["seq"], rows[-1]["i"], rows[-1]["line"])

    def _of(self, table: Table, *conditions: Any) -> Select[tuple[object, ...]]:
        return select(table).where(table.c.world == self._reads.world, *conditions)


def within(from_ns: int | None, to_ns: int | None) -> list[Any]:
    """Lines of the ledger from one time on and before another."""
    found = []
    if from_ns is not None:
        found.append(ledger.c.time_ns >= from_ns)
    if to_ns is not None:
        found.append(ledger.c.time_ns < to_ns)
    return found

"""The trades of the short journal by ids that stay, whatever becomes of the trades themselves.

A correction is a new trade on the tape; the entry here goes over to it and keeps its id. What is to
be done is noted (`wanted`) before any command is sent, and taken off when it is known to be done.
Everything here blocks and is thread-safe.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.account_store import RequestReusedError
from papertape.server.auth.tables import journal_trades as table


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry; `fill_id` is the trade that it stands for now, `time_ns` that of its first one.

    Without a trade it waits for its first one when something is `wanted`, and else is deleted.
    """

    entry_id: str
    account_id: str
    asked: str
    symbol: str
    time_ns: int | None
    fill_id: str | None
    wanted: str | None

    @property
    def is_deleted(self) -> bool:
        """Whether its trade was taken back."""
        return self.fill_id is None and self.wanted is None


@dataclass(frozen=True, slots=True)
class EntrySearch:
    """Which entries are wanted; None is any. Times are nanoseconds since 1970."""

    symbol: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


class JournalStore:
    """The entries of all journals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, entry: Entry) -> tuple[Entry, bool]:
        """Note an entry before its trade is sent, and whether it is new.

        An id that is known gives its entry; raises `RequestReusedError` when that asked for another
        trade.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(table).values(asdict(entry)))
        except IntegrityError:
            known = self.find(entry.entry_id)
            if known is None:
                raise
            if (known.account_id, known.asked) != (entry.account_id, entry.asked):
                raise RequestReusedError(entry.entry_id) from None
            return known, False
        return entry, True

    def find(self, entry_id: str) -> Entry | None:
        """The entry of an id, deleted ones too."""
        query = select(table).where(table.c.entry_id == entry_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _entry(row)

    def unsettled(self, account_ids: Collection[str]) -> Sequence[Entry]:
        """Entries for which something is wanted of which nobody knows whether it was done."""
        mine = table.c.account_id.in_(account_ids)
        query = select(table).where(mine, table.c.wanted.is_not(None))
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def listed(
        self,
        account_ids: Collection[str],
        search: EntrySearch,
        limit: int,
        before: tuple[int, str] | None = None,
    ) -> Sequence[Entry]:
        """Entries with a trade, the newest first, those behind `before` (time and id)."""
        found: list[ColumnElement[bool]] = [
            table.c.account_id.in_(account_ids),
            table.c.fill_id.is_not(None),
        ]
        if search.symbol is not None:
            found.append(table.c.symbol == search.symbol)
        if search.from_ns is not None:
            found.append(table.c.time_ns >= search.from_ns)
        if search.to_ns is not None:
            found.append(table.c.time_ns < search.to_ns)
        if before is not None:
            found.append(_is_before(*before))
        newest_first = (table.c.time_ns.desc(), table.c.entry_id.desc())
        query = select(table).where(*found).order_by(*newest_first).limit(limit)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def want(self, entry: Entry, wanted: str) -> bool:
        """Note what is to become of an entry as it stands; whether it still stood so."""
        free = table.c.wanted.is_(None) & (table.c.fill_id == entry.fill_id)
        return self._change(entry, free, {"wanted": wanted})

    def settle(self, entry: Entry, trade: tuple[str, str, int] | None) -> None:
        """What was wanted is done: the entry stands for a trade (id, symbol, time), or for none.

        The time of an entry stays that of its first trade.
        """
        values: dict[str, Any] = {"wanted": None, "fill_id": None}
        if trade is not None:
            values["fill_id"], values["symbol"], first_ns = trade
            values["time_ns"] = first_ns if entry.time_ns is None else entry.time_ns
        self._change(entry, table.c.wanted == entry.wanted, values)

    def withdraw(self, entry: Entry) -> None:
        """What was wanted is refused: the entry is as before, or never was."""
        same = (table.c.entry_id == entry.entry_id) & (table.c.wanted == entry.wanted)
        with self._engine.begin() as connection:
            connection.execute(delete(table).where(same, table.c.fill_id.is_(None)))
            connection.execute(update(table).where(same).values(wanted=None))

    def follow(self, entry: Entry, fill_id: str | None) -> None:
        """The trade of an entry was taken back elsewhere; another (or None) is in its place."""
        same = table.c.fill_id == entry.fill_id
        values = {"fill_id": fill_id} | ({"wanted": None} if fill_id is None else {})
        self._change(entry, same, values)

    def _change(self, entry: Entry, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
        this = table.c.entry_id == entry.entry_id
        with self._engine.begin() as connection:
            changed = connection.execute(update(table).where(this, condition).values(values))
        return bool(changed.rowcount)


def _is_before(time_ns: int, entry_id: str) -> ColumnElement[bool]:
    at_once = and_(table.c.time_ns == time_ns, table.c.entry_id < entry_id)
    return or_(table.c.time_ns < time_ns, at_once)


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._asdict())

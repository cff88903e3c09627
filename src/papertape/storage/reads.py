"""Dull SQL over the read models, in shapes of the wire. Newest first; cursors are opaque.

Each method reads in one transaction of its own, so `as_of_seq` is the very turn that the answer
shows. Safe for use from several threads; it can never write.
"""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    func,
    literal,
    select,
    tuple_,
)

from papertape.domain.tape import TapeRow
from papertape.storage.engines import open_engine
from papertape.storage.news import News, Spot, read_news
from papertape.storage.place import Place
from papertape.storage.rows import (
    Item,
    Row,
    account_item,
    alert_item,
    check_item,
    equity_item,
    fill_item,
    ledger_item,
    order_item,
    position_item,
)
from papertape.storage.segments import SegmentFolder
from papertape.storage.tables import (
    OPEN_CONDITION,
    OPEN_STATUSES,
    accounts,
    alerts,
    checks,
    equity,
    fills,
    ledger,
    orders,
    positions,
    tape,
    world_head,
)

LIMIT_MAX = 1_000
ORDER_FILTERS = ("open", "closed", "all")
_IDS_AT_ONCE = 500


@dataclass(frozen=True)
class Page:
    """Part of a list; `next_cursor` is None on the last page."""

    items: list[Item]
    next_cursor: str | None


class Reads:
    """The read models of one world."""

    def __init__(self, place: Place, world: str) -> None:
        self._engine: Engine = open_engine(place, query_only=True)
        self._segments = SegmentFolder.beside(place)
        self.world = world

    def head_seq(self) -> int:
        """The last committed turn; 0 for a world that has none."""
        with self._engine.connect() as connection:
            return self._head_seq(connection)

    def first_kept(self) -> int:
        """The first turn, behind turn 1, that is still in the table; those before it are sealed."""
        query = select(func.min(tape.c.seq)).where(tape.c.world == self.world, tape.c.seq > 1)
        with self._engine.connect() as connection:
            found: int | None = connection.scalar(query)
        return found or 2

    def sealed(self, after_seq: int) -> Iterator[TapeRow]:
        """The turns behind `after_seq` that were moved into segments, in order."""
        first = max(after_seq + 1, 2)
        return self._segments.rows(self.world, first, self.first_kept() - 1)

    def sharing(self) -> str:
        """How the world is shared: what its first turn says."""
        query = select(tape.c.body).where(tape.c.world == self.world).order_by(tape.c.seq).limit(1)
        with self._engine.connect() as connection:
            body = connection.scalar(query)
        created = json.loads(body)["events"][0] if body else {}
        sharing: str = created.get("sharing", "shared")
        return sharing

    def account(self, account_id: str) -> Item | None:
        """One account as of its last turn (the engine's `value` knows the present marks)."""
        found = self._one(accounts, accounts.c.account_id == account_id)
        return account_item(*found) if found else None

    def accounts(self, owner: str) -> list[Item]:
        """The accounts of an owner, in the order of their ids."""
        query = self._of(accounts, accounts.c.owner == owner).order_by(accounts.c.account_id)
        with self._engine.connect() as connection:
            head = self._head_seq(connection)
            return [account_item(row, head) for row in connection.execute(query).mappings()]

    def positions(self, account_id: str) -> list[Item]:
        """The positions of an account that are not flat, by symbol."""
        held = positions.c.qty != "0"
        query = self._of(positions, positions.c.account_id == account_id, held)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(positions.c.symbol)).mappings()
            return [position_item(row) for row in rows]

    def order(self, order_id: str) -> Item | None:
        """One order by its id."""
        found = self._one(orders, orders.c.order_id == order_id)
        return order_item(*found) if found else None

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Item | None:
        """The order that a request id of an account made."""
        found = self._one(
            orders,
            orders.c.account_id == account_id,
            orders.c.client_order_id == client_order_id,
        )
        return order_item(*found) if found else None

    def orders(
        self,
        account_id: str,
        status: str = "open",
        limit: int = 100,
        cursor: str | None = None,
        *,
        where: Sequence[ColumnElement[bool]] = (),
    ) -> Page:
        """Orders of an account; `status` is open, closed or all, anything else a ValueError.

        `where` are further conditions, of `papertape.storage.conditions`.
        """
        if status not in ORDER_FILTERS:
            raise ValueError(f"status is one of {', '.join(ORDER_FILTERS)}")
        query = self._of(orders, orders.c.account_id == account_id, *where)
        if status == "open":
            # The literal text, not bound values, lets SQLite use the partial index.
            query = query.where(OPEN_CONDITION)
        elif status == "closed":
            query = query.where(orders.c.status.not_in(OPEN_STATUSES))
        return self._page(query, [orders.c.number], limit, cursor, order_item)

    def open_order_count(self, account_id: str) -> int:
        """How many orders of an account still work."""
        mine = self._of(orders, orders.c.account_id == account_id).where(OPEN_CONDITION)
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(mine.subquery())) or 0

    def fill(self, fill_id: str) -> Item | None:
        """One fill by its id."""
        found = self._one(fills, fills.c.fill_id == fill_id)
        return fill_item(found[0]) if found else None

    def fills_by_id(self, fill_ids: Sequence[str]) -> list[Item]:
        """Some fills, in no order; ids of none are passed over."""
        found: list[Item] = []
        with self._engine.connect() as connection:
            for start in range(0, len(fill_ids), _IDS_AT_ONCE):
                part = fill_ids[start : start + _IDS_AT_ONCE]
                rows = connection.execute(self._of(fills, fills.c.fill_id.in_(part))).mappings()
                found += [fill_item(row) for row in rows]
        return found

    def fills(
        self,
        account_id: str,
        limit: int = 100,
        cursor: str | None = None,
        *,
        where: Sequence[ColumnElement[bool]] = (),
    ) -> Page:
        """Fills of an account; `where` are further conditions."""
        query = self._of(fills, fills.c.account_id == account_id, *where)
        return self._page(query, [fills.c.seq, fills.c.i], limit, cursor, _plain(fill_item))

    def ledger(
        self,
        account_id: str,
        limit: int = 100,
        cursor: str | None = None,
        *,
        where: Sequence[ColumnElement[bool]] = (),
        oldest_first: bool = False,
    ) -> Page:
        """Ledger lines of an account; `where` are further conditions."""
        query = self._of(ledger, ledger.c.account_id == account_id, *where)
        keys = [ledger.c.seq, ledger.c.i, ledger.c.line]
        return self._page(
            query, keys, limit, cursor, _plain(ledger_item), oldest_first=oldest_first
        )

    def equity(self, account_id: str, limit: int = 1_000, cursor: str | None = None) -> Page:
        """The equity curve of an account, a point a minute in which it changed."""
        query = self._of(equity, equity.c.account_id == account_id)
        return self._page(query, [equity.c.minute_ns], limit, cursor, _plain(equity_item))

    def alerts(
        self, account_ids: Sequence[str], limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Alerts of some accounts."""
        query = self._of(alerts, alerts.c.account_id.in_(account_ids))
        return self._page(query, [alerts.c.seq, alerts.c.i], limit, cursor, _plain(alert_item))

    def alert(self, alert_id: str) -> Item | None:
        """One alert by its id, `seq-i`."""
        seq, _, i = alert_id.partition("-")
        if not (_is_place(seq) and _is_place(i)):
            return None
        found = self._one(alerts, alerts.c.seq == int(seq), alerts.c.i == int(i))
        return alert_item(found[0]) if found else None

    def last_margin_calls_met(self, account_ids: Sequence[str]) -> dict[str, int]:
        """The seq at which each of some accounts met a margin call last."""
        met = (alerts.c.world == self.world) & (alerts.c.kind == "margin_call_met")
        query = (
            select(alerts.c.account_id, func.max(alerts.c.seq))
            .where(met, alerts.c.account_id.in_(account_ids))
            .group_by(alerts.c.account_id)
        )
        with self._engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    def checks(
        self,
        account_ids: Sequence[str],
        *,
        order_id: str | None = None,
        outcome: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """What orders of some accounts were checked for."""
        query = self._of(checks, checks.c.account_id.in_(account_ids))
        if order_id is not None:
            query = query.where(checks.c.order_id == order_id)
        if outcome is not None:
            query = query.where(checks.c.outcome == outcome)
        return self._page(query, [checks.c.seq, checks.c.i], limit, cursor, _plain(check_item))

    def rows(self, query: Select[tuple[object, ...]]) -> list[Row]:
        """The rows of a query over the read models, of a module that builds such queries."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def news(
        self,
        account_ids: Sequence[str],
        kinds: Collection[str],
        after: Spot,
        upto_seq: int,
        limit: int,
    ) -> list[News]:
        """What happened to some accounts behind a place on the tape, the oldest first."""
        with self._engine.connect() as connection:
            return read_news(connection, self.world, account_ids, kinds, after, upto_seq, limit)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _of(self, table: Table, *conditions: object) -> Select[tuple[object, ...]]:
        return select(table).where(table.c.world == self.world, *conditions)  # type: ignore[arg-type]

    def _head_seq(self, connection: Connection) -> int:
        query = select(world_head.c.seq).where(world_head.c.world == self.world)
        return connection.scalar(query) or 0

    def _one(self, table: Table, *conditions: object) -> tuple[Row, int] | None:
        with self._engine.connect() as connection:
            head = self._head_seq(connection)
            row = connection.execute(self._of(table, *conditions)).mappings().first()
        return (row, head) if row else None

    def _page(
        self,
        query: Select[tuple[object, ...]],
        keys: Sequence[Column[int]],
        limit: int,
        cursor: str | None,
        shape: Callable[[Row, int], Item],
        *,
        oldest_first: bool = False,
    ) -> Page:
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"limit is a number from 1 to {LIMIT_MAX}")
        if cursor is not None:
            here, last = tuple_(*keys), tuple_(*_cursor_values(cursor, keys))
            query = query.where(here > last if oldest_first else here < last)
        order = keys if oldest_first else [key.desc() for key in keys]
        query = query.order_by(*order).limit(limit + 1)
        with self._engine.connect() as connection:
            head = self._head_seq(connection)
            rows = connection.execute(query).mappings().all()
        shown = rows[:limit]
        more = len(rows) > limit
        following = _write_cursor([shown[-1][key.name] for key in keys]) if more else None
        return Page([shape(row, head) for row in shown], following)


def cursor_after(alert: Item) -> str:
    """The cursor of what follows an alert or a check in its list."""
    return _write_cursor([int(part) for part in alert["id"].split("-")])


def _plain(shape: Callable[[Row], Item]) -> Callable[[Row, int], Item]:
    return lambda row, _: shape(row)


def _write_cursor(keys: list[int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def _cursor_values(cursor: str, keys: Sequence[Column[int]]) -> list[BindParameter[int]]:
    values = _read_cursor(cursor, len(keys))
    return [literal(value, key.type) for value, key in zip(values, keys, strict=True)]


def _read_cursor(cursor: str, length: int) -> list[int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        keys = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError("the cursor is not one of ours") from error
    if not (isinstance(keys, list) and len(keys) == length and all(_is_key(key) for key in keys)):
        raise ValueError("the cursor is not one of ours")
    return keys


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _is_key(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63

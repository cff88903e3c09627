"""Dull SQL over the read models, in shapes of the wire. Newest first; cursors are opaque.

Each method reads in one transaction of its own, so `as_of_seq` is the very turn that the answer
shows. Safe for use from several threads; it can never write.
"""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    TextClause,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from papertape.domain.tape import TapeRow
from papertape.storage.engines import open_engine
from papertape.storage.news import News, Spot, read_news
from papertape.storage.place import Place
from papertape.storage.query_texts import QueryTexts
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
        self._texts = QueryTexts(self._engine)
        self._segments = SegmentFolder.beside(place)
        self.world = world

    def head_seq(self) -> int:
        """The last committed turn; 0 for a world that has none."""

        def query() -> Select[tuple[object, ...]]:
            return select(world_head.c.seq).where(world_head.c.world == bindparam("world"))

        rows = self._texts.rows("head", query, {"world": self.world})
        return rows[0]["seq"] if rows else 0

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
        found = self._one(accounts, account_id=account_id)
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
        found = self._one(orders, order_id=order_id)
        return order_item(*found) if found else None

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Item | None:
        """The order that a request id of an account made."""
        found = self._one(orders, account_id=account_id, client_order_id=client_order_id)
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
        place = _Place([orders.c.number], limit, cursor)
        mine = _Mine(orders, account_id, (*_STATUS[status], *where), None if where else status)
        return self._page_of(mine, place, order_item)

    def open_order_count(self, account_id: str) -> int:
        """How many orders of an account still work."""
        mine = self._of(orders, orders.c.account_id == account_id).where(OPEN_CONDITION)
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(mine.subquery())) or 0

    def fill(self, fill_id: str) -> Item | None:
        """One fill by its id."""
        found = self._one(fills, fill_id=fill_id)
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
        place = _Place([fills.c.seq, fills.c.i], limit, cursor)
        mine = _Mine(fills, account_id, where, None if where else "")
        return self._page_of(mine, place, _plain(fill_item))

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
        keys = [ledger.c.seq, ledger.c.i, ledger.c.line]
        mine = _Mine(ledger, account_id, where, None if where else "")
        return self._page_of(mine, _Place(keys, limit, cursor, oldest_first), _plain(ledger_item))

    def equity(self, account_id: str, limit: int = 1_000, cursor: str | None = None) -> Page:
        """The equity curve of an account, a point a minute in which it changed."""
        place = _Place([equity.c.minute_ns], limit, cursor)
        return self._page_of(_Mine(equity, account_id, (), ""), place, _plain(equity_item))

    def alerts(
        self, account_ids: Sequence[str], limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Alerts of some accounts."""
        place = _Place([alerts.c.seq, alerts.c.i], limit, cursor)
        if len(account_ids) == 1:
            return self._page_of(_Mine(alerts, account_ids[0], (), ""), place, _plain(alert_item))
        query = self._of(alerts, alerts.c.account_id.in_(account_ids))
        return self._page(query, place, _plain(alert_item))

    def alert(self, alert_id: str) -> Item | None:
        """One alert by its id, `seq-i`."""
        seq, _, i = alert_id.partition("-")
        if not (_is_place(seq) and _is_place(i)):
            return None
        found = self._one(alerts, seq=int(seq), i=int(i))
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
            return {account: seq for account, seq in connection.execute(query)}  # noqa: C416

    def last_kill_switches(self, account_ids: Sequence[str]) -> dict[tuple[str, str], int]:
        """The seq at which a kill switch was turned last, by account and scope of the switch."""
        turned = alerts.c.kind.in_(["kill_switch", "kill_switch_off"])
        query = (
            select(alerts.c.account_id, alerts.c.details, func.max(alerts.c.seq))
            .where(alerts.c.world == self.world, turned, alerts.c.account_id.in_(account_ids))
            .group_by(alerts.c.account_id, alerts.c.details)
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
        last: dict[tuple[str, str], int] = {}
        for account, details, seq in found:
            key = account, json.loads(details)["scope"]
            last[key] = max(seq, last.get(key, 0))
        return last

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
        place = _Place([checks.c.seq, checks.c.i], limit, cursor)
        return self._page(query, place, _plain(check_item))

    def rows(self, query: Select[tuple[object, ...]]) -> list[Row]:
        """The rows of a query over the read models, of a module that builds such queries."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def known_rows(
        self, key: Hashable, make: Callable[[], Select[Any]], values: Mapping[str, Any]
    ) -> list[Row]:
        """As `rows`, for a query that is asked again and again: see `QueryTexts.rows`."""
        return [*self._texts.rows(key, make, values)]

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

    def _one(self, table: Table, **key: str | int) -> tuple[Row, int] | None:
        """A row by columns that tell it from all others, and the head."""

        def query() -> Select[tuple[object, ...]]:
            return _with_head(table, *(table.c[name] == bindparam(name) for name in key))

        values = {"world": self.world, **key}
        rows = self._texts.rows(("one", table.name, *key), query, values)
        return (rows[0], rows[0][_HEAD]) if rows else None

    def _page_of(self, mine: "_Mine", place: "_Place", shape: "_Shape") -> Page:
        """Part of a list of one account. Lists that are not narrowed are asked as known texts."""

        def query() -> Select[tuple[object, ...]]:
            table = mine.table
            return place.within(
                _with_head(table, table.c.account_id == bindparam("account_id"), *mine.where)
            )

        values = {"world": self.world, "account_id": mine.account_id, **place.values()}
        rows: Sequence[Row]
        if mine.name is None:
            with self._engine.connect() as connection:
                rows = list(connection.execute(query(), values).mappings())
        else:
            key = ("page", mine.table.name, mine.name, place.cursor is None, place.oldest_first)
            rows = self._texts.rows(key, query, values)
        return place.page(rows, rows[0][_HEAD] if rows else 0, shape)

    def _page(self, query: Select[tuple[object, ...]], place: "_Place", shape: "_Shape") -> Page:
        with self._engine.connect() as connection:
            head = self._head_seq(connection)
            found = connection.execute(place.within(query), place.values()).mappings()
            return place.page(list(found), head, shape)


_Shape = Callable[[Row, int], Item]
_Condition = ColumnElement[bool] | TextClause
_HEAD = "head_seq_now"


@dataclass(frozen=True, slots=True)
class _Mine:
    """Rows of one account; `name` tells the conditions from other ones, None says nothing does."""

    table: Table
    account_id: str
    where: Sequence[_Condition]
    name: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Which part of a list: at most `limit` rows behind a cursor, in the order of `keys`."""

    keys: Sequence[Column[int]]
    limit: int
    cursor: str | None
    oldest_first: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT_MAX:
            raise ValueError(f"limit is a number from 1 to {LIMIT_MAX}")

    def within(self, query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
        """The query with its order, and with parameters for `values`."""
        if self.cursor is not None:
            last = [bindparam(f"last_{key.name}", type_=key.type) for key in self.keys]
            here, behind = tuple_(*self.keys), tuple_(*last)
            query = query.where(here > behind if self.oldest_first else here < behind)
        order = self.keys if self.oldest_first else [key.desc() for key in self.keys]
        return query.order_by(*order).limit(bindparam("row_limit", type_=Integer()))

    def values(self) -> dict[str, int]:
        """One row more is asked for, which says whether there are further ones."""
        last = [] if self.cursor is None else _read_cursor(self.cursor, len(self.keys))
        names = (f"last_{key.name}" for key in self.keys)
        return {"row_limit": self.limit + 1} | dict(zip(names, last, strict=False))

    def page(self, rows: Sequence[Row], head: int, shape: _Shape) -> Page:
        """The rows in the shape of the wire."""
        shown = rows[: self.limit]
        is_more = len(rows) > self.limit
        following = _write_cursor([shown[-1][key.name] for key in self.keys]) if is_more else None
        return Page([shape(row, head) for row in shown], following)


_STATUS: Mapping[str, Sequence[_Condition]] = {
    # The literal text, not bound values, lets SQLite use the partial index.
    "open": (OPEN_CONDITION,),
    "closed": (orders.c.status.not_in([literal_column(f"'{one}'") for one in OPEN_STATUSES]),),
    "all": (),
}


def _with_head(table: Table, *conditions: _Condition) -> Select[tuple[object, ...]]:
    """Rows of the world that is asked for, each beside the last committed turn."""
    world: BindParameter[str] = bindparam("world")
    head = select(world_head.c.seq).where(world_head.c.world == world)
    columns = (head.scalar_subquery().label(_HEAD), table)
    return select(*columns).where(table.c.world == world, *conditions)


def cursor_after(alert: Item) -> str:
    """The cursor of what follows an alert or a check in its list."""
    return _write_cursor([int(part) for part in alert["id"].split("-")])


def _plain(shape: Callable[[Row], Item]) -> Callable[[Row, int], Item]:
    return lambda row, _: shape(row)


def _write_cursor(keys: list[int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


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

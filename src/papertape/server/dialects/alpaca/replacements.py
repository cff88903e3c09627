"""Which order replaced which. Alpaca gives an order a new id when it is replaced; ours keeps its.

An order goes on under an id that is derived from its own and the number of the replacement. What it
was before is kept beside it, since Alpaca shows the old order, too. A replacement is noted as sent
before the exchange hears of it and as done when the exchange has said so: whatever happens in
between, no id is told that stands for nothing, and none is lost.
"""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    Row,
    Select,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import alpaca_replacements as table
from papertape.server.dialects.alpaca.orders import Order, Version, replaced
from papertape.server.dialects.alpaca.words import replacement_id
from papertape.storage.query_texts import QueryTexts

State = Literal["sent", "done"]
AT_ONCE = 500


class AlreadyReplacingError(Exception):
    """Another replacement of the order was sent first, or its client id is taken."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One replacement: the order goes on as `alpaca_id`."""

    order_id: str
    number: int
    alpaca_id: str
    client_order_id: str
    replaced_ns: int
    noted_ns: int
    state: State
    change: dict[str, Any]
    before: Order

    @property
    def before_id(self) -> str:
        """The id that the order had up to this replacement."""
        return self.order_id if self.number == 1 else replacement_id(self.order_id, self.number - 1)

    def is_forgotten(self, after_ns: int) -> bool:
        """Whether it was noted longer ago than this, wall clock."""
        return time.time_ns() - self.noted_ns > after_ns

    def old_order(self) -> Order:
        """The order that was replaced, as it is shown since."""
        return replaced(self.before, self.replaced_ns, self.alpaca_id)

    def version(self) -> Version:
        """The order that it goes on as."""
        return Version(self.alpaca_id, self.client_order_id, self.before_id, self.replaced_ns)


class Replacements:
    """The table in `auth.db`. Everything here blocks and is thread-safe."""

    def __init__(self, auth: AuthStore) -> None:
        self._auth = auth
        self._texts = QueryTexts(auth.engine)

    def begin(
        self,
        *,
        account_id: str,
        order_id: str,
        number: int,
        client_order_id: str,
        change: dict[str, Any],
        before: Order,
        submitted_ns: int,
    ) -> Replacement:
        """Note that a replacement is about to be sent; raises `AlreadyReplacingError`."""
        row = {
            "order_id": order_id,
            "number": number,
            "account_id": account_id,
            "alpaca_id": replacement_id(order_id, number),
            "client_order_id": client_order_id,
            "symbol": before["symbol"],
            "side": before["side"],
            "submitted_ns": submitted_ns,
            "replaced_ns": submitted_ns,
            "noted_ns": time.time_ns(),
            "state": "sent",
            "terms": json.dumps(change),
            "old_order": json.dumps(before),
        }
        try:
            with self._auth.engine.begin() as connection:
                connection.execute(insert(table).values(row))
                made = connection.execute(select(table).where(_is(order_id, number))).one()
        except IntegrityError as error:
            raise AlreadyReplacingError(client_order_id) from error
        return _replacement(made)

    def done(self, one: Replacement, replaced_ns: int) -> None:
        """The exchange has replaced it, at this time."""
        values = {"state": "done", "replaced_ns": replaced_ns}
        with self._auth.engine.begin() as connection:
            connection.execute(update(table).where(_is(one.order_id, one.number)).values(values))

    def drop(self, one: Replacement) -> None:
        """The exchange has refused it."""
        sent = _is(one.order_id, one.number) & (table.c.state == "sent")
        with self._auth.engine.begin() as connection:
            connection.execute(delete(table).where(sent))

    def of_orders(self, order_ids: Collection[str]) -> dict[str, list[Replacement]]:
        """The replacements of orders by their native ids, in order."""
        found: dict[str, list[Replacement]] = {}
        ids = list(order_ids)
        for start in range(0, len(ids), AT_ONCE):
            mine = table.c.order_id.in_(ids[start : start + AT_ONCE])
            query = select(table).where(mine).order_by(table.c.order_id, table.c.number)
            for one in self._all(query):
                found.setdefault(one.order_id, []).append(one)
        return found

    def native_id(self, account_id: str, alpaca_id: str) -> str | None:
        """The native order that went on under an id."""
        mine = (table.c.account_id == account_id) & (table.c.alpaca_id == alpaca_id)
        return self._one_id(select(table.c.order_id).where(mine))

    def has_any(self, account_id: str) -> bool:
        """Whether an order of the account was ever replaced, or is being replaced."""

        def query() -> Select[Any]:
            mine = table.c.account_id == bindparam("account_id")
            return select(table.c.order_id).where(mine).limit(literal_column("1"))

        return bool(self._texts.rows("any", query, {"account_id": account_id}))

    def by_client_id(self, account_id: str, client_order_id: str) -> Replacement | None:
        """The replacement that gave an order this client id."""
        mine = (table.c.account_id == account_id) & (table.c.client_order_id == client_order_id)
        return next(iter(self._all(select(table).where(mine))), None)

    def old_orders(
        self,
        account_id: str,
        *,
        after_ns: int | None,
        before_ns: int | None,
        symbols: Collection[str],
        side: str | None,
        newest_first: bool,
        limit: int,
    ) -> list[Replacement]:
        """Replaced orders by the time since when they were shown."""
        submitted = table.c.submitted_ns
        query = select(table).where(table.c.account_id == account_id, table.c.state == "done")
        if after_ns is not None:
            query = query.where(submitted > after_ns)
        if before_ns is not None:
            query = query.where(submitted < before_ns)
        if symbols:
            query = query.where(table.c.symbol.in_(symbols))
        if side is not None:
            query = query.where(table.c.side == side)
        return self._all(
            query.order_by(submitted.desc() if newest_first else submitted).limit(limit)
        )

    def went_on(
        self, account_id: str, *, after_ns: int | None, before_ns: int | None, limit: int
    ) -> list[str]:
        """The native ids of orders that were replaced in a span of time, each once."""
        query = select(table.c.order_id).where(
            table.c.account_id == account_id, table.c.state == "done"
        )
        if after_ns is not None:
            query = query.where(table.c.replaced_ns > after_ns)
        if before_ns is not None:
            query = query.where(table.c.replaced_ns < before_ns)
        with self._auth.engine.connect() as connection:
            return list(connection.execute(query.distinct().limit(limit)).scalars())

    def _all(self, query: Any) -> list[Replacement]:
        with self._auth.engine.connect() as connection:
            return [_replacement(row) for row in connection.execute(query)]

    def _one_id(self, query: Any) -> str | None:
        with self._auth.engine.connect() as connection:
            found: str | None = connection.execute(query).scalar()
        return found


def _is(order_id: str, number: int) -> Any:
    return (table.c.order_id == order_id) & (table.c.number == number)


def _replacement(row: Row[Any]) -> Replacement:
    return Replacement(
        row.order_id,
        row.number,
        row.alpaca_id,
        row.client_order_id,
        row.replaced_ns,
        row.noted_ns,
        row.state,
        json.loads(row.terms),
        json.loads(row.old_order),
    )

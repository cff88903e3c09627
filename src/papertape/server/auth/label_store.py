"""What users write on their orders and trades: strategy, tags, notes. Never on the tape.

Labels are written before their order is sent, so an acknowledged order never lacks them; whoever
learns the order's id binds it afterwards. Everything here blocks and is thread-safe.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Executable,
    Select,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)

from papertape.server.auth.tables import order_labels, order_tags, trade_busts, trade_notes
from papertape.storage.engines import upserting
from papertape.storage.query_texts import QueryTexts

AT_ONCE = 500
"""Ids in one query: databases bound the number of its values."""

_NO_VALUES: Mapping[str, str] = {}


class LabelsDifferError(Exception):
    """The order has other labels already."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a user calls an order."""

    strategy: str | None
    tags: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self.strategy is None and not self.tags

    def members(self) -> dict[str, Any]:
        """As members of an order on the wire."""
        return {"strategy": self.strategy, "tags": list(self.tags)}


class LabelStore:
    """The labels of orders and the notes on trades of all accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts = QueryTexts(engine)

    # --- orders ----------------------------------------------------------------------------------

    def put(self, account_id: str, client_order_id: str, labels: Labels) -> bool:
        """Label an order before it is sent; whether it was not labelled yet.

        The same labels again are no change; others raise `LabelsDifferError`.
        """
        key = {"account_id": account_id, "client_order_id": client_order_id}
        row = {
            **key,
            "strategy": labels.strategy,
            "tags": "|".join(labels.tags),
            "created_ns": time.time_ns(),
        }
        new = upserting(order_labels, self._engine.dialect.name).values(row)
        with self._engine.begin() as connection:
            # Writing first makes another request with this id wait until this one is done.
            if connection.execute(new.on_conflict_do_nothing()).rowcount:
                for tag in labels.tags:
                    connection.execute(insert(order_tags).values(key | {"tag": tag}))
                return True
            found = select(order_labels).where(_is(account_id, client_order_id))
            if _labels(dict(connection.execute(found).mappings().one())) != labels:
                raise LabelsDifferError(client_order_id)
        return False

    def bind(self, account_id: str, order_ids: Mapping[str, str]) -> None:
        """The floor gave these ids to the orders of these client ids."""
        with self._engine.begin() as connection:
            for client_order_id, order_id in order_ids.items():
                change = update(order_labels).where(_is(account_id, client_order_id))
                connection.execute(change.values(order_id=order_id))

    def drop(self, account_id: str, client_order_id: str) -> None:
        """The order was not taken."""
        with self._engine.begin() as connection:
            connection.execute(delete(order_labels).where(_is(account_id, client_order_id)))
            mine = order_tags.c.account_id == account_id
            these = mine & (order_tags.c.client_order_id == client_order_id)
            connection.execute(delete(order_tags).where(these))

    def unbound(self, account_id: str) -> Sequence[str]:
        """Client ids of labelled orders whose answer nobody has noted yet."""
        mine = (order_labels.c.account_id == account_id) & order_labels.c.order_id.is_(None)
        with self._engine.connect() as connection:
            return (
                connection.execute(select(order_labels.c.client_order_id).where(mine))
                .scalars()
                .all()
            )

    def of_orders(self, account_id: str, client_order_ids: Collection[str]) -> dict[str, Labels]:
        """The labels of orders by their client ids; those without are left out."""
        mine = {"account_id": account_id}
        rows = self._among(order_labels.c.client_order_id, client_order_ids, mine)
        return {row["client_order_id"]: _labels(row) for row in rows}

    def of_order_ids(self, order_ids: Collection[str]) -> dict[str, Labels]:
        """The same by the ids of the orders."""
        rows = self._among(order_labels.c.order_id, order_ids)
        return {row["order_id"]: _labels(row) for row in rows}

    def order_ids(
        self,
        account_id: str,
        *,
        strategy: str | None,
        tag: str | None,
        before: str | None,
        limit: int,
    ) -> Sequence[str]:
        """Orders of a strategy or with a tag, the newest first, those before `before`."""
        order_id = order_labels.c.order_id
        query = select(order_id).where(
            order_labels.c.account_id == account_id, order_id.is_not(None)
        )
        if strategy is not None:
            query = query.where(order_labels.c.strategy == strategy)
        if tag is not None:
            tagged = (order_tags.c.account_id == account_id) & (order_tags.c.tag == tag)
            of_them = select(order_tags.c.client_order_id).where(tagged)
            query = query.where(order_labels.c.client_order_id.in_(of_them))
        if before is not None:
            query = query.where(order_id < before)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(order_id.desc()).limit(limit)).scalars().all()

    def strategies(self, account_id: str) -> dict[str, str]:
        """The strategy of each order of an account that has one, by order id."""
        query = select(order_labels.c.order_id, order_labels.c.strategy).where(
            order_labels.c.account_id == account_id,
            order_labels.c.order_id.is_not(None),
            order_labels.c.strategy.is_not(None),
        )
        with self._engine.connect() as connection:
            return {row.order_id: row.strategy for row in connection.execute(query)}

    # --- trades ----------------------------------------------------------------------------------

    def note(self, account_id: str, fill_id: str, note: str | None) -> None:
        """Write a note on a trade, or (None) take it away."""
        row = {
            "account_id": account_id,
            "fill_id": fill_id,
            "note": note,
            "changed_ns": time.time_ns(),
        }
        with self._engine.begin() as connection:
            connection.execute(delete(trade_notes).where(_note_of(account_id, fill_id)))
            if note is not None:
                connection.execute(insert(trade_notes).values(row))

    def notes(self, fill_ids: Collection[str]) -> dict[str, str]:
        """The notes on trades by their ids; those without are left out."""
        rows = self._among(trade_notes.c.fill_id, fill_ids)
        return {row["fill_id"]: row["note"] for row in rows}

    def note_bust(self, account_id: str, fill_id: str, corrected_by: str | None) -> None:
        """A trade was taken back; noted once, also when the request is repeated.

        The note on it is copied to the trade in its place, unless that has one of its own.
        """
        row = {
            "fill_id": fill_id,
            "account_id": account_id,
            "corrected_by": corrected_by,
            "busted_ns": time.time_ns(),
        }
        entry = upserting(trade_busts, self._engine.dialect.name).values(row)
        with self._engine.begin() as connection:
            connection.execute(entry.on_conflict_do_nothing())
            if corrected_by is not None:
                connection.execute(self._copy_of_note(account_id, fill_id, corrected_by))

    def _copy_of_note(self, account_id: str, from_fill: str, to_fill: str) -> Executable:
        table = trade_notes.c
        written = select(table.account_id, literal(to_fill), table.note, table.changed_ns)
        entry = upserting(trade_notes, self._engine.dialect.name).from_select(
            ["account_id", "fill_id", "note", "changed_ns"],
            written.where(_note_of(account_id, from_fill)),
        )
        copied: Executable = entry.on_conflict_do_nothing()
        return copied

    def busts(self, fill_ids: Collection[str]) -> dict[str, str | None]:
        """Of trades that were taken back the trade in their place, by their ids."""
        rows = self._among(trade_busts.c.fill_id, fill_ids)
        return {row["fill_id"]: row["corrected_by"] for row in rows}

    def _among(
        self, column: Column[Any], ids: Collection[str], mine: Mapping[str, str] = _NO_VALUES
    ) -> Iterator[Mapping[str, Any]]:
        """Rows whose `column` is one of the ids, and whose other columns are as `mine` says."""
        table = column.table
        for part in _parts(ids):
            given = {f"id_{place}": one for place, one in enumerate(part)}

            def query(names: Collection[str] = given.keys()) -> Select[Any]:
                same = (table.c[name] == bindparam(name) for name in mine)
                return select(table).where(column.in_([bindparam(one) for one in names]), *same)

            yield from self._texts.rows((table, column.name, len(part)), query, {**given, **mine})


def _note_of(account_id: str, fill_id: str) -> ColumnElement[bool]:
    return (trade_notes.c.account_id == account_id) & (trade_notes.c.fill_id == fill_id)


def _is(account_id: str, client_order_id: str) -> ColumnElement[bool]:
    mine = order_labels.c.account_id == account_id
    return mine & (order_labels.c.client_order_id == client_order_id)


def _parts(ids: Collection[str]) -> Iterator[Sequence[str]]:
    listed = list(ids)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def _labels(row: Mapping[str, Any]) -> Labels:
    return Labels(row["strategy"], tuple(row["tags"].split("|")) if row["tags"] else ())

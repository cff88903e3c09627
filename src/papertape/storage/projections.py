"""Writes read-model rows: one function, used by every commit and by the rebuild of `verify`.

Statements are made once from the tables and then run by the driver itself: a batch of five hundred
orders is a handful of `executemany` calls on tuples that the engine made.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Dialect, Table

from papertape.storage.engines import upserting
from papertape.storage.tables import APPENDED, UPSERTED

if TYPE_CHECKING:
    from papertape.engine import Rows


class Cursor(Protocol):
    """The part of a database driver's cursor that writing needs."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run a statement once for each row."""
        ...


class ProjectionWriter:
    """The statements of one SQL dialect, ready for tuples in the order of the columns."""

    def __init__(self, dialect: Dialect) -> None:
        self._upserts = [(table.name, upsert(table, dialect)) for table in UPSERTED]
        self._inserts = [(table.name, insert(table, dialect)) for table in APPENDED]

    def write(self, cursor: Cursor, world: str, rows: "Rows") -> None:
        """Write the rows of one world inside the caller's transaction."""
        for name, statement in (*self._upserts, *self._inserts):
            values = getattr(rows, name)
            if values:
                cursor.executemany(statement, [(world, *row) for row in values])


def insert(table: Table, dialect: Dialect) -> str:
    """`INSERT INTO table (...) VALUES (...)` in the dialect's own text."""
    return str(table.insert().compile(dialect=dialect))


def upsert(table: Table, dialect: Dialect) -> str:
    """An insert that replaces the row of the same primary key."""
    statement = upserting(table, dialect.name)
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    keys = [column.name for column in table.primary_key.columns]
    replacing = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(replacing.compile(dialect=dialect))

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
    """The statements of SQLite, ready for the engine's tuples as they are.

    The world stands in the text of a world's own statements: so no tuple is copied to carry it, and
    it is not bound again for each row.
    """

    def __init__(self, dialect: Dialect) -> None:
        upserts = [(table.name, upsert(table, dialect)) for table in UPSERTED]
        inserts = [(table.name, insert(table, dialect)) for table in APPENDED]
        self._statements = [*upserts, *inserts]
        self._of_worlds: dict[str, list[tuple[str, str]]] = {}

    def write(self, cursor: Cursor, world: str, rows: "Rows") -> None:
        """Write the rows of one world inside the caller's transaction."""
        for name, statement in self._of_worlds.get(world) or self._made(world):
            values = getattr(rows, name)
            if values:
                cursor.executemany(statement, values)

    def _made(self, world: str) -> list[tuple[str, str]]:
        made = [(name, _in_world(world, statement)) for name, statement in self._statements]
        self._of_worlds[world] = made
        return made


def _in_world(world: str, statement: str) -> str:
    """The statement with the name of a world in place of its first value."""
    before, value, behind = statement.partition("VALUES (?")
    assert value, "the first column of every table is the world"
    quoted = world.replace("'", "''")
    return f"{before}VALUES ('{quoted}'{behind}"


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

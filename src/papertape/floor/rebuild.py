"""Read models rebuilt from the tape in a temporary database, and compared cell by cell."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from sqlalchemy import Table

from papertape.engine import Rows
from papertape.floor.findings import Finding
from papertape.storage.projections import ProjectionWriter
from papertape.storage.sqlite.connection import open_engine
from papertape.storage.sqlite.tape_reader import rows_of
from papertape.storage.tables import PROJECTIONS, metadata

Values = tuple[Any, ...]


class Rebuild:
    """A throw-away database with the same tables, filled by the writer that commits use."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path)
        self._pooled = self._engine.raw_connection()
        self._connection = cast("sqlite3.Connection", self._pooled.driver_connection)
        self._connection.execute("PRAGMA synchronous = OFF")
        metadata.create_all(self._engine, tables=PROJECTIONS)
        self._writer = ProjectionWriter(self._engine.dialect)

    def write(self, world: str, rows: Rows) -> None:
        """Write rows of a world; they are seen after `commit`."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        self._writer.write(self._connection.cursor(), world, rows)

    def commit(self) -> None:
        """End the transaction, so that it does not grow without bound."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rows(self, table: Table) -> Iterator[Values]:
        """Every row of a table in the order of its primary key."""
        return rows_of(self._connection, table)

    def close(self) -> None:
        """Let go of the file."""
        self._pooled.close()
        self._engine.dispose()


class Kept(Protocol):
    """A database whose tables can be read in order."""

    def rows(self, table: Table, /) -> Iterator[Values]:
        """Every row of a table in the order of its primary key."""
        ...


def differences(kept: Kept, rebuilt: Kept) -> Iterator[Finding]:
    """Every row of every read model that is not the same in both, one row at a time."""
    for table in PROJECTIONS:
        yield from _differences(table, kept.rows(table), rebuilt.rows(table))


def _differences(
    table: Table, kept: Iterator[Values], rebuilt: Iterator[Values]
) -> Iterator[Finding]:
    columns = [column.name for column in table.columns]
    places = [columns.index(key.name) for key in table.primary_key.columns]
    mine: Any = next(kept, None)
    tapes: Any = next(rebuilt, None)
    while mine is not None or tapes is not None:
        order = _order(mine, tapes, places)
        if order < 0:
            yield _finding(table, mine, places, "this row does not follow from the tape")
        elif order > 0:
            yield _finding(table, tapes, places, "this row is missing")
        elif mine != tapes:
            yield _finding(table, tapes, places, _changed(columns, mine, tapes))
        if order <= 0:
            mine = next(kept, None)
        if order >= 0:
            tapes = next(rebuilt, None)


def _order(mine: Values | None, tapes: Values | None, places: list[int]) -> int:
    if mine is None or tapes is None:
        return 1 if mine is None else -1
    left = [_comparable(mine[place]) for place in places]
    right = [_comparable(tapes[place]) for place in places]
    return (left > right) - (left < right)


def _comparable(value: Any) -> tuple[int, Any]:
    """A value in SQLite's own order: NULL, numbers, text by its bytes, blobs."""
    if value is None:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value.encode("utf-8", "surrogatepass"))
    return (3, value)


def _changed(columns: list[str], mine: Values, tapes: Values) -> str:
    changed = [
        f"{name} is {have!r}, the tape says {want!r}"
        for name, have, want in zip(columns, mine, tapes, strict=True)
        if have != want
    ]
    return "; ".join(changed)


def _finding(table: Table, row: Values, places: list[int], detail: str) -> Finding:
    columns = [column.name for column in table.columns]
    seq = row[columns.index("seq")]
    key = ", ".join(str(row[place]) for place in places[1:])
    return Finding(str(row[0]), seq if isinstance(seq, int) else 0, table.name, f"({key}) {detail}")

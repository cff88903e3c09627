"""Reads the tape of `exchange.db`: for the floor itself, and beside it for those who only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Table

from papertape.domain.tape import TapeHead, TapeRow
from papertape.storage.schema import HEAD_REVISION, current_revision
from papertape.storage.segments import SegmentFolder
from papertape.storage.sqlite.connection import open_engine

TAIL_CHUNK = 2_000


class TapeQueries:
    """The reading half of the storage port, on a connection; old turns come from segments."""

    def __init__(self, connection: sqlite3.Connection, segments: SegmentFolder) -> None:
        self._connection = connection
        self._segments = segments

    def head(self, world: str) -> TapeHead | None:
        """The head of a world as it stands now; None for a world that never was."""
        found = self._connection.execute(
            "SELECT epoch, seq, hash FROM world_head WHERE world = ?", (world,)
        ).fetchone()
        return TapeHead(*found) if found else None

    def tail(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows behind `after_seq` in order, read in chunks.

        Where the table has a hole, segments fill it; `TapeBrokenError` for a damaged one.
        """
        return self._segments.filling(world, after_seq, self._kept(world, after_seq))

    def _kept(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows of the table itself."""
        while True:
            rows = self._connection.execute(
                "SELECT * FROM tape WHERE world = ? AND seq > ? ORDER BY seq LIMIT ?",
                (world, after_seq, TAIL_CHUNK),
            ).fetchall()
            for row in rows:
                yield TapeRow(*row)
            if len(rows) < TAIL_CHUNK:
                return
            after_seq = rows[-1][1]

    def row(self, world: str, seq: int) -> TapeRow | None:
        """One row of the tape, or None."""
        found = self._connection.execute(
            "SELECT * FROM tape WHERE world = ? AND seq = ?", (world, seq)
        ).fetchone()
        return TapeRow(*found) if found else next(self._segments.rows(world, seq, seq), None)


class TapeReader(TapeQueries):
    """Reads beside the floor that writes; can never write."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path, query_only=True)
        self._pooled = self._engine.raw_connection()
        connection = cast("sqlite3.Connection", self._pooled.driver_connection)
        super().__init__(connection, SegmentFolder.beside(path))

    def hold(self, world: str) -> None:
        """Nothing to do: the lock of the data folder says that somebody works on it."""

    def read_damaged_text(self) -> None:
        """From now on, text that is not UTF-8 comes as bytes instead of failing the whole read."""
        self._connection.text_factory = _text_or_bytes

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What is read inside is the tape and its head as of one moment, whatever is written."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def is_ready(self) -> bool:
        """Whether the floor has made the tables of this release."""
        return self.revision() == HEAD_REVISION

    def worlds(self) -> list[str]:
        """Every world that has a head or a turn."""
        found = self._connection.execute(
            "SELECT world FROM world_head UNION SELECT world FROM tape ORDER BY world"
        )
        return [row[0] for row in found]

    def revision(self) -> str | None:
        """The revision of the schema; None where there are no tables yet."""
        with self._engine.connect() as connection:
            return current_revision(connection)

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """Every row of a table in the order of its primary key."""
        return rows_of(self._connection, table)

    def damage(self) -> list[str]:
        """What is wrong below the rows: pages, and indexes against their tables."""
        found = self._connection.execute("PRAGMA integrity_check(20)")
        return [str(problem) for (problem,) in found if problem != "ok"]

    def close(self) -> None:
        """Let go of the file."""
        self._pooled.close()
        self._engine.dispose()


def rows_of(connection: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Every row of a table in the order of its primary key, one at a time."""
    columns = ", ".join(column.name for column in table.columns)
    keys = ", ".join(column.name for column in table.primary_key.columns)
    return connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY {keys}")  # noqa: S608


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value

"""Reads the tape out of PostgreSQL: for the floor itself, and beside it for those who only read."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table

from papertape.domain.errors import DataFolderBusyError
from papertape.domain.tape import TapeHead, TapeRow
from papertape.storage.place import PostgresSchema
from papertape.storage.postgres.engine import lock_key
from papertape.storage.postgres.session import Session
from papertape.storage.schema import HEAD_REVISION
from papertape.storage.segments import SegmentFolder

TAIL_CHUNK = 2_000
PAUSE_S = 0.05


class TapeQueries:
    """The reading half of the storage port, on a session; old turns come from segments."""

    def __init__(self, schema: PostgresSchema, session: Session) -> None:
        self._schema = schema
        self._session = session
        self._segments = SegmentFolder.beside(schema)
        self._held: list[int] = []

    def hold(self, world: str, patience_s: float = 0.0) -> None:
        """Say that somebody works on this world, for as long as the connection lives.

        Raises `DataFolderBusyError` while somebody else says so. Liveness only: what keeps two
        writers apart is the epoch.
        """
        key = lock_key(self._schema.name, world)
        until = time.monotonic() + patience_s
        while not self._session.first("SELECT pg_try_advisory_lock($1)", key)[0]:
            if time.monotonic() >= until:
                raise DataFolderBusyError(
                    f"world {world!r} on {self._schema} is in use by another process: stop it first"
                )
            time.sleep(PAUSE_S)
        self._held.append(key)

    def head(self, world: str) -> TapeHead | None:
        """The head of a world as it stands now; None for a world that never was."""
        found = self._session.first(
            "SELECT epoch, seq, hash FROM world_head WHERE world = $1", world
        )
        return TapeHead(*found) if found else None

    def tail(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows behind `after_seq` in order, read in chunks.

        Where the table has a hole, segments fill it; `TapeBrokenError` for a damaged one.
        """
        return self._segments.filling(world, after_seq, self._kept(world, after_seq))

    def _kept(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows of the table itself."""
        while True:
            rows = self._session.fetch(
                "SELECT world, seq, time_ns, market_seq, body, hash FROM tape "
                "WHERE world = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                world,
                after_seq,
                TAIL_CHUNK,
            )
            for row in rows:
                yield TapeRow(*row)
            if len(rows) < TAIL_CHUNK:
                return
            after_seq = rows[-1][1]

    def row(self, world: str, seq: int) -> TapeRow | None:
        """One row of the tape, or None."""
        found = self._session.first(
            "SELECT world, seq, time_ns, market_seq, body, hash FROM tape "
            "WHERE world = $1 AND seq = $2",
            world,
            seq,
        )
        return TapeRow(*found) if found else next(self._segments.rows(world, seq, seq), None)


class PostgresTapeReader(TapeQueries):
    """Reads beside the floor that writes; can never write."""

    def __init__(self, schema: PostgresSchema) -> None:
        super().__init__(schema, Session(schema, read_only=True))

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What is read inside is the tape and its head as of one moment, whatever is written."""
        self._session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
        finally:
            if self._session.is_connected:  # else it ended with the connection
                self._session.execute("COMMIT")

    def is_ready(self) -> bool:
        """Whether the floor has made the tables of this release."""
        return self.revision() == HEAD_REVISION

    def revision(self) -> str | None:
        """The revision of the schema; None where there are no tables yet."""
        if self._session.first("SELECT to_regclass('alembic_version')")[0] is None:
            return None
        found = self._session.first("SELECT version_num FROM alembic_version")
        return str(found[0]) if found else None

    def worlds(self) -> list[str]:
        """Every world that has a head or a turn."""
        found = self._session.fetch(
            "SELECT world FROM world_head UNION SELECT world FROM tape ORDER BY world"
        )
        return [row[0] for row in found]

    def rows(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """Every row of a table in the order of its primary key, a part at a time."""
        name, cursor = table.name, f"rows_of_{table.name}"
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        keys = ", ".join(column.name for column in table.primary_key.columns)
        select = f"SELECT {columns} FROM {name} ORDER BY {keys}"  # noqa: S608 - our own names
        self._session.execute(f"DECLARE {cursor} CURSOR FOR {select}")
        while rows := self._session.fetch(f"FETCH {TAIL_CHUNK} FROM {cursor}"):
            yield from (tuple(row) for row in rows)
        self._session.execute(f"CLOSE {cursor}")

    def read_damaged_text(self) -> None:
        """Nothing to do: PostgreSQL takes no text that is not UTF-8."""

    def damage(self) -> list[str]:
        """What is wrong below the rows; PostgreSQL's own checksums speak when a page is read."""
        return []

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

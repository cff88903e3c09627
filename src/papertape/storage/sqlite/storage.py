"""The write side on SQLite: one connection, one committer, one transaction for each batch.

The statements bypass SQLAlchemy's execution (not its tables): a batch is a few `executemany` calls.
What may fail is told apart by what is left behind: before COMMIT nothing is (`CommitFailedError`),
an error of COMMIT itself may have left everything (`CommitUnknownError`).
"""

import sqlite3
from pathlib import Path
from typing import cast

from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import (
    CommitFailedError,
    CommitUnknownError,
    FencedError,
    ProjectionRefusedError,
    TapeBrokenError,
)
from papertape.domain.tape import GENESIS_HASH, TapeHead, TapeRow, chain
from papertape.storage.projections import ProjectionWriter, insert, upsert
from papertape.storage.rows import order_json
from papertape.storage.schema import migrate
from papertape.storage.segments import SegmentFolder
from papertape.storage.sqlite.connection import open_engine
from papertape.storage.sqlite.tape_reader import TapeQueries
from papertape.storage.tables import market_state, tape

_FENCE = "UPDATE world_head SET seq = ?, hash = ? WHERE world = ? AND epoch = ? AND seq = ?"


class SqliteStorage(TapeQueries):
    """The storage port of the floor on `exchange.db`; not for use by two threads at once."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path)
        migrate(self._engine, path)
        self._pooled = self._engine.raw_connection()
        connection = cast("sqlite3.Connection", self._pooled.driver_connection)
        super().__init__(connection, SegmentFolder.beside(path))
        self._projections = ProjectionWriter(self._engine.dialect)
        self._insert_tape = insert(tape, self._engine.dialect)
        self._upsert_market_state = upsert(market_state, self._engine.dialect)

    def hold(self, world: str, patience_s: float = 0.0) -> None:
        """Nothing to do: the lock of the data folder says that this floor is alive."""

    def take_over(self, world: str, address: str) -> TapeHead:
        """Raise the epoch of a world (made on first sight) and return its head."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute(
                "UPDATE world_head SET epoch = epoch + 1, address = ? WHERE world = ?",
                (address, world),
            )
            head = self.head(world) or self._first_head(world, address)
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return head

    def _first_head(self, world: str, address: str) -> TapeHead:
        if self.row(world, 1) is not None:
            raise TapeBrokenError(world, 1, "world_head", "the head is gone, but the tape is not")
        self._connection.execute(
            "INSERT INTO world_head (world, epoch, seq, hash, address) VALUES (?, 1, 0, ?, ?)",
            (world, GENESIS_HASH, address),
        )
        return TapeHead(1, 0, GENESIS_HASH)

    def commit(self, world: str, head: TapeHead, batch: Batch) -> TapeHead:
        """Write turns, rows, market state and head, all or nothing; returns the new head."""
        rows = chain(head.hash, world, batch.turns)
        end = TapeHead(head.epoch, rows[-1].seq, rows[-1].hash) if rows else head
        _assert_gapless(world, head.seq, rows)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(world, rows, batch)
            self._fence(world, head, end)
        except BaseException as error:
            self._roll_back()
            raise _failed(world, error) from error
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise CommitUnknownError(f"world {world!r}: COMMIT failed: {error}") from error
        return end

    def _write(self, world: str, rows: list[TapeRow], batch: Batch) -> None:
        cursor = self._connection.cursor()
        cursor.executemany(self._insert_tape, rows)
        for part in batch.rows:
            self._projections.write(cursor, world, part)
        if batch.market_state is not None:
            state = batch.market_state
            cursor.execute(
                self._upsert_market_state, (world, state.time_ns, state.market_seq, state.state)
            )

    def _fence(self, world: str, head: TapeHead, end: TapeHead) -> None:
        changed = self._connection.execute(
            _FENCE, (end.seq, end.hash, world, head.epoch, head.seq)
        ).rowcount
        if changed != 1:
            raise FencedError(f"world {world!r}: another writer took over after epoch {head.epoch}")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def market_state(self, world: str) -> MarketState | None:
        """Where the market source of a world stood at the last batch that said so."""
        found = self._connection.execute(
            "SELECT time_ns, market_seq, state FROM market_state WHERE world = ?", (world,)
        ).fetchone()
        return MarketState(*found) if found else None

    def known_order(self, world: str, account_id: str, client_order_id: str) -> bytes | None:
        """The order that a request id made, as wire JSON, or None."""
        self._connection.row_factory = sqlite3.Row
        try:
            found = self._connection.execute(
                "SELECT * FROM orders WHERE world = ? AND account_id = ? AND client_order_id = ?",
                (world, account_id, client_order_id),
            ).fetchone()
        finally:
            self._connection.row_factory = None
        head = self.head(world)
        return order_json(found, head.seq) if found and head else None

    def order_count(self, world: str, account_id: str, at_most: int) -> int:
        """How many orders an account has, counted no further than `at_most`."""
        found = self._connection.execute(
            "SELECT count(*) FROM "
            "(SELECT 1 FROM orders WHERE world = ? AND account_id = ? LIMIT ?)",
            (world, account_id, at_most),
        ).fetchone()
        return cast("int", found[0])

    def close(self) -> None:
        """Let go of the file; the last connection folds the write-ahead log into it."""
        self._pooled.close()
        self._engine.dispose()


def _assert_gapless(world: str, seq: int, rows: list[TapeRow]) -> None:
    for expected, row in enumerate(rows, seq + 1):
        if row.seq != expected:
            raise TapeBrokenError(world, expected, "tape", f"the engine made turn {row.seq}")


def _failed(world: str, error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return ProjectionRefusedError(f"world {world!r}: {error}")
    if isinstance(error, sqlite3.Error):
        return CommitFailedError(f"world {world!r}: {error}")
    return error

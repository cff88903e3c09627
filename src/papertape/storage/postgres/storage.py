"""The write side on PostgreSQL: one direct connection, one committer, a transaction for each batch.

A batch is four messages to the server: BEGIN, the fence, all rows, COMMIT. The fence comes first:
its row lock is what a writer that takes over waits for, and what this one waits for after it lost
its connection, so that it never reads the head while a COMMIT of its own is still under way. As on
SQLite, what fails before COMMIT has left nothing (`CommitFailedError`), and an error of COMMIT
itself may have left everything (`CommitUnknownError`).
"""

import logging
from typing import cast

import asyncpg

from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import (
    CommitFailedError,
    CommitUnknownError,
    FencedError,
    ProjectionRefusedError,
    TapeBrokenError,
)
from papertape.domain.tape import GENESIS_HASH, TapeHead, TapeRow, chain
from papertape.storage.engines import open_engine
from papertape.storage.place import PostgresSchema
from papertape.storage.postgres.session import LOST, Connection, Session
from papertape.storage.postgres.tape_reader import TapeQueries
from papertape.storage.postgres.writing import batch_statement
from papertape.storage.rows import order_json
from papertape.storage.schema import migrate

_FENCE = "UPDATE world_head SET seq = $1, hash = $2 WHERE world = $3 AND epoch = $4 AND seq = $5"
_STATE = (
    "INSERT INTO market_state (world, time_ns, market_seq, state) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (world) DO UPDATE SET time_ns = excluded.time_ns, "
    "market_seq = excluded.market_seq, state = excluded.state"
)
_REFUSED = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    ValueError,  # the driver's own, for a value that fits no column
)

_log = logging.getLogger(__name__)


class PostgresStorage(TapeQueries):
    """The storage port of the floor on a schema; not for use by two threads at once."""

    def __init__(self, schema: PostgresSchema) -> None:
        engine = open_engine(schema)
        try:
            migrate(engine, schema)
        finally:
            engine.dispose()
        super().__init__(schema, Session(schema))
        self._worlds: list[str] = []
        self._session.after_loss = self._after_loss
        if self._session.first("SELECT current_setting('fsync')")[0] == "off":
            _log.warning("%s: fsync is off, so a loss of power may lose orders", schema)

    def take_over(self, world: str, address: str) -> TapeHead:
        """Raise the epoch of a world (made on first sight) and return its head."""

        async def work(connection: Connection) -> TapeHead:
            async with connection.transaction():
                found = await connection.fetchrow(
                    "UPDATE world_head SET epoch = epoch + 1, address = $1 WHERE world = $2 "
                    "RETURNING epoch, seq, hash",
                    address,
                    world,
                )
                return TapeHead(*found) if found else await _first_head(connection, world, address)

        try:
            head = self._session.run(work)
        except LOST as error:
            raise self._session.unavailable(error) from error
        self._worlds.append(world)
        return head

    def commit(self, world: str, head: TapeHead, batch: Batch) -> TapeHead:
        """Write turns, rows, market state and head, all or nothing; returns the new head."""
        rows = chain(head.hash, world, batch.turns)
        end = TapeHead(head.epoch, rows[-1].seq, rows[-1].hash) if rows else head
        _assert_gapless(world, head.seq, rows)
        statement = batch_statement(world, (row[1:] for row in rows), batch.rows)
        state = batch.market_state

        async def write(connection: Connection) -> None:
            await connection.execute("BEGIN")
            tag = await connection.execute(_FENCE, end.seq, end.hash, world, head.epoch, head.seq)
            if tag != "UPDATE 1":
                raise FencedError(
                    f"world {world!r}: another writer took over after epoch {head.epoch}"
                )
            if statement is not None:
                await connection.fetchval(statement[0], *statement[1])
            if state is not None:
                values = (state.time_ns, state.market_seq, state.state)
                await connection.execute(_STATE, world, *values)

        async def work(connection: Connection) -> None:
            try:
                await write(connection)
            except BaseException as error:
                raise _failed(world, error) from error
            try:
                await connection.execute("COMMIT")
            except LOST as error:
                raise CommitUnknownError(f"world {world!r}: COMMIT failed: {error}") from error

        self._session.run(work)
        return end

    async def _after_loss(self, connection: Connection) -> None:
        """Wait until the transaction that was cut off has ended, and say again that we live."""
        await connection.execute(
            "SELECT 1 FROM world_head WHERE world = ANY($1::text[]) FOR UPDATE", self._worlds
        )
        for key in self._held:
            await connection.execute("SELECT pg_try_advisory_lock($1)", key)

    def market_state(self, world: str) -> MarketState | None:
        """Where the market source of a world stood at the last batch that said so."""
        found = self._session.first(
            "SELECT time_ns, market_seq, state FROM market_state WHERE world = $1", world
        )
        return MarketState(*found) if found else None

    def known_order(self, world: str, account_id: str, client_order_id: str) -> bytes | None:
        """The order that a request id made, as wire JSON, or None."""
        found = self._session.first(
            "SELECT * FROM orders WHERE world = $1 AND account_id = $2 AND client_order_id = $3",
            world,
            account_id,
            client_order_id,
        )
        head = self.head(world)
        return order_json(found, head.seq) if found and head else None

    def order_count(self, world: str, account_id: str, at_most: int) -> int:
        """How many orders an account has, counted no further than `at_most`."""
        found = self._session.first(
            "SELECT count(*) FROM "
            "(SELECT 1 FROM orders WHERE world = $1 AND account_id = $2 LIMIT $3) AS counted",
            world,
            account_id,
            at_most,
        )
        return cast("int", found[0])

    def close(self) -> None:
        """Let go of the connection, and with it of the locks."""
        self._session.close()


async def _first_head(connection: Connection, world: str, address: str) -> TapeHead:
    if await connection.fetchval("SELECT 1 FROM tape WHERE world = $1 AND seq = 1", world):
        raise TapeBrokenError(world, 1, "world_head", "the head is gone, but the tape is not")
    await connection.execute(
        "INSERT INTO world_head (world, epoch, seq, hash, address) VALUES ($1, 1, 0, $2, $3)",
        world,
        GENESIS_HASH,
        address,
    )
    return TapeHead(1, 0, GENESIS_HASH)


def _assert_gapless(world: str, seq: int, rows: list[TapeRow]) -> None:
    for expected, row in enumerate(rows, seq + 1):
        if row.seq != expected:
            raise TapeBrokenError(world, expected, "tape", f"the engine made turn {row.seq}")


def _failed(world: str, error: BaseException) -> BaseException:
    if isinstance(error, _REFUSED):
        return ProjectionRefusedError(f"world {world!r}: {error}")
    if isinstance(error, LOST):
        return CommitFailedError(f"world {world!r}: {error}")
    return error

"""One direct connection to PostgreSQL with a synchronous face: asyncpg on an event loop of its own.

The loop runs only while somebody waits, on the thread that waits, so there is no thread to hop to.
A connection that failed in any way is never used again: the next call makes a new one, after it has
made sure that nothing of the old one is still under way.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from papertape.domain.errors import StorageUnavailableError
from papertape.storage.place import PostgresSchema, PostgresUrl
from papertape.storage.postgres.engine import quoted, ssl_context

CONNECT_S = 5.0
STATEMENT_S = 20.0
"""A server that says nothing for so long is given up."""

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Everything that asyncpg says when a statement did not get through."""

T = TypeVar("T")
Connection = Any
"""An `asyncpg.Connection`, which has no types."""

_SERVER_SETTINGS = {
    "client_encoding": "UTF8",
    "lock_timeout": "5s",
    # What a stopped or vanished process holds is let go of, so that another can take over.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

_log = logging.getLogger(__name__)


class Session:
    """Calls for one thread at a time, never from a running event loop."""

    def __init__(
        self,
        schema: PostgresSchema,
        *,
        read_only: bool = False,
        statement_s: float | None = STATEMENT_S,
    ) -> None:
        self._schema = schema
        self._statement_s = statement_s
        self._read_only = read_only
        self._settings = {**_SERVER_SETTINGS, "search_path": quoted(schema.name)}
        self._settings["application_name"] = f"papertape {'reader' if read_only else 'floor'}"
        if read_only:
            self._settings["default_transaction_read_only"] = "on"
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._connection: Connection | None = None
        self._backend: tuple[int, datetime] | None = None
        self.after_loss: Callable[[Connection], Awaitable[None]] | None = None
        """Runs on a connection that replaces a lost one, before anything else does."""

    def run(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Run some work on the connection; what it raises comes through, and ends the connection.

        Raises `StorageUnavailableError` when there is no connection and none can be made.
        """
        return self._loop.run_until_complete(self._run(work))

    async def _run(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        connection = await self._connected()
        try:
            return await work(connection)
        except BaseException:
            self._drop()
            raise

    def fetch(self, statement: str, *values: object) -> Sequence[Any]:
        """The rows of a query; raises `StorageUnavailableError`."""
        return self._ask(lambda connection: connection.fetch(statement, *values))

    def first(self, statement: str, *values: object) -> Any:
        """The first row of a query, or None; raises `StorageUnavailableError`."""
        return self._ask(lambda connection: connection.fetchrow(statement, *values))

    def execute(self, statement: str, *values: object) -> str:
        """Run a statement; returns its tag. Raises `StorageUnavailableError`."""
        tag: str = self._ask(lambda connection: connection.execute(statement, *values))
        return tag

    def _ask(self, question: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        try:
            return self.run(question)
        except LOST as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException) -> StorageUnavailableError:
        """The error that says what is away and why."""
        why = str(error) or type(error).__name__
        return StorageUnavailableError(f"{self._schema}: {why}")

    @property
    def is_connected(self) -> bool:
        """Whether the last call left a connection that works."""
        return self._connection is not None and not self._connection.is_closed()

    def close(self) -> None:
        """Say goodbye to the server, if it still listens, and end the loop."""
        if self._connection is not None and not self._loop.is_closed():
            self._loop.run_until_complete(self._say_goodbye(self._connection))
        self._connection = None
        self._runner.close()

    @staticmethod
    async def _say_goodbye(connection: Connection) -> None:
        try:
            await connection.close(timeout=1.0)
        except LOST:
            connection.terminate()

    # --- making a connection ----------------------------------------------------------------------

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._connection = None
        try:
            self._connection = await self._connect()
        except LOST as error:
            raise self.unavailable(error) from error
        return self._connection

    async def _connect(self) -> Connection:
        connection = await connect(self._schema.url, self._settings, self._statement_s)
        try:
            await self._begin(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _begin(self, connection: Connection) -> None:
        """End what is left of the connection before, then learn who this one is."""
        if self._backend is not None:
            await connection.execute(_END_BACKEND, *self._backend)
            if self.after_loss is not None:
                await self.after_loss(connection)
            _log.warning("connected again to %s", self._schema)
        if not self._read_only:
            await connection.execute(_COMMIT_MEANS_WRITTEN)
        pid, started = await connection.fetchrow(_OWN_BACKEND)
        self._backend = (pid, started)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def connect(
    url: PostgresUrl, settings: dict[str, str], statement_s: float | None
) -> Connection:
    """A direct connection; a statement may take so many seconds, or as long as it likes (None)."""
    return await asyncpg.connect(
        host=url.host,
        port=url.port,
        user=url.user,
        database=url.database,
        password=url.password,
        ssl=_ssl_of(ssl_context(url), url.ssl_mode),
        timeout=CONNECT_S,
        command_timeout=statement_s,
        server_settings=settings,
    )


_OWN_BACKEND = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_COMMIT_MEANS_WRITTEN = (
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)
_END_BACKEND = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2"
)


def _ssl_of(context: ssl.SSLContext | bool | None, mode: str) -> ssl.SSLContext | str:
    return context if isinstance(context, ssl.SSLContext) else mode

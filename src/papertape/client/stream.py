"""News as they happen: iterate over a stream, and each item is a `Message`.

A connection that breaks is made again, and what was missed meanwhile is fetched: nothing is lost
and nothing comes twice. Where too much was missed, a `resync` carries the state instead.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.sync.client import ClientConnection as SyncConnection
from websockets.sync.client import connect as connect_sync

from papertape.client.conversation import Conversation
from papertape.client.errors import NotAcceptedError, NotAuthenticatedError, UnreachableError
from papertape.client.replies.news import Message
from papertape.client.talk import PREFIX, Talk

if TYPE_CHECKING:
    from papertape.client.client import AsyncClient, Client

CLOSE_NOT_AUTHENTICATED: Final = 4401
MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
PAUSE_S_FIRST: Final = 0.1
PAUSE_S_MAX: Final = 5.0

_FAILED: Final = (OSError, TimeoutError, InvalidHandshake, InvalidMessage, ConnectionClosed)


class _Attempts:
    """How long to wait for the next connection, and when to give up."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._pause_s = PAUSE_S_FIRST
        self._failing_since: float | None = None
        self.may_renew = True

    def succeeded(self) -> None:
        """News came."""
        self._pause_s = PAUSE_S_FIRST
        self._failing_since = None
        self.may_renew = True

    def pause_after(self, error: Exception) -> float:
        """Seconds to wait; raises when patience has run out."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > self._patience_s:
            if isinstance(error, NotAcceptedError):
                raise error
            raise UnreachableError(f"the stream cannot be reached: {error}") from error
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, PAUSE_S_MAX)
        return pause_s * random.uniform(0.5, 1.0)  # noqa: S311


def _address(talk: Talk) -> str:
    return "ws" + talk.url.removeprefix("http") + PREFIX + "/stream"


def _auth(talk: Talk) -> str:
    return msgspec.json.encode(talk.credentials.stream_message).decode()


def _is_refused(error: Exception) -> bool:
    """Whether the server ended the connection because of the credentials."""
    return (
        isinstance(error, ConnectionClosed)
        and error.rcvd is not None
        and error.rcvd.code == CLOSE_NOT_AUTHENTICATED
    )


def _not_authenticated() -> NotAuthenticatedError:
    return NotAuthenticatedError(
        401, "not_authenticated", "the stream takes the token of a login or an API key that reads"
    )


class Stream:
    """A stream for a program that waits: `for message in client.stream("orders"): ...`.

    Other threads may call `subscribe`, `unsubscribe` and `close`. Raises `NotAuthenticatedError`,
    `RefusedError` for a channel that does not exist, `UnreachableError` when the client's patience
    has run out.
    """

    def __init__(self, client: "Client", channels: Sequence[str], since: int | None) -> None:
        self._client = client
        self._conversation = Conversation(channels, since)
        self._connection: SyncConnection | None = None
        self._is_closed = False

    def __iter__(self) -> Iterator[Message]:
        attempts = _Attempts(self._client.talk.patience_s)
        while self._goes_on():
            try:
                with self._connected() as connection:
                    while True:
                        message = self._hear(connection)
                        if message is not None:
                            attempts.succeeded()
                            yield message
            except (*_FAILED, NotAcceptedError) as error:
                if not self._goes_on():
                    return
                if _is_refused(error):
                    self._renew(attempts)
                    continue
                pause_s = attempts.pause_after(error)
            time.sleep(pause_s)

    @contextmanager
    def _connected(self) -> Iterator[SyncConnection]:
        address = _address(self._client.talk)
        with connect_sync(address, compression=None, max_size=MESSAGE_BYTES_MAX) as connection:
            for text in (_auth(self._client.talk), *self._conversation.opening()):
                connection.send(text)
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def _hear(self, connection: SyncConnection) -> Message | None:
        message, answers = self._conversation.hear(connection.recv())
        for answer in answers:
            connection.send(answer)
        return message

    def _renew(self, attempts: _Attempts) -> None:
        if not attempts.may_renew or self._client.talk.credentials.refresh_token is None:
            raise _not_authenticated()
        attempts.may_renew = False
        self._client.drive(self._client.talk.renewal())

    def _goes_on(self) -> bool:
        return not self._is_closed

    def subscribe(self, *channels: str) -> None:
        """Listen to more channels."""
        self._say(self._conversation.subscribe(channels))

    def unsubscribe(self, *channels: str) -> None:
        """Listen to less channels."""
        self._say(self._conversation.unsubscribe(channels))

    def _say(self, texts: list[str]) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            for text in texts:
                connection.send(text)
        except ConnectionClosed:
            return  # the next connection begins with the channels as they are now

    def close(self) -> None:
        """End the iteration."""
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncStream:
    """A stream on an event loop: `async for message in client.stream("orders"): ...`.

    Raises what `Stream` raises.
    """

    def __init__(self, client: "AsyncClient", channels: Sequence[str], since: int | None) -> None:
        self._client = client
        self._conversation = Conversation(channels, since)
        self._connection: ClientConnection | None = None
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[Message]:
        attempts = _Attempts(self._client.talk.patience_s)
        while self._goes_on():
            try:
                async with self._connected() as connection:
                    while True:
                        message = await self._hear(connection)
                        if message is not None:
                            attempts.succeeded()
                            yield message
            except (*_FAILED, NotAcceptedError) as error:
                if not self._goes_on():
                    return
                if _is_refused(error):
                    await self._renew(attempts)
                    continue
                pause_s = attempts.pause_after(error)
            await asyncio.sleep(pause_s)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        address = _address(self._client.talk)
        async with connect(address, compression=None, max_size=MESSAGE_BYTES_MAX) as connection:
            for text in (_auth(self._client.talk), *self._conversation.opening()):
                await connection.send(text)
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    async def _hear(self, connection: ClientConnection) -> Message | None:
        message, answers = self._conversation.hear(await connection.recv())
        for answer in answers:
            await connection.send(answer)
        return message

    async def _renew(self, attempts: _Attempts) -> None:
        if not attempts.may_renew or self._client.talk.credentials.refresh_token is None:
            raise _not_authenticated()
        attempts.may_renew = False
        await self._client.drive(self._client.talk.renewal())

    def _goes_on(self) -> bool:
        return not self._is_closed

    async def subscribe(self, *channels: str) -> None:
        """Listen to more channels."""
        await self._say(self._conversation.subscribe(channels))

    async def unsubscribe(self, *channels: str) -> None:
        """Listen to less channels."""
        await self._say(self._conversation.unsubscribe(channels))

    async def _say(self, texts: list[str]) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            for text in texts:
                await connection.send(text)
        except ConnectionClosed:
            return  # the next connection begins with the channels as they are now

    async def close(self) -> None:
        """End the iteration."""
        self._is_closed = True
        if self._connection is not None:
            await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

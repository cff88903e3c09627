"""What both streams of the dialect share: reading messages, writing frames, watching a key."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from papertape.floor.ports import FloorUnavailableError
from papertape.server.callers import Caller, Callers
from papertape.server.problems import Problem
from papertape.server.stream.wire import EXTENSION, Wire

AUTH_WITHIN_S = 10.0
CHECK_KEY_S = 60.0
CLOSE_NOT_AUTHENTICATED = 4401
CLOSE_RESTARTED = 1012
"""The floor was lost for a while: clients come again and look at what has become of things."""
_CLOSE_UNSUPPORTED = 1011


class UnreadableError(Exception):
    """A message that is no object in the client's format."""


async def open_wire(socket: WebSocket) -> Wire | None:
    """Accept a client; None, closed, where the server cannot stream."""
    await socket.accept()
    wire: Wire | None = socket.scope["extensions"].get(EXTENSION)
    if wire is None:
        await socket.close(_CLOSE_UNSUPPORTED, "this server was not started by papertape")
    return wire


def speaks_msgpack(socket: WebSocket) -> bool:
    """Whether the client asked for MessagePack."""
    return "msgpack" in socket.headers.get("content-type", "")


async def receive_object(socket: WebSocket, *, msgpack: bool) -> dict[str, Any]:
    """The next message, text or binary; raises `UnreadableError`, `WebSocketDisconnect`."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text, data = message.get("text"), message.get("bytes")
    try:
        if msgpack and data is not None:
            content = msgspec.msgpack.decode(data)
        else:
            content = msgspec.json.decode(text if text is not None else data or b"")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise UnreadableError(str(error)) from error
    if not isinstance(content, dict):
        raise UnreadableError("a message is an object")
    return content


async def receive_soon(socket: WebSocket, *, msgpack: bool, until: float) -> dict[str, Any] | None:
    """The next message before a time of the loop; None when it does not come."""
    left_s = until - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(max(left_s, 0)):
            return await receive_object(socket, msgpack=msgpack)
    except TimeoutError:
        return None


class KeyWatch:
    """Calls when the key of a stream has ended: at its time, when it is revoked, or elsewhere."""

    def __init__(
        self,
        callers: Callers,
        caller: Caller,
        token: str,
        address: str | None,
        on_end: Callable[[], None],
    ) -> None:
        self._callers = callers
        self._caller = caller
        self._token = token
        self._address = address
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def start(self) -> None:
        """Watch from now on."""
        self._callers.listen_for_endings(self._ended)
        self._task = asyncio.create_task(self._watch(self._caller.expires_at))

    def stop(self) -> None:
        """Watch no more."""
        self._callers.stop_listening(self._ended)
        if self._task is not None:
            self._task.cancel()

    def _ended(self, concerns: Callable[[Caller], bool]) -> None:
        if concerns(self._caller):
            self._wake.set()

    async def _watch(self, expires_at: float) -> None:
        while True:
            wait_s = max(0.0, min(expires_at - time.time(), CHECK_KEY_S))
            await _within(self._wake.wait(), wait_s)
            self._wake.clear()
            try:
                await self._callers.of_token(self._token, self._address)
            except (FloorUnavailableError, Problem) as error:
                # Else nobody could look, or had no time to; the next time then.
                if isinstance(error, Problem) and error.status == 401:
                    self._on_end()
                    return


async def _within(waiting: Awaitable[object], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return

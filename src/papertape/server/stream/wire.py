"""The connection under a stream: writes ready frames, knows what is unsent, closes at once.

uvicorn's own way frames each message for each client, and waits to close until a client that never
reads has read. `StreamProtocol` is uvicorn's protocol with a side door that does neither.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from papertape.server.stream.waiting import Gate, Inbox

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

EXTENSION = "papertape.wire"

LINGER_S = 60.0
"""How long a client that was closed for lagging may take to read up to the close frame."""


class StreamProtocol(WebSocketsSansIOProtocol):
    """Puts a `Wire` into the scope's extensions, and leads past all layers between, where it can.

    A conversation keeps the frames of all layers that it came through for as long as it goes on.
    """

    streams: ClassVar[Mapping[str, ASGIApp]] = {}
    """What answers at a path when nothing about a connection is unusual."""

    wire: "Wire | None" = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Wait in ways that cost an idle client less than uvicorn's."""
        super().__init__(*args, **kwargs)
        self.queue = cast("asyncio.Queue[ASGIReceiveEvent]", Inbox())
        self.writable = cast("asyncio.Event", Gate())

    def handle_connect(self, event: Request) -> None:
        """The application's task is only scheduled here, so it will see the extension."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            self.wire = Wire(self)
            scope["extensions"][EXTENSION] = self.wire
            if not self.config.proxy_headers:
                self.app = self.streams.get(scope["path"], self.app)

    def resume_writing(self) -> None:
        """The transport has room again."""
        super().resume_writing()
        if self.wire is not None:
            self.wire.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        if self.wire is not None:
            self.wire.forget()


class Wire:
    """The side door of one connection."""

    def __init__(self, protocol: StreamProtocol) -> None:
        self._protocol = protocol
        self._abort: asyncio.TimerHandle | None = None
        self.on_writable: Callable[[], None] = _nothing

    @property
    def is_writable(self) -> bool:
        """Whether a write would go out soon rather than pile up."""
        return self._protocol.writable.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be written any more."""
        protocol = self._protocol
        return protocol.close_sent or protocol.disconnected or protocol.transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """What this process still holds of the bytes written."""
        return self._protocol.transport.get_write_buffer_size()

    def write(self, frames: bytes) -> None:
        """Write whole frames; nothing happens on a closed connection."""
        if not self.is_closed:
            self._protocol.transport.write(frames)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame behind what is unsent, and hang up after a while, read or not."""
        if self.is_closed:
            return
        protocol = self._protocol
        protocol.conn.send_close(code, reason)
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))
        protocol.close_sent = True
        protocol.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if protocol.read_paused:
            protocol.read_paused = False
            protocol.transport.resume_reading()
        protocol.close_timer = protocol.loop.call_later(
            protocol.close_timeout, protocol.transport.close
        )
        self._abort = protocol.loop.call_later(LINGER_S, protocol.transport.abort)

    def forget(self) -> None:
        """Stop what waits for a connection that is gone."""
        self.on_writable = _nothing
        if self._abort is not None:
            self._abort.cancel()


def _nothing() -> None:
    """Nobody waits for room."""

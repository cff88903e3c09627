"""uvicorn's HTTP protocol with an end to its patience.

A connection has half a minute for each request, from its first byte (or the connection itself) to
the last one of its body, and a minute to take from a reply that it does not read. Otherwise a few
thousand clients that do nothing would hold all connections there are.
"""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_WITHIN_S = 30.0
READ_WITHIN_S = 60.0

_AT_ONCE = struct.pack("ii", 1, 0)
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)


class PatientProtocol(HttpToolsProtocol):
    """Waits, but not for ever."""

    _until: float = 0.0
    """When the request that is coming in must have come whole; 0 while none is."""

    _request_timer: asyncio.TimerHandle | None = None
    """Looks at `_until` when it may have come; most requests find it set, and leave it."""

    _reading_timer: asyncio.TimerHandle | None = None
    _answering: Any = None
    """The request of several at once (pipelined) that is being answered; uvicorn knows the last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that says nothing is not kept either."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._stop(self._request_timer)
        self._stop(self._reading_timer)
        self.pipeline.clear()  # what would be answered into the void
        if self._answering is not None:
            self._answering.disconnected = True
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request of several, if there is one."""
        self._answering = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._await_request()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._until = 0.0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """A stream has a patience of its own."""
        self._stop(self._request_timer)
        super().handle_websocket_upgrade()
        # Else both would keep each other as long as the stream is open.
        self.parser = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        """The client does not read as fast as it is told."""
        super().pause_writing()
        self._stop(self._reading_timer)
        self._reading_timer = self.loop.call_later(READ_WITHIN_S, self._hang_up)

    def resume_writing(self) -> None:
        """It has read."""
        self._stop(self._reading_timer)
        super().resume_writing()

    def _await_request(self) -> None:
        self._until = self.loop.time() + REQUEST_WITHIN_S
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(REQUEST_WITHIN_S, self._look)

    def _look(self) -> None:
        """Give up, or come again when it is time to."""
        self._request_timer = None
        if not self._until:
            return
        left_s = self._until - self.loop.time()
        if left_s <= 0:
            self._give_up()
        else:
            self._request_timer = self.loop.call_later(left_s, self._look)

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_TOO_SLOW)
        self.transport.close()

    def _hang_up(self) -> None:
        """Reset the connection: what lies in the kernel for the client is let go of, too."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def _stop(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()

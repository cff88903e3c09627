"""What one client has not read yet, and the bound on it.

Writing is never waited for. While the connection takes bytes, frames go straight out; else ordered
ones queue and conflated ones replace each other. Who stays more than 1,000 messages or 1 MiB behind
is closed with 4408; the buffer of the transport counts, and so does a message that a newer one
replaced before the client took anything at all.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from papertape.server.stream.waiting import Gate
from papertape.server.stream.wire import Wire

MESSAGES_BEHIND_MAX = 1_000
BYTES_BEHIND_MAX = 1024 * 1024
CLOSE_BEHIND = 4408

GRACE_S = 0.5
"""A burst is ours, not the client's: it gets this long to take what was just handed to it."""

_WRITE_BYTES = 64 * 1024
_HARD_FACTOR = 8


class Reader:
    """The outbox of one connection."""

    def __init__(self, wire: Wire, on_behind: Callable[[], None]) -> None:
        self._wire = wire
        self._on_behind = on_behind
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._latest: dict[str, bytes] = {}
        self._latest_bytes = 0
        self._replaced = 0
        self._is_closed = False
        self._check: asyncio.TimerHandle | None = None
        self._room = Gate()
        wire.on_writable = self._flush

    def send(self, frame: bytes) -> None:
        """An ordered message: never dropped, never overtaken."""
        if self._is_free():
            self._wire.write(frame)
            return
        if self._is_closed:
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        self._room.clear()
        self._watch()

    def offer(self, channel: str, frame: bytes) -> None:
        """A message that the next one of its channel may replace."""
        if self._is_free():
            self._wire.write(frame)
            return
        if self._is_closed:
            return
        before = self._latest.pop(channel, None)
        if before is not None:
            self._replaced += 1
            self._latest_bytes -= len(before)
        self._latest[channel] = frame
        self._latest_bytes += len(frame)
        self._watch()

    def forget(self, channel: str) -> None:
        """Drop what waits of a channel that the client does not want any more."""
        before = self._latest.pop(channel, None)
        if before is not None:
            self._latest_bytes -= len(before)

    async def room(self) -> None:
        """Wait until everything queued was handed to the connection.

        For whoever sends many messages on the client's own demand (catching up), so that asking
        for much does not look like reading slowly.
        """
        await self._room.wait()

    def close(self, code: int, reason: str) -> None:
        """Close behind what the transport has; what is queued here is dropped."""
        self._drop()
        self._wire.close(code, reason)

    def gone(self) -> None:
        """The connection is gone."""
        self._drop()
        self._wire.on_writable = _nothing

    @property
    def messages_behind(self) -> int:
        """Messages that the client should have had by now."""
        return len(self._queue) + len(self._latest) + self._replaced

    @property
    def bytes_behind(self) -> int:
        """Bytes held for the client, those in the transport's buffer included."""
        return self._queued_bytes + self._latest_bytes + self._wire.unsent_bytes

    def _is_free(self) -> bool:
        return not self._queue and not self._latest and self._wire.is_writable

    def _flush(self) -> None:
        """The connection takes bytes again: ordered messages first, in pieces."""
        self._replaced = 0
        while self._wire.is_writable and (self._queue or self._latest):
            self._wire.write(b"".join(self._take_piece()))
        if not self._queue:
            self._room.set()
        if self._check is not None and not self._is_behind():
            self._check.cancel()
            self._check = None

    def _take_piece(self) -> list[bytes]:
        piece: list[bytes] = []
        size = 0
        while self._queue and size < _WRITE_BYTES:
            piece.append(self._queue.popleft())
            size += len(piece[-1])
        self._queued_bytes -= size
        if not self._queue:
            piece.extend(self._latest.values())
            self._latest.clear()
            self._latest_bytes = 0
        return piece

    def _watch(self) -> None:
        """Begin the grace when the bound is passed; far beyond it there is none."""
        if self._is_behind(_HARD_FACTOR):
            self._give_up()
        elif self._check is None and self._is_behind():
            loop = asyncio.get_running_loop()
            self._check = loop.call_later(GRACE_S, self._after_grace)

    def _after_grace(self) -> None:
        self._check = None
        if self._is_behind():
            self._give_up()

    def _is_behind(self, factor: int = 1) -> bool:
        return (
            self.messages_behind > factor * MESSAGES_BEHIND_MAX
            or self.bytes_behind > factor * BYTES_BEHIND_MAX
        )

    def _give_up(self) -> None:
        self.close(CLOSE_BEHIND, "too far behind")
        self._on_behind()

    def _drop(self) -> None:
        """Nothing is kept any more: this client gets no further message."""
        self._is_closed = True
        self._queue.clear()
        self._latest.clear()
        self._queued_bytes = self._latest_bytes = self._replaced = 0
        self._room.set()
        if self._check is not None:
            self._check.cancel()
            self._check = None


def _nothing() -> None:
    """Nobody waits for room."""

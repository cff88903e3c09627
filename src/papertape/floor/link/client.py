"""A server's end of the link: `FloorPort` over ZeroMQ, one connection for everything.

A command that was handed to a floor which then died may have been committed: its caller is told
`OutcomeUnknown`. One that never left is `NotAccepted`. Nothing is sent twice; the connection comes
back by itself, on a fresh socket, so that no old message arrives late.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Self

import zmq

from papertape.floor.fan_out import FanOut
from papertape.floor.link.frames import (
    HEARTBEAT_MS,
    HEARTBEAT_TIMEOUT_MS,
    LinkAddresses,
    Request,
    decode_answers,
    decode_published,
    encode,
)
from papertape.floor.link.readable import ReadableSocket
from papertape.floor.ports import NotAccepted, OutcomeUnknown, Reply, StreamBatch
from papertape.floor.refusals import raised

PING_S = 0.25
RECONNECT_MS = 50
RECONNECT_MS_MAX = 250

_PING = encode([])
_log = logging.getLogger(__name__)


class _InFlight:
    __slots__ = ("answered", "sent_at")

    def __init__(self, answered: "asyncio.Future[Reply]", sent_at: float) -> None:
        self.answered = answered
        self.sent_at = sent_at


class FloorClient:
    """Open it on a running loop: `async with FloorClient(addresses) as floor`."""

    def __init__(
        self,
        addresses: LinkAddresses,
        *,
        in_flight_max: int = 15_000,
        answer_seconds_max: float = 15.0,
    ) -> None:
        self._addresses = addresses
        self._in_flight_max = in_flight_max
        self._answer_seconds_max = answer_seconds_max
        self._in_flight: dict[int, _InFlight] = {}
        self._outbox: list[Request] = []
        self._next_id = 0
        self._floor: str | None = None
        self._connected = asyncio.Event()
        self._heard: tuple[str, int] | None = None
        self._fan_out = FanOut()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> Self:
        """Start connecting; returns at once, `connected` tells when a floor has answered."""
        self._context = zmq.Context()
        self._connect()
        stream = self._context.socket(zmq.SUB)
        stream.setsockopt(zmq.RCVHWM, 0)
        stream.setsockopt(zmq.SUBSCRIBE, b"")
        self._settle(stream)
        stream.connect(self._addresses.stream)
        self._stream = ReadableSocket(stream, self._hear)
        self._tasks.append(asyncio.create_task(self._beat()))
        return self

    async def close(self) -> None:
        """End; whoever still waits is told that the outcome is not known."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail_all("this server is shutting down")
        self._ask.close()
        self._monitor.close()
        self._stream.close()
        self._fan_out.close()
        self._context.term()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        """Whether a floor answered and has not been lost since."""
        return self._floor is not None

    async def connected(self, seconds_max: float = 10.0) -> None:
        """Wait for a floor; raises TimeoutError."""
        await asyncio.wait_for(self._connected.wait(), seconds_max)

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        """Send one command or question and wait for its committed answer."""
        if self._floor is None:
            raise NotAccepted("the floor is not reachable: try again shortly")
        if len(self._in_flight) >= self._in_flight_max:
            raise NotAccepted("this server has too many requests in flight: try again shortly")
        loop = asyncio.get_running_loop()
        self._next_id += 1
        number = self._next_id
        answered: asyncio.Future[Reply] = loop.create_future()
        self._in_flight[number] = _InFlight(answered, time.monotonic())
        if not self._outbox:
            loop.call_soon(self._send)
        self._outbox.append(Request(number, world, command, request_id))
        return raised(await answered)

    def streams(self) -> AsyncIterator[StreamBatch]:
        """Everything published from now on; a listener that falls behind sees a `gap`."""
        return self._fan_out.listen()

    # --- the connection -------------------------------------------------------------------------

    def _connect(self) -> None:
        socket = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.IMMEDIATE, 1)  # never queue for a floor that is not there
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        self._settle(socket)
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        socket.connect(self._addresses.ask)
        self._ask = ReadableSocket(socket, self._answered)
        self._monitor = ReadableSocket(monitor, lambda _: self._lost("the floor has ended"))

    @staticmethod
    def _settle(socket: "zmq.Socket[bytes]") -> None:
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MS_MAX)

    def _lost(self, why: str) -> None:
        _log.warning("the link to the floor is lost: %s", why)
        self._floor = None
        self._connected.clear()
        self._fail_all(why)
        self._monitor.close()
        self._ask.close()
        self._connect()

    async def _beat(self) -> None:
        while True:
            self._ask.send(_PING)
            await asyncio.sleep(PING_S)
            self._give_up_late()

    def _give_up_late(self) -> None:
        oldest = time.monotonic() - self._answer_seconds_max
        late = [number for number, waiting in self._in_flight.items() if waiting.sent_at < oldest]
        for number in late:
            self._fail(number, OutcomeUnknown("the floor did not answer in time"))

    # --- messages ---------------------------------------------------------------------------------

    def _send(self) -> None:
        outbox, self._outbox = self._outbox, []
        if outbox and not self._ask.send(encode(outbox)):
            for request in outbox:
                self._fail(request.id, NotAccepted("the floor is not reachable"))

    def _answered(self, message: list[bytes]) -> None:
        answers = decode_answers(message[0])
        if answers.floor != self._floor:
            self._found(answers.floor)
        for answer in answers.answers:
            waiting = self._in_flight.pop(answer.id, None)
            if waiting is not None and not waiting.answered.done():
                waiting.answered.set_result(Reply(answer.outcome, answer.body))

    def _found(self, floor: str) -> None:
        if self._floor is not None:
            self._fail_all("another floor has taken its place")
        self._floor = floor
        self._connected.set()

    def _hear(self, message: list[bytes]) -> None:
        published = decode_published(message[0])
        place = (published.floor, published.number)
        expected = (self._heard[0], self._heard[1] + 1) if self._heard else None
        self._heard = place
        if place == expected:
            self._fan_out.tell(published.batch)
        else:
            batch = published.batch
            self._fan_out.tell(StreamBatch(batch.private, batch.market, gap=True))

    def _fail_all(self, why: str) -> None:
        unsent = {request.id for request in self._outbox}
        self._outbox.clear()
        for number in list(self._in_flight):
            if number in unsent:
                self._fail(number, NotAccepted(why))
            else:
                detail = f"{why}: repeat with the same request id to learn the truth"
                self._fail(number, OutcomeUnknown(detail))

    def _fail(self, number: int, error: Exception) -> None:
        waiting = self._in_flight.pop(number, None)
        if waiting is not None and not waiting.answered.done():
            waiting.answered.set_exception(error)

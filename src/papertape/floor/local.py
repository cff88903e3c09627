"""The floor in this process: the same port and the same loop, on a thread, without sockets.

For tests and small tools. The product runs the floor as a process of its own, because a writer
thread starves beside a busy server.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from typing import Self

from papertape.floor.fan_out import FanOut
from papertape.floor.loop import FloorLoop
from papertape.floor.ports import Asked, Link, NotAccepted, Reply, StreamBatch
from papertape.floor.refusals import raised

MakeFloor = Callable[[Link], FloorLoop]


class LocalLink:
    """The floor's end: a queue instead of a socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fan_out: FanOut) -> None:
        self._loop = loop
        self._fan_out = fan_out
        self._asked: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._answers: list[tuple[asyncio.Future[Reply], Reply]] = []

    def put(self, asked: Asked) -> None:
        """Hand a command to the floor; called on the asyncio loop's thread."""
        self._asked.put(asked)

    def wake(self) -> None:
        """End a wait in `receive`; called on any thread."""
        self._asked.put(None)

    def receive(self, timeout_s: float) -> list[Asked]:
        """What has come in; waits only when nothing has."""
        received: list[Asked | None] = []
        try:
            received.append(self._asked.get(timeout_s > 0, timeout_s or None))
            while len(received) < 500:
                received.append(self._asked.get(False))
        except queue.Empty:
            pass
        return [asked for asked in received if asked is not None]

    def answer(self, ticket: object, reply: Reply) -> None:
        """Take a reply; it leaves at the next `flush`."""
        assert isinstance(ticket, asyncio.Future)
        self._answers.append((ticket, reply))

    def publish(self, batch: StreamBatch) -> None:
        """Tell all listeners."""
        self._call(self._fan_out.tell, batch)

    def flush(self) -> None:
        """Send the replies taken since the last time."""
        if self._answers:
            answers, self._answers = self._answers, []
            self._call(_settle, answers)

    def close(self) -> None:
        """Refuse what came too late."""
        for asked in self.receive(0.0):
            self.answer(asked.ticket, Reply("not_accepted", b'{"detail":"the floor has ended"}'))
        self.flush()

    def _call(self, function: Callable[..., None], *values: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *values)


class LocalFloor:
    """`async with LocalFloor(make) as floor`, where `make(link)` builds the loop on its thread."""

    def __init__(self, make: MakeFloor) -> None:
        self._make = make
        self._fan_out = FanOut()
        self._thread: threading.Thread | None = None
        self._floor: FloorLoop | None = None
        self.error: BaseException | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._link = LocalLink(loop, self._fan_out)
        self._floor = await asyncio.to_thread(self._make, self._link)
        self._thread = threading.Thread(target=self._run, name="floor", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._floor is not None
        assert self._thread is not None
        self._floor.stop()
        self._link.wake()
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)
        self._fan_out.close()

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        """Send one command or question and wait for its committed answer."""
        if self._thread is None or not self._thread.is_alive():
            raise NotAccepted("the floor has ended")
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._link.put(Asked(answered, world, command, request_id))
        return raised(await answered)

    def streams(self) -> AsyncIterator[StreamBatch]:
        """Everything published from now on."""
        return self._fan_out.listen()

    def _run(self) -> None:
        assert self._floor is not None
        try:
            self._floor.run()
        except Exception as error:  # noqa: BLE001 - kept for whoever asks why the floor ended
            self.error = error


def _settle(answers: list[tuple["asyncio.Future[Reply]", Reply]]) -> None:
    for answered, reply in answers:
        if not answered.done():
            answered.set_result(reply)

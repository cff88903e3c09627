"""Hands each published batch to all who listen in this process; nobody is waited for."""

import asyncio
from collections.abc import AsyncIterator

from papertape.floor.ports import StreamBatch

WAITING_MAX = 5_000


class FanOut:
    """Listeners on one asyncio loop; one that is too slow loses batches and sees a `gap`."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    def listen(self) -> AsyncIterator[StreamBatch]:
        """Everything told from now on, until closed."""
        listener = _Listener()
        self._listeners.add(listener)
        return self._until_closed(listener)

    async def _until_closed(self, listener: "_Listener") -> AsyncIterator[StreamBatch]:
        try:
            while (batch := await listener.next()) is not None:
                yield batch
        finally:
            self._listeners.discard(listener)

    def tell(self, batch: StreamBatch) -> None:
        """Hand a batch to every listener; one without content only when it says `gap`."""
        if batch.private or batch.market or batch.gap:
            for listener in self._listeners:
                listener.put(batch)

    def close(self) -> None:
        """End every listener's iteration."""
        for listener in self._listeners:
            listener.end()


class _Listener:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[StreamBatch | None] = asyncio.Queue()
        self._missed = False

    def put(self, batch: StreamBatch) -> None:
        if self._queue.qsize() >= WAITING_MAX:
            self._missed = True
            return
        if self._missed:
            self._missed = False
            batch = StreamBatch(batch.private, batch.market, gap=True)
        self._queue.put_nowait(batch)

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def next(self) -> StreamBatch | None:
        return await self._queue.get()

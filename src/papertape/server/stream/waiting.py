"""What a connection waits with, for thousands of connections that mostly wait.

`asyncio.Queue` makes four deques and `asyncio.Event` one, of 760 bytes each, before anything is in
them: 5 kB of each idle client. These make nothing before somebody has to wait.
"""

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A queue with one reader; `put_nowait`, `get` and `empty` as of `asyncio.Queue`."""

    __slots__ = ("_arrived", "_items")

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._arrived: asyncio.Future[None] | None = None

    def put_nowait(self, item: Item) -> None:
        """Add an item behind the others."""
        self._items.append(item)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def empty(self) -> bool:
        """Whether `get` would wait."""
        return not self._items

    async def get(self) -> Item:
        """Take the oldest item, waiting for one; raises `RuntimeError` when another waits too."""
        if self._arrived is not None:
            raise RuntimeError("an inbox has one reader, and that one waits already")
        while not self._items:
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        return self._items.pop(0)


class Gate:
    """An `asyncio.Event` that is set at first, and costs nothing while it is."""

    __slots__ = ("_opened",)

    def __init__(self) -> None:
        self._opened: asyncio.Event | None = None

    def is_set(self) -> bool:
        """Whether `wait` returns at once."""
        return self._opened is None

    def set(self) -> None:
        """Let everybody through who waits, and who comes."""
        if self._opened is not None:
            self._opened.set()
            self._opened = None

    def clear(self) -> None:
        """Let nobody through from now on."""
        if self._opened is None:
            self._opened = asyncio.Event()

    async def wait(self) -> None:
        """Return as soon as the gate opens; at once while it is open."""
        if self._opened is not None:
            await self._opened.wait()

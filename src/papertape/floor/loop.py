"""The floor itself: all its worlds on one thread, fed by one link.

Nothing here waits for a client. A world's batch is one step; between two steps the link is read, so
what arrives while a batch is written is the next batch.
"""

import logging
import threading
from collections.abc import Iterable

from papertape.floor.ports import Link
from papertape.floor.queue import refusal
from papertape.floor.world_loop import WorldLoop

IDLE_MAX_S = 0.25

_log = logging.getLogger(__name__)


class FloorLoop:
    """Runs worlds until `stop` is called; then finishes what waits."""

    def __init__(self, link: Link, worlds: Iterable[WorldLoop]) -> None:
        self._link = link
        self._worlds = {world.world_id: world for world in worlds}
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the present batch; may be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Run until stopped. Whatever a world cannot survive ends the floor, on purpose."""
        try:
            while not self._stopping.is_set():
                self._round(self._idle_s())
            self._round(0.0)
            for world in self._worlds.values():
                world.end()
        finally:
            self._link.flush()
            self._link.close()

    def _round(self, timeout_s: float) -> None:
        for asked in self._link.receive(timeout_s):
            world = self._worlds.get(asked.world)
            if world is None:
                detail = f"there is no world {asked.world!r} on this floor"
                self._link.answer(asked.ticket, refusal("not_found", "unknown_world", detail))
            else:
                world.offer(asked.ticket, asked.command, asked.request_id)
        for world in self._worlds.values():
            world.step()
        self._link.flush()

    def _idle_s(self) -> float:
        return min((world.idle_s() for world in self._worlds.values()), default=IDLE_MAX_S)

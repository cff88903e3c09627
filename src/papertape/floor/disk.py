"""Room on the disk of the data folder: new orders stop while there is still some for cancels.

A disk that is full to the last byte lets nobody cancel anything. So what makes the tape grow is
refused before that, and what only ends things is still taken.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

LOW_SHARE = 0.05
AGAIN_SHARE = 0.06
PLENTY_BYTES = 2 * 1024**3
"""So much is enough, whatever share of a large disk it is."""

LOOK_S = 1.0

_log = logging.getLogger(__name__)


class DiskRoom:
    """Looks at a disk once a second. `room_of` gives its free and its whole bytes."""

    def __init__(
        self,
        folder: Path,
        room_of: Callable[[Path], tuple[int, int]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._room_of = room_of or room_of_disk
        self._now = now
        self._next_look = 0.0
        self._low = False

    def is_low(self) -> bool:
        """Whether new orders must wait; says so once in the log when it changes."""
        if self._now() >= self._next_look:
            self._next_look = self._now() + LOOK_S
            self._look()
        return self._low

    def _look(self) -> None:
        free, whole = self._room_of(self._folder)
        least = AGAIN_SHARE if self._low else LOW_SHARE
        low = free < whole * least and free < PLENTY_BYTES
        if low != self._low:
            self._low = low
            if low:
                _log.critical("disk_low: %d bytes left; new orders are refused", free)
            else:
                _log.warning("disk_low is over; new orders are taken again")


def room_of_disk(folder: Path) -> tuple[int, int]:
    """Free bytes, as this user may take them, and all bytes of the disk of a folder."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

"""The follower: reads the committed tape behind the floor, checks it, and takes the snapshots.

It evolves every committed turn in a world of its own, at low priority; at each checkpoint that the
floor left, the engine compares the two states. So a difference between what the floor decided and
what the tape says is found within a minute, by somebody who has only the tape. It writes nothing
but snapshot files, and none of a world that disagrees.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from papertape.domain.errors import StorageUnavailableError, TapeBrokenError
from papertape.floor.loading import Loaded, check_rows, chunks, evolve, load_world
from papertape.floor.process import DATABASE, EXIT_FINAL, SNAPSHOTS
from papertape.storage.bodies import open_tape_reader
from papertape.storage.place import Place
from papertape.storage.snapshots import Snapshot, SnapshotFolder

if TYPE_CHECKING:
    from papertape.storage.bodies import AnyTapeReader

TURNS_BETWEEN_SNAPSHOTS = 5_000
PAUSE_S = 30.0
NICENESS = 15
START_PAUSE_S = 0.2

_log = logging.getLogger(__name__)


def run_follower(
    *,
    data_dir: Path,
    worlds: Sequence[str],
    place: Place | None = None,
    ready: Callable[[], None] = lambda: None,
    pause_s: float = PAUSE_S,
    turns_between: int = TURNS_BETWEEN_SNAPSHOTS,
) -> int:
    """Follow worlds until SIGTERM; returns the exit code.

    `place` is where the tape is when it is not in the data folder. While it is away, the follower
    waits: whatever it knows stays right, since a tape only grows.
    """
    ending = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    os.nice(NICENESS)
    reader = open_tape_reader(place or data_dir / DATABASE)
    snapshots = SnapshotFolder(data_dir / SNAPSHOTS)
    followed = [Follower(world, reader, snapshots, turns_between) for world in worlds]
    ready()
    try:
        while not _is_ready(reader) and not ending.wait(START_PAUSE_S):
            pass
        while not ending.is_set():
            _catch_up(followed)
            ending.wait(pause_s)
    except TapeBrokenError as error:
        _log.critical("%s", error)
        return EXIT_FINAL
    finally:
        reader.close()
    return 0


def _is_ready(reader: "AnyTapeReader") -> bool:
    try:
        return reader.is_ready()
    except StorageUnavailableError:
        return False


def _catch_up(followed: "Sequence[Follower]") -> None:
    try:
        for follower in followed:
            follower.catch_up()
    except StorageUnavailableError as error:
        _log.warning("the tape cannot be read now: %s", error)


class Follower:
    """Follows one world."""

    def __init__(
        self,
        world_id: str,
        reader: "AnyTapeReader",
        snapshots: SnapshotFolder,
        turns_between: int = TURNS_BETWEEN_SNAPSHOTS,
    ) -> None:
        self._world_id = world_id
        self._reader = reader
        self._snapshots = snapshots
        self._turns_between = turns_between
        self._at: Loaded | None = None

    def catch_up(self) -> None:
        """Evolve what was committed since the last time; write a snapshot when that was much."""
        with self._reader.one_moment():
            self._evolve_tail()
        if self._at and self._at.world.seq - self._at.snapshot_seq >= self._turns_between:
            self._write_snapshot(self._at)

    def _evolve_tail(self) -> None:
        head = self._reader.head(self._world_id)
        if head is None:
            return
        if self._at is None:
            self._at = load_world(self._world_id, head, self._reader, self._snapshots)
        world, previous = self._at.world, self._at.hash
        for rows in chunks(self._reader.tail(self._world_id, world.seq)):
            previous = check_rows(self._world_id, world.seq, previous, rows)
            evolve(self._world_id, world, rows)
            self._at = Loaded(world, previous, self._at.snapshot_seq)

    def _write_snapshot(self, at: Loaded) -> None:
        snapshot = Snapshot(
            self._world_id, at.world.seq, at.hash, at.world.state_hash(), at.world.snapshot()
        )
        path = self._snapshots.write(snapshot)
        _log.info("snapshot %s (%d bytes)", path.name, len(snapshot.data))
        self._at = Loaded(at.world, at.hash, snapshot.seq)

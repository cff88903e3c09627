"""Brings a world into memory: the newest good snapshot, then the rest of the tape.

Start, restart after a crash, reload after a failed commit, follower: all come through here. Every
row is checked while it passes: no gap, no broken hash, and the end is where `world_head` says. A
contradiction is a `TapeBrokenError`; nothing is repaired or skipped.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from papertape.domain.errors import TapeBrokenError
from papertape.domain.tape import GENESIS_HASH, TapeHead, TapeRow, turn_hash
from papertape.engine import TapeError, World
from papertape.storage.snapshots import Snapshot, SnapshotFolder

CHUNK = 2_000

_log = logging.getLogger(__name__)


class Tape(Protocol):
    """The part of the storage that loading reads."""

    def tail(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows behind `after_seq`, in order."""
        ...

    def row(self, world: str, seq: int) -> TapeRow | None:
        """One row of the tape."""
        ...


@dataclass(frozen=True)
class Loaded:
    """A world as of the row whose hash is `hash`, and the turn its snapshot was taken at."""

    world: World
    hash: str
    snapshot_seq: int


def load_world(world_id: str, head: TapeHead, tape: Tape, snapshots: SnapshotFolder) -> Loaded:
    """The world as of `head`; raises `TapeBrokenError` when the tape does not lead there."""
    start = _from_snapshot(world_id, head, tape, snapshots)
    world, previous = start.world, start.hash
    for rows in chunks(tape.tail(world_id, start.snapshot_seq)):
        previous = check_rows(world_id, world.seq, previous, rows)
        evolve(world_id, world, rows)
    if (world.seq, previous) != (head.seq, head.hash):
        raise TapeBrokenError(
            world_id,
            min(world.seq, head.seq) + 1,
            "world_head",
            f"the tape ends at {world.seq} ({previous[:12]}), "
            f"its head says {head.seq} ({head.hash[:12]})",
        )
    return Loaded(world, previous, start.snapshot_seq)


def evolve(world_id: str, world: World, rows: list[TapeRow]) -> None:
    """Let the world evolve by rows that were checked; their read-model rows are not needed."""
    try:
        world.evolve([row.turn for row in rows])
    except TapeError as error:
        raise TapeBrokenError(world_id, error.seq, "tape", error.why) from error


def check_rows(world_id: str, seq: int, previous: str, rows: list[TapeRow]) -> str:
    """The last hash of rows that must follow `seq` without a gap and hash over `previous`."""
    for expected, row in enumerate(rows, seq + 1):
        if row.seq != expected:
            raise TapeBrokenError(world_id, expected, "tape", f"the next row is {row.seq}")
        previous = turn_hash(previous, world_id, row.turn)
        if row.hash != previous:
            raise TapeBrokenError(world_id, row.seq, "tape", "its hash is not that of its columns")
    return previous


def chunks(rows: Iterable[TapeRow]) -> Iterator[list[TapeRow]]:
    """Rows in lists of a bounded size."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _from_snapshot(world_id: str, head: TapeHead, tape: Tape, snapshots: SnapshotFolder) -> Loaded:
    for snapshot in snapshots.good(world_id):
        world = restore(snapshot, head, tape)
        if world is not None:
            return Loaded(world, snapshot.hash, snapshot.seq)
    return Loaded(World(world_id), GENESIS_HASH, 0)


def restore(snapshot: Snapshot, head: TapeHead, tape: Tape) -> World | None:
    """The world of a snapshot, or None when it does not belong to this tape or this engine."""
    row = tape.row(snapshot.world, snapshot.seq)
    if snapshot.seq > head.seq or row is None or row.hash != snapshot.hash:
        _log.warning("snapshot %s-%d is of another tape", snapshot.world, snapshot.seq)
        return None
    try:
        world = World.restore(snapshot.data)
    except ValueError as error:
        _log.warning("snapshot %s-%d is not readable: %s", snapshot.world, snapshot.seq, error)
        return None
    if world.seq != snapshot.seq or world.state_hash() != snapshot.state_hash:
        _log.warning("snapshot %s-%d does not restore what it says", snapshot.world, snapshot.seq)
        return None
    return world

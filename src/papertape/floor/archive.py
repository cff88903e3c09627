"""Moves old turns of a stopped product from the tape into sealed segments.

What moves lies behind the oldest snapshot that is kept, so that no start needs it; turn 1 stays,
since it says how the world was made. The tape is checked on the way: every hash, and the tail by an
engine that takes a snapshot at its end. Turns leave the tape only when their segment is on the disk
and was read again: whenever this is cut off, each turn is in one place at least.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from papertape.domain.tape import TapeRow
from papertape.floor.follower import Follower
from papertape.floor.loading import check_rows
from papertape.floor.process import DATABASE, SNAPSHOTS
from papertape.storage.bodies import open_tape_cutter
from papertape.storage.lock import DataFolderLock
from papertape.storage.place import Place
from papertape.storage.schema import HEAD_REVISION
from papertape.storage.segments import SEGMENTS, TURNS_PER_SEGMENT, SegmentFolder
from papertape.storage.snapshots import Snapshot, SnapshotFolder

if TYPE_CHECKING:
    from papertape.storage.bodies import AnyTapeCutter

FIRST_TURN_ARCHIVED: Final = 2


class ArchiveRefusedError(Exception):
    """Nothing can be archived; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What was moved of one world; its tape, behind turn 1, goes on at `next_seq`."""

    world: str
    turns: int
    segments: int
    next_seq: int


def archive(
    data_dir: Path, turns_per_segment: int = TURNS_PER_SEGMENT, place: Place | None = None
) -> list[Archived]:
    """Move what can be moved, of every world. `place` is where the tape is, if not in the folder.

    Raises `DataFolderBusyError` while a product runs, `ArchiveRefusedError` without a database of
    this release, `TapeBrokenError` for a tape that contradicts itself, of which nothing is moved.
    """
    where = place or data_dir / DATABASE
    if isinstance(where, Path) and not where.exists():
        raise ArchiveRefusedError(f"there is no {DATABASE} in {data_dir}")
    with DataFolderLock(data_dir), closing(open_tape_cutter(where)) as cutter:
        if cutter.revision() != HEAD_REVISION:
            raise ArchiveRefusedError(
                f"the database has schema {cutter.revision()}, this release has {HEAD_REVISION}: "
                "start the product of this release on it once"
            )
        for world in cutter.worlds():
            cutter.hold(world)
        done = [_archive(world, data_dir, cutter, turns_per_segment) for world in cutter.worlds()]
        if any(one.turns for one in done):
            cutter.give_back_room()
        return done


def _archive(world: str, data_dir: Path, cutter: "AnyTapeCutter", at_once: int) -> Archived:
    snapshots, segments = SnapshotFolder(data_dir / SNAPSHOTS), SegmentFolder(data_dir / SEGMENTS)
    Follower(world, cutter, snapshots, turns_between=1).catch_up()
    kept = [snapshot.seq for snapshot in snapshots.good(world) if _is_of(cutter, snapshot)]
    first, end = cutter.first_behind(world, FIRST_TURN_ARCHIVED), min(kept, default=0)
    if first is None or first >= end:
        return Archived(world, 0, 0, first or FIRST_TURN_ARCHIVED)
    before = next(iter(cutter.tail(world, first - 2)))
    written = []
    for rows in _pieces(cutter, world, first, end, at_once):
        check_rows(world, rows[0].seq - 1, before.hash, rows)
        written.append(segments.write(rows, before.hash))
        before = rows[-1]
    segments.drop_from(world, first, [segment.name for segment in written])
    cutter.cut(world, first, end)
    return Archived(world, end - first, len(written), end)


def _is_of(cutter: "AnyTapeCutter", snapshot: Snapshot) -> bool:
    row = cutter.row(snapshot.world, snapshot.seq)
    return row is not None and row.hash == snapshot.hash


def _pieces(
    cutter: "AnyTapeCutter", world: str, first: int, end: int, at_once: int
) -> Iterator[list[TapeRow]]:
    """The turns from `first` up to before `end`, in lists for a segment each."""
    rows = iter(cutter.tail(world, first - 1))
    while first < end and (piece := list(islice(rows, min(at_once, end - first)))):
        first += len(piece)
        yield piece

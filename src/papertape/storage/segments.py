"""Sealed segments: old turns of the tape in compressed files, written once.

A segment is one line of JSON (what it is, and a SHA-256 over all of it), then its packed turns.
Their hashes are not stored: they are computed from the hash of the turn before, and the last one is
in the first line. So a changed byte is found by the file itself, and a file that was made anew by
the next turn, whose hash follows from the segment's end.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from papertape.domain.errors import TapeBrokenError
from papertape.domain.tape import TapeRow, Turn, turn_hash
from papertape.storage.place import Place

FORM: Final = 1
SEGMENTS: Final = "segments"
TURNS_PER_SEGMENT: Final = 50_000

_NAME = re.compile(r"(?P<world>[a-z0-9-]{1,40})-(?P<first>\d{12})-(?P<last>\d{12})\.segment")
_TURN = msgspec.json.Decoder(tuple[int, int, int, str])


class SegmentError(Exception):
    """The file is not a whole segment; the text says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment says of itself: the turns `first` to `last`, and the hashes around them."""

    world: str
    first: int
    last: int
    previous: str
    hash: str
    bytes: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.world}-{self.first:012d}-{self.last:012d}.segment"


class SegmentFolder:
    """The segments of all worlds of a data folder; there need not be any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, place: Place) -> Self:
        """The segments of the tape at a place; none where it has no folder."""
        data_dir = place.parent if isinstance(place, Path) else place.data_dir
        return cls((data_dir or Path(os.devnull)) / SEGMENTS)

    def write(self, rows: Sequence[TapeRow], previous: str) -> Segment:
        """Seal turns that follow each other behind the hash `previous`; there whole or not at all.

        The file is read again before it counts. Raises `SegmentError` when that fails.
        """
        import pyarrow as pa

        content = b"\n".join(msgspec.json.encode(row.turn) for row in rows)
        segment = Segment(
            rows[0].world, rows[0].seq, rows[-1].seq, previous, rows[-1].hash, len(content)
        )
        packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
        head = {"v": FORM, **asdict(segment), "sha256": _digest(segment, packed)}
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / segment.name
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + packed)
            file.flush()
            os.fsync(file.fileno())
        if [*read_segment(unfinished)[1]] != [*rows]:
            raise SegmentError(f"{unfinished} does not hold what was written")
        unfinished.rename(path)
        _sync_folder(self._folder)
        return segment

    def files(self, world: str) -> list[tuple[int, int, Path]]:
        """First turn, last turn and file of each segment of a world, the oldest first."""
        named = [(path, _NAME.fullmatch(path.name)) for path in self._folder.glob("*.segment")]
        return sorted(
            (int(match["first"]), int(match["last"]), path)
            for path, match in named
            if match is not None and match["world"] == world
        )

    def rows(self, world: str, first: int, last: int) -> Iterator[TapeRow]:
        """The turns from `first` to `last` that are sealed; raises `TapeBrokenError`."""
        for begin, end, path in self.files(world):
            if end < first or begin > last:
                continue
            for row in self._checked(path, begin):
                if first <= row.seq <= last:
                    first = row.seq + 1
                    yield row

    def filling(self, world: str, after_seq: int, kept: Iterable[TapeRow]) -> Iterator[TapeRow]:
        """The rows of the table behind `after_seq`, with what is sealed where it has a hole."""
        before = max(after_seq, 0)
        for row in kept:
            if isinstance(row.seq, int):
                if row.seq > before + 1:
                    yield from self.rows(world, before + 1, row.seq - 1)
                before = row.seq
            yield row

    def _checked(self, path: Path, first: int) -> Iterator[TapeRow]:
        try:
            yield from read_segment(path)[1]
        except (SegmentError, OSError) as error:
            world = path.name.rpartition("-")[0].rpartition("-")[0]
            raise TapeBrokenError(world, first, SEGMENTS, f"{path.name}: {error}") from error

    def drop_from(self, world: str, first: int, but: Sequence[str]) -> None:
        """Remove segments that begin at a turn or later, which an archive left that was cut off."""
        for begin, _, path in self.files(world):
            if begin >= first and path.name not in but:
                path.unlink()


def read_segment(path: Path) -> tuple[Segment, Iterator[TapeRow]]:
    """A segment, and its turns; raises `SegmentError`, also while they are iterated."""
    head_line, newline, packed = path.read_bytes().partition(b"\n")
    try:
        head = json.loads(head_line)
        form, expected = head.pop("v"), head.pop("sha256")
        segment = Segment(**head)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SegmentError("its first line is damaged") from error
    if form != FORM or not newline:
        raise SegmentError(f"it has form {form}, this release reads {FORM}")
    if expected != _digest(segment, packed):
        raise SegmentError("its content does not match its SHA-256")
    if path.suffix == ".segment" and path.name != segment.name:
        raise SegmentError(f"it holds {segment.name}")
    return segment, _rows(segment, packed)


def _rows(segment: Segment, packed: bytes) -> Iterator[TapeRow]:
    import pyarrow as pa

    try:
        content: bytes = pa.decompress(
            packed, decompressed_size=segment.bytes, codec="zstd", asbytes=True
        )
        turns: list[Turn] = [_TURN.decode(line) for line in content.split(b"\n")]
    except (OSError, ValueError, msgspec.MsgspecError, pa.ArrowException) as error:
        raise SegmentError(f"its turns cannot be read: {error}") from error
    previous = segment.previous
    for expected, turn in enumerate(turns, segment.first):
        if turn[0] != expected:
            raise SegmentError(f"turn {expected} is missing: the next is {turn[0]}")
        previous = turn_hash(previous, segment.world, turn)
        yield TapeRow(segment.world, *turn, previous)
    if previous != segment.hash:
        raise SegmentError("its turns do not lead to the hash of its end")


def _digest(segment: Segment, packed: bytes) -> str:
    said = json.dumps(asdict(segment), sort_keys=True)
    return hashlib.sha256(said.encode() + b"\n" + packed).hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

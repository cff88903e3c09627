"""Snapshot files: a world's durable state at one turn, so that a start need not read all the tape.

A file is one line of JSON (what it is, and a SHA-256 over all of it) and then the engine's bytes.
It is written beside its place, synced and renamed: a half-written one is never seen. A snapshot
is no truth: a damaged or foreign file is passed over with a warning, and the tape is read instead.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FORM = 1
KEPT = 2

_NAME = re.compile(r"(?P<world>[a-z0-9-]{1,40})-(?P<seq>\d{12})\.snapshot")

_log = logging.getLogger(__name__)


class SnapshotError(Exception):
    """The file is not a whole snapshot; the text says why."""


@dataclass(frozen=True)
class Snapshot:
    """The durable state of `world` after turn `seq`, whose row on the tape has `hash`."""

    world: str
    seq: int
    hash: str
    state_hash: str
    data: bytes


class SnapshotFolder:
    """The snapshot files of all worlds of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, snapshot: Snapshot) -> Path:
        """Write a snapshot so that after a crash it is there whole or not at all; drop old ones."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{snapshot.world}-{snapshot.seq:012d}.snapshot"
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(_encode(snapshot))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_folder(self._folder)
        for old in self.files(snapshot.world)[KEPT:]:
            old.unlink(missing_ok=True)
        return path

    def files(self, world: str | None = None) -> list[Path]:
        """The snapshot files of a world (of all: None), newest first."""
        named = [(path, _NAME.fullmatch(path.name)) for path in self._folder.glob("*.snapshot")]
        found = [(path, match) for path, match in named if match]
        mine = [(p, m) for p, m in found if world is None or m["world"] == world]
        mine.sort(key=lambda pair: int(pair[1]["seq"]), reverse=True)
        return [path for path, _ in mine]

    def good(self, world: str) -> Iterator[Snapshot]:
        """The readable snapshots of a world, newest first; damaged ones are warned about."""
        for path in self.files(world):
            try:
                snapshot = read_snapshot(path)
            except (SnapshotError, OSError) as error:
                _log.warning("snapshot %s is passed over: %s", path.name, error)
                continue
            yield snapshot


def read_snapshot(path: Path) -> Snapshot:
    """Read and check one file; SnapshotError says what is wrong with it."""
    head_line, newline, data = path.read_bytes().partition(b"\n")
    try:
        head = json.loads(head_line)
        expected = head.pop("sha256")
        form = head.pop("v")
        snapshot = Snapshot(**head, data=data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError("its first line is damaged") from error
    if form != FORM or not newline:
        raise SnapshotError(f"it has form {form}, this release reads {FORM}")
    if expected != _digest(snapshot):
        raise SnapshotError("its content does not match its SHA-256")
    if path.name != f"{snapshot.world}-{snapshot.seq:012d}.snapshot":
        raise SnapshotError(f"it holds world {snapshot.world} at {snapshot.seq}")
    return snapshot


def _encode(snapshot: Snapshot) -> bytes:
    head = {"v": FORM} | asdict(snapshot) | {"sha256": _digest(snapshot)}
    del head["data"]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + snapshot.data


def _digest(snapshot: Snapshot) -> str:
    start = f"{snapshot.world}|{snapshot.seq}|{snapshot.hash}|{snapshot.state_hash}|"
    return hashlib.sha256(start.encode() + snapshot.data).hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Proves a stopped product: everything kept is recomputed from the tape and compared.

For each world: every hash and the order of the turns, the end against `world_head`, each checkpoint
and each snapshot file against a fresh engine that evolves the tape, and every cell of every read
model, in both directions, against a rebuild by the writer that commits use. Memory stays bounded;
the rebuild is a temporary database. Nothing is changed or repaired.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from papertape.domain.errors import StorageUnavailableError, TapeBrokenError
from papertape.domain.tape import GENESIS_HASH, TapeRow, turn_hash
from papertape.engine import EnginePanic, TapeError, World
from papertape.floor.findings import Finding, Findings
from papertape.floor.loading import chunks
from papertape.floor.process import DATABASE, SNAPSHOTS
from papertape.floor.rebuild import Rebuild, differences
from papertape.storage.bodies import open_tape_reader
from papertape.storage.lock import DataFolderLock
from papertape.storage.place import Place
from papertape.storage.schema import HEAD_REVISION
from papertape.storage.snapshots import Snapshot, SnapshotError, SnapshotFolder, read_snapshot

if TYPE_CHECKING:
    from papertape.storage.bodies import AnyTapeReader

__all__ = ["Finding", "VerifyRefusedError", "verify"]

FILE = "(file)"
_ROW_TYPES = (str, int, int, int, str, str)


class VerifyRefusedError(Exception):
    """There is nothing that could be verified; the text says why and what to do."""


def verify(data_dir: Path, place: Place | None = None) -> list[Finding]:
    """What is wrong with a product; an empty list says that all of it follows from its tape.

    `place` is where the tape is when it is not in the data folder. Raises `DataFolderBusyError`
    while a product runs on it, `VerifyRefusedError` when there is no database of this release.
    """
    where = place or data_dir / DATABASE
    if isinstance(where, Path) and not where.exists():
        raise VerifyRefusedError(f"there is no {DATABASE} in {data_dir}")
    with DataFolderLock(data_dir):
        return _verify(where, data_dir / SNAPSHOTS)


def _verify(place: Place, snapshots: Path) -> list[Finding]:
    findings = Findings()
    try:
        with closing(open_tape_reader(place)) as reader:
            _check_schema(reader)
            for problem in reader.damage():
                findings.add(Finding("", 0, FILE, problem))
            for world_id in reader.worlds():
                reader.hold(world_id)
            _verify_rows(reader, SnapshotFolder(snapshots), findings)
    except (sqlite3.DatabaseError, DatabaseError, UnicodeDecodeError) as error:
        reason = getattr(error, "orig", None) or error
        findings.add(Finding("", 0, FILE, f"SQLite cannot read on: {reason}"))
    except StorageUnavailableError as error:
        findings.add(Finding("", 0, FILE, f"PostgreSQL cannot read on: {error}"))
    return findings.all()


def _verify_rows(reader: "AnyTapeReader", snapshots: SnapshotFolder, findings: Findings) -> None:
    reader.read_damaged_text()
    with (
        reader.one_moment(),
        tempfile.TemporaryDirectory() as folder,
        closing(Rebuild(Path(folder) / "rebuilt.db")) as rebuilt,
    ):
        _verify_worlds(reader, rebuilt, snapshots, findings)


def _check_schema(reader: "AnyTapeReader") -> None:
    found = reader.revision()
    if found != HEAD_REVISION:
        raise VerifyRefusedError(
            f"the database has schema {found}, this release verifies {HEAD_REVISION}: "
            "start the product of this release on it once"
        )


def _verify_worlds(
    reader: "AnyTapeReader", rebuilt: Rebuild, snapshots: SnapshotFolder, findings: Findings
) -> None:
    whole = set()
    for world_id in reader.worlds():
        kept = _readable_snapshots(snapshots, world_id, findings)
        if _WorldCheck(world_id, reader, rebuilt, kept, findings).run():
            whole.add(world_id)
    known = set(reader.worlds())
    for finding in differences(reader, rebuilt):
        if finding.world in whole or finding.world not in known:
            findings.add(finding)


def _readable_snapshots(
    snapshots: SnapshotFolder, world_id: str, findings: Findings
) -> dict[int, Snapshot]:
    readable = {}
    for path in snapshots.files(world_id):
        try:
            snapshot = read_snapshot(path)
        except (SnapshotError, OSError) as error:
            seq = int(path.stem.rpartition("-")[2])
            findings.add(Finding(world_id, seq, "snapshots", f"{path.name}: {error}"))
        else:
            readable[snapshot.seq] = snapshot
    return readable


class _WorldCheck:
    """Walks one world's tape once: hashes, evolution, checkpoints, snapshots, rebuild, head."""

    def __init__(
        self,
        world_id: str,
        reader: "AnyTapeReader",
        rebuilt: Rebuild,
        snapshots: dict[int, Snapshot],
        findings: Findings,
    ) -> None:
        self._world_id = world_id
        self._reader = reader
        self._rebuilt = rebuilt
        self._snapshots = snapshots
        self._findings = findings
        self._world = self._fresh_world()
        self._seq = 0
        self._hash = GENESIS_HASH

    def _fresh_world(self) -> World | None:
        try:
            return World(self._world_id)
        except (TypeError, ValueError) as error:
            self._report(0, "tape", f"no world is called so: {error}")
            return None

    def run(self) -> bool:
        """Whether the whole tape could be evolved, so that its read models can be compared."""
        try:
            for rows in chunks(self._reader.tail(self._world_id, -(2**63) + 1)):
                for row in rows:
                    self._check_row(row)
                for part in self._parts(rows):
                    self._evolve(part)
                self._rebuilt.commit()
        except TapeBrokenError as error:  # a segment: what lies behind it hangs in the air
            self._report(error.seq, error.table, error.why)
            self._world = None
            return False
        self._check_head()
        for seq in self._snapshots:
            self._report(seq, "snapshots", "there is no such turn on the tape")
        if self._world is None:
            self._report(self._seq, "tape", "the read models could not be rebuilt and compared")
        return self._world is not None

    def _report(self, seq: object, table: str, why: str) -> None:
        place = seq if isinstance(seq, int) else self._seq
        self._findings.add(Finding(str(self._world_id), place, table, why))

    def _check_row(self, row: TapeRow) -> None:
        if tuple(map(type, row)) != _ROW_TYPES:
            self._report(row.seq, "tape", "a column has a value of the wrong type")
            self._world = None
        elif row.seq != self._seq + 1:
            self._report(self._seq + 1, "tape", f"missing: the next row is {row.seq}")
            self._world = None
        elif row.hash != turn_hash(self._hash, self._world_id, row.turn):
            self._report(row.seq, "tape", "its hash is not that of its columns")
        self._seq = row.seq if isinstance(row.seq, int) else self._seq + 1
        self._hash = str(row.hash)

    def _parts(self, rows: list[TapeRow]) -> Iterator[list[TapeRow]]:
        """Rows cut so that a part ends where a snapshot was taken."""
        part: list[TapeRow] = []
        for row in rows:
            part.append(row)
            if row.seq in self._snapshots:
                yield part
                part = []
        if part:
            yield part

    def _evolve(self, rows: list[TapeRow]) -> None:
        if self._world is None:
            return
        try:
            self._rebuilt.write(self._world_id, self._world.evolve([row.turn for row in rows]))
        except TapeError as error:
            self._report(error.seq, "tape", f"it cannot be evolved: {error.why}")
            self._world = None
        except (EnginePanic, ValueError, OverflowError, sqlite3.Error) as error:
            self._report(rows[0].seq, "tape", f"it cannot be evolved: {error}")
            self._world = None
        else:
            self._check_snapshot(rows[-1])

    def _check_snapshot(self, row: TapeRow) -> None:
        snapshot = self._snapshots.pop(row.seq, None)
        if snapshot is None or self._world is None:
            return
        if snapshot.hash != row.hash:
            self._report(row.seq, "snapshots", "it was taken of another tape")
        elif snapshot.state_hash != self._world.state_hash():
            self._report(row.seq, "snapshots", "its state is not the one that the tape leads to")
        elif snapshot.data != self._world.snapshot():
            self._report(row.seq, "snapshots", "its bytes are not those of its state")

    def _check_head(self) -> None:
        head = self._reader.head(self._world_id)
        if head is None:
            self._report(self._seq, "world_head", "the world has turns, but no head")
        elif head.seq != self._seq:
            self._report(
                self._seq, "world_head", f"the tape ends at {self._seq}, its head says {head.seq}"
            )
        elif head.hash != self._hash:
            self._report(self._seq, "world_head", "its hash is not that of the last turn")

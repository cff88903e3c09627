"""Backups: a copy of a data folder, taken while the product runs, and the way back.

A backup is a folder: the databases as of one moment each, all other files, and `manifest.json`,
written last, with the size and SHA-256 of every file and of itself. `exchange.db` is copied by
SQLite's backup in one transaction, so its head is the end of its tape; snapshots are copied before
it, so none is newer than the tape. Users come after it: an account without its user would be lost,
a user without an account gets one at the next login. `run/` (locks, sockets) is no state. Schemas
of PostgreSQL are files below `postgres/`, all as of one moment.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from papertape.domain.errors import StorageUnavailableError
from papertape.domain.tape import GENESIS_HASH
from papertape.storage.place import PostgresSchema

MANIFEST: Final = "manifest.json"
FORM: Final = 1
FORM_WITH_SCHEMAS: Final = 2
"""Told apart, so that a release that does not know schemas refuses them."""

POSTGRES: Final = "postgres"
EXCHANGE: Final = "exchange.db"
SNAPSHOTS: Final = "snapshots"
TICKS: Final = "ticks/"

_NO_STATE: Final = frozenset({"run"})
_BELONGS_TO_A_DATABASE: Final = ("-wal", "-shm", "-journal")
_BUSY_TIMEOUT_S: Final = 30.0
_PASSES_MAX: Final = 20
_CHUNK: Final = 1 << 20


class BackupError(Exception):
    """A backup cannot be taken or restored; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """What a file of a backup must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `worlds` are heads: seq and hash of the last turn of each."""

    release: str
    made_at: str
    worlds: dict[str, dict[str, Any]]
    files: dict[str, CopiedFile]

    @property
    def has_schemas(self) -> bool:
        """Whether tape and users were in PostgreSQL."""
        return any(path.startswith(f"{POSTGRES}/") for path in self.files)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.bytes for file in self.files.values())


def back_up(
    data_dir: Path,
    target: Path,
    *,
    release: str,
    made_at: str,
    schemas: Sequence[PostgresSchema] = (),
) -> Manifest:
    """Copy a data folder, whether its product runs or not, into a folder that is new or empty.

    `schemas` are those of a product that keeps its tables in PostgreSQL.

    Raises `BackupError`; the target then has no manifest, so nobody takes it for a backup.
    """
    if not data_dir.is_dir():
        raise BackupError(f"there is no data folder {data_dir}")
    if not schemas and not (data_dir / EXCHANGE).is_file():
        raise BackupError(f"{data_dir} has no {EXCHANGE}; is it the data folder of a product?")
    _require_apart(data_dir, target)
    _require_empty(target, "give a TARGET that is new or empty")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        _copy_files(data_dir, target, f"{SNAPSHOTS}/")
        for database in _databases(data_dir):
            _copy_database(database, target / database.name)
        worlds = _dump(schemas, target) if schemas else _heads(target / EXCHANGE)
        _copy_files(data_dir, target)
        manifest = Manifest(
            release=release,
            made_at=made_at,
            worlds=worlds,
            files={path: _described(target / path) for path in _files(target)},
        )
        _write_manifest(target, manifest)
    except (OSError, sqlite3.Error, StorageUnavailableError) as error:
        raise BackupError(f"the backup is not complete: {error}") from error
    return manifest


def check_backup(source: Path) -> Manifest:
    """The manifest of a backup whose every file is as it says; raises `BackupError`."""
    manifest = read_manifest(source)
    there = set(_files(source)) - {MANIFEST}
    for path in sorted(there ^ set(manifest.files)):
        word = "is missing" if path in manifest.files else "is in no manifest"
        raise BackupError(f"{source / path} {word}; this is not the backup that was taken")
    for path, expected in manifest.files.items():
        if _described(source / path) != expected:
            raise BackupError(f"{source / path} is damaged: its SHA-256 is not the manifest's")
    return manifest


def restore(source: Path, data_dir: Path, schemas: Sequence[PostgresSchema] = ()) -> Manifest:
    """Make a data folder, which is new or empty, from a checked backup; raises `BackupError`.

    The files are copied beside their place and moved there in one step. Just before, the `schemas`
    of a backup that has some are loaded, all or none; they must not have tables yet.
    """
    _require_apart(source, data_dir)
    _require_empty(
        data_dir,
        "a product may run on it: stop it and move the folder away, or give another --data-dir",
    )
    manifest = check_backup(source)
    if manifest.has_schemas and not schemas:
        raise BackupError(
            "tape and users of this backup were in PostgreSQL: "
            "give the --database-url of a database that has no product yet"
        )
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=data_dir.parent, prefix=f".{data_dir.name}-"))
        try:
            _copy_back(source, unfinished, manifest)
            if manifest.has_schemas:
                _load(schemas, source)
            if data_dir.exists():
                data_dir.rmdir()
            unfinished.rename(data_dir)
            _sync_folder(data_dir.parent)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as error:
        raise BackupError(f"{data_dir} cannot be made: {error}") from error
    return manifest


def _copy_back(source: Path, unfinished: Path, manifest: Manifest) -> None:
    """Copy all files of a backup but the schemas, and look at what has arrived."""
    for path, expected in manifest.files.items():
        if path.startswith(f"{POSTGRES}/"):
            continue
        _copy_file(source / path, unfinished / path)
        if _described(unfinished / path) != expected:
            raise BackupError(f"{path} was not copied as it is; is the disk in order?")
    _sync_folders(unfinished)


def read_manifest(source: Path) -> Manifest:
    """The manifest as it is written; raises `BackupError`."""
    try:
        told = json.loads((source / MANIFEST).read_text())
        form, digest = told.pop("v"), told.pop("sha256")
        if form in (FORM, FORM_WITH_SCHEMAS) and digest != _digest(told):
            raise ValueError("its content is not that of its SHA-256")
        files = {path: CopiedFile(**file) for path, file in told.pop("files").items()}
        manifest = Manifest(**told, files=files)
    except FileNotFoundError as error:
        raise BackupError(f"{source} has no {MANIFEST}: it is no complete backup") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{source / MANIFEST} is damaged: {error}") from error
    if form not in (FORM, FORM_WITH_SCHEMAS):
        raise BackupError(f"the backup has form {form}, this release reads {FORM_WITH_SCHEMAS}")
    for path in files:
        if path.startswith("/") or ".." in Path(path).parts:
            raise BackupError(f"{source / MANIFEST} names {path}, which lies outside of it")
    return manifest


# --- databases -----------------------------------------------------------------------------------


def _databases(data_dir: Path) -> list[Path]:
    """The exchange first."""
    found = sorted(data_dir.glob("*.db"))
    return sorted(found, key=lambda path: path.name != EXCHANGE)


def _copy_database(database: Path, to: Path) -> None:
    """One moment of a database that others may write to meanwhile."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S)) as kept,
        closing(sqlite3.connect(to)) as copy,
    ):
        kept.backup(copy)  # in one step: one read transaction
        copy.execute("PRAGMA journal_mode = DELETE")  # no file beside it belongs to it
    to.chmod(database.stat().st_mode & 0o777)
    _sync(to)


def _heads(exchange: Path) -> dict[str, dict[str, Any]]:
    """The heads in a copied `exchange.db`; raises `BackupError` where one is not its tape's end."""
    if not exchange.exists():
        return {}
    with closing(sqlite3.connect(f"{exchange.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        heads = copy.execute("SELECT world, seq, hash FROM world_head ORDER BY world").fetchall()
        for world, seq, head_hash in heads:
            end = copy.execute(
                "SELECT seq, hash FROM tape WHERE world = ? ORDER BY seq DESC LIMIT 1", (world,)
            ).fetchone() or (0, GENESIS_HASH)
            if end != (seq, head_hash):
                raise BackupError(
                    f"world {world}: the tape ends at {end[0]}, its head says {seq}; "
                    "stop the product and run `papertape verify`"
                )
    return {world: {"seq": seq, "hash": head_hash} for world, seq, head_hash in heads}


def _dump(schemas: Sequence[PostgresSchema], target: Path) -> dict[str, dict[str, Any]]:
    """The heads in the schemas that were dumped; raises `BackupError`."""
    from papertape.storage.postgres.dump import DumpRefusedError, dump

    try:
        heads = dump(schemas, target / POSTGRES)
    except DumpRefusedError as error:
        raise BackupError(str(error)) from error
    for path in (target / POSTGRES).rglob("*.*"):
        path.chmod(0o600)
        _sync(path)
    return heads


def _load(schemas: Sequence[PostgresSchema], source: Path) -> None:
    from papertape.storage.postgres.dump import DumpRefusedError, load

    try:
        load(schemas, source / POSTGRES)
    except (DumpRefusedError, StorageUnavailableError) as error:
        raise BackupError(str(error)) from error


# --- files ---------------------------------------------------------------------------------------


def _copy_files(data_dir: Path, target: Path, below: str = "") -> None:
    """Copy the files whose path begins so, until none has come, gone or grown meanwhile.

    A bar file that is sealed while it is copied goes, and comes again under another name. Ticks
    come all the time: what a tail of theirs had when it was copied is enough.
    """
    copied: dict[str, int] = {}
    for _ in range(_PASSES_MAX):
        there = {path: size for path, size in _sizes(data_dir) if path.startswith(below)}
        for path in set(copied) - set(there):
            (target / path).unlink(missing_ok=True)
            del copied[path]
        changed = [
            path
            for path, size in there.items()
            if copied.get(path) != size and not (path in copied and path.startswith(TICKS))
        ]
        if not changed:
            return
        for path in changed:
            if _copy_file(data_dir / path, target / path):
                copied[path] = there[path]


def _copy_file(file: Path, to: Path) -> bool:
    """Copy a file with its mode, onto the disk; False when it has gone meanwhile."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        shutil.copy(file, to)
    except FileNotFoundError:
        to.unlink(missing_ok=True)
        return False
    _sync(to)
    return True


def _files(folder: Path) -> Iterator[str]:
    """The files of a data folder or a backup, but for databases at work and what is no state."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] in _NO_STATE or path.suffix == ".unfinished" or not path.is_file():
            continue
        if not name.name.endswith(_BELONGS_TO_A_DATABASE):
            yield name.as_posix()


def _sizes(data_dir: Path) -> Iterator[tuple[str, int]]:
    """The files that are copied as they are, with their bytes."""
    databases = {path.name for path in _databases(data_dir)}
    for path in _files(data_dir):
        if path not in databases:
            try:
                yield path, (data_dir / path).stat().st_size
            except FileNotFoundError:
                continue


def _described(file: Path) -> CopiedFile:
    digest, count = hashlib.sha256(), 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            count += len(chunk)
    return CopiedFile(count, digest.hexdigest())


def _write_manifest(target: Path, manifest: Manifest) -> None:
    _sync_folders(target)
    unfinished = target / f"{MANIFEST}.unfinished"
    told, form = asdict(manifest), FORM_WITH_SCHEMAS if manifest.has_schemas else FORM
    unfinished.write_text(json.dumps({"v": form, "sha256": _digest(told), **told}, indent=1))
    _sync(unfinished)
    unfinished.rename(target / MANIFEST)
    _sync_folder(target)


def _digest(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _require_empty(folder: Path, advice: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is not empty; {advice}")


def _require_apart(one: Path, other: Path) -> None:
    """A folder is not copied into itself."""
    one, other = one.resolve(), other.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise BackupError(f"{other} and {one} lie in each other; choose another folder")


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folders(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

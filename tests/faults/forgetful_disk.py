"""A disk that forgets what was not synced, as one does that loses its power.

`record` runs in a process of its own: it puts itself between SQLite and the system's files, lets a
product trade, and notes every write, truncation, sync and told order in their sequence. `Disk`
plays the notes up to a moment and says what a disk may hold then: all that was synced, and of the
rest any part, in any order, the last one torn.
"""

import ctypes
import os
import pickle
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NO_SHARED_SQLITE = 77
"""Exit code where Python's SQLite has no symbols to put oneself behind."""

CHECKPOINT_PAGES = 40
ORDERS = 60

Note = tuple[Any, ...]


# --- recording ------------------------------------------------------------------------------------

_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_WRITE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _LONG)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _POINTER, _LONG)
_SYNC = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)
# Names go through as the very pointers that SQLite gave: it keeps them.
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_DELETE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT)


class _Vfs(ctypes.Structure):
    """The start of `sqlite3_vfs`."""

    _fields_ = (
        ("version", _INT),
        ("file_size", _INT),
        ("path_max", _INT),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        ("open", _POINTER),
        ("delete", _POINTER),
    )


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, whose later members are passed on as they are."""

    _fields_ = (
        ("version", _INT),
        ("close", _POINTER),
        ("read", _POINTER),
        ("write", _POINTER),
        ("truncate", _POINTER),
        ("sync", _POINTER),
        ("others", _POINTER * 13),
    )


class Recorder:
    """Sits in SQLite's own table of functions for files."""

    def __init__(self) -> None:
        import _sqlite3

        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self.notes: list[Note] = []
        self._names: dict[int, str] = {}
        self._kept: list[object] = []
        vfs = library.sqlite3_vfs_find(None).contents
        self._open, self._delete = _OPEN(vfs.open), _DELETE(vfs.delete)
        vfs.open = self._keep(_OPEN(self._on_open))
        vfs.delete = self._keep(_DELETE(self._on_delete))

    def _keep(self, function: Any) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, _POINTER).value

    def _on_open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code = self._open(vfs, name, file, flags, out)
        if code == 0 and name:
            self._names[file] = os.fsdecode(ctypes.string_at(name))
            place = ctypes.cast(file, ctypes.POINTER(_POINTER))
            place[0] = self._listening(_Methods.from_address(place[0]))
        return code

    def _listening(self, given: _Methods) -> int:
        """A copy of a file's functions in which writing ones are noted."""
        mine = _Methods.from_buffer_copy(given)
        write, truncate, sync = _WRITE(given.write), _TRUNCATE(given.truncate), _SYNC(given.sync)

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            self.notes.append(("write", self._names[file], offset, ctypes.string_at(data, size)))
            return write(file, data, size, offset)

        def on_truncate(file: int, size: int) -> int:
            self.notes.append(("truncate", self._names[file], size))
            return truncate(file, size)

        def on_sync(file: int, flags: int) -> int:
            self.notes.append(("sync", self._names[file]))
            return sync(file, flags)

        mine.write = self._keep(_WRITE(on_write))
        mine.truncate = self._keep(_TRUNCATE(on_truncate))
        mine.sync = self._keep(_SYNC(on_sync))
        self._kept += [mine, write, truncate, sync]
        return ctypes.addressof(mine)

    def _on_delete(self, vfs: int, name: int, sync_folder: int) -> int:
        self.notes.append(("delete", os.fsdecode(ctypes.string_at(name))))
        return self._delete(vfs, name, sync_folder)


def record(folder: Path, synchronous: str, notes: Path) -> None:
    """Trade on a folder with every write noted, then fall without a word."""
    from papertape.storage.sqlite import connection

    changed = {"synchronous": synchronous, "wal_autocheckpoint": str(CHECKPOINT_PAGES)}
    names = [pragma.split(" = ") for pragma in connection.PRAGMAS]
    connection.PRAGMAS = tuple(f"{name} = {changed.get(name, value)}" for name, value in names)
    recorder = Recorder()
    from floor.small_exchange import SmallExchange, buy, open_account, quote

    exchange = SmallExchange(folder)
    exchange.ask(open_account(cash="1000000.00"))
    for number in range(ORDERS):
        exchange.say(quote(ask=f"10.{number:02d}"))
        outcome, _ = exchange.ask_one(buy(f"order{number}", limit_price="11.00"))
        assert outcome == "created"
        recorder.notes.append(("told", f"order{number}"))
    notes.write_bytes(pickle.dumps(recorder.notes))
    os._exit(0)


# --- playing --------------------------------------------------------------------------------------


class Disk:
    """What is surely on the disk, and what only may be, after some notes."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self.told: list[str] = []
        self._sure: dict[str, bytearray] = {}
        self._pending: dict[str, list[Note]] = {}
        for note in notes:
            self._play(note)

    def _play(self, note: Note) -> None:
        kind, name = note[:2]
        if kind == "told":
            self.told.append(name)
        elif kind == "sync":
            for pending in self._pending.pop(name, []):
                _apply(self._sure.setdefault(name, bytearray()), pending)
        elif kind == "delete":
            self._sure.pop(name, None)
            self._pending.pop(name, None)
        else:
            self._pending.setdefault(name, []).append(note)

    def lose_power(self, draw: random.Random, to: Path) -> None:
        """Write what the disk holds afterwards into a folder."""
        to.mkdir(parents=True)
        for name in self._sure.keys() | self._pending.keys():
            content = bytearray(self._sure.get(name, b""))
            left = [note for note in self._pending.get(name, []) if draw.random() < 0.5]
            draw.shuffle(left)
            if left and left[-1][0] == "write":
                left[-1] = (*left[-1][:3], left[-1][3][: draw.randrange(len(left[-1][3]) + 1)])
            for note in left:
                _apply(content, note)
            (to / Path(name).name).write_bytes(content)


def _apply(content: bytearray, note: Note) -> None:
    if note[0] == "truncate":
        del content[note[2] :]
        return
    offset, data = note[2:]
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


if __name__ == "__main__":
    try:
        record(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    except AttributeError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_SHARED_SQLITE)

"""The one that takes turns off the tape of `exchange.db`, once they are sealed elsewhere."""

import sqlite3
from pathlib import Path
from typing import cast

from papertape.storage.sqlite.connection import open_engine
from papertape.storage.sqlite.tape_reader import TapeReader

_FIRST = "SELECT min(seq) FROM tape WHERE world = ? AND seq >= ?"
_CUT = "DELETE FROM tape WHERE world = ? AND seq >= ? AND seq < ?"


class TapeCutter(TapeReader):
    """Reads a tape, and takes turns off it. Only while the data folder is locked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._writing = open_engine(path)

    def first_behind(self, world: str, seq: int) -> int | None:
        """The first turn from `seq` on that is still on the tape itself."""
        found = self._connection.execute(_FIRST, (world, seq)).fetchone()
        return cast("int | None", found[0])

    def cut(self, world: str, first: int, end: int) -> None:
        """Take the turns from `first` up to before `end` off the tape, all or none."""
        with self._writing.begin() as connection:
            connection.exec_driver_sql(_CUT, (world, first, end))

    def give_back_room(self) -> None:
        """Make the file as small as what is in it."""
        pooled = self._writing.raw_connection()
        try:
            cast("sqlite3.Connection", pooled.driver_connection).execute("VACUUM")
        finally:
            pooled.close()

    def close(self) -> None:
        """Let go of the file."""
        self._writing.dispose()
        super().close()

"""The one that takes turns off the tape in PostgreSQL, once they are sealed elsewhere."""

from typing import cast

from papertape.storage.place import PostgresSchema
from papertape.storage.postgres.session import Session
from papertape.storage.postgres.tape_reader import PostgresTapeReader

_FIRST = "SELECT min(seq) FROM tape WHERE world = $1 AND seq >= $2"
_CUT = "DELETE FROM tape WHERE world = $1 AND seq >= $2 AND seq < $3"


class PostgresTapeCutter(PostgresTapeReader):
    """Reads a tape, and takes turns off it. Only of a world that it holds."""

    def __init__(self, schema: PostgresSchema) -> None:
        super().__init__(schema)
        self._writing = Session(schema, statement_s=None)

    def first_behind(self, world: str, seq: int) -> int | None:
        """The first turn from `seq` on that is still on the tape itself."""
        return cast("int | None", self._session.first(_FIRST, world, seq)[0])

    def cut(self, world: str, first: int, end: int) -> None:
        """Take the turns from `first` up to before `end` off the tape, all or none."""
        self._writing.execute(_CUT, world, first, end)

    def give_back_room(self) -> None:
        """Make the table as small as what is in it."""
        self._writing.execute("VACUUM (FULL, ANALYZE) tape")

    def close(self) -> None:
        """Let go of both connections."""
        self._writing.close()
        super().close()

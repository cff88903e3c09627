"""The two bodies behind a place: who writes it, who reads its tape, who takes turns off it.

Only one is imported.
"""

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from papertape.domain.errors import StorageUnavailableError
from papertape.storage.engines import open_engine, reason_of
from papertape.storage.place import Place, PostgresSchema

if TYPE_CHECKING:
    from papertape.storage.postgres.storage import PostgresStorage
    from papertape.storage.postgres.tape_cutter import PostgresTapeCutter
    from papertape.storage.postgres.tape_reader import PostgresTapeReader
    from papertape.storage.sqlite.storage import SqliteStorage
    from papertape.storage.sqlite.tape_cutter import TapeCutter
    from papertape.storage.sqlite.tape_reader import TapeReader

    AnyStorage = SqliteStorage | PostgresStorage
    AnyTapeReader = TapeReader | PostgresTapeReader
    AnyTapeCutter = TapeCutter | PostgresTapeCutter

PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)

_log = logging.getLogger(__name__)


def open_storage(place: Place) -> "AnyStorage":
    """The write side; brings the tables to this release. For one thread at a time."""
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.storage import PostgresStorage

        return PostgresStorage(place)
    from papertape.storage.sqlite.storage import SqliteStorage

    return SqliteStorage(place)


def open_tape_reader(place: Place) -> "AnyTapeReader":
    """The tape for those beside the floor; can never write."""
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.tape_reader import PostgresTapeReader

        return PostgresTapeReader(place)
    from papertape.storage.sqlite.tape_reader import TapeReader

    return TapeReader(place)


def open_tape_cutter(place: Place) -> "AnyTapeCutter":
    """A reader of the tape that can take sealed turns off it."""
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.tape_cutter import PostgresTapeCutter

        return PostgresTapeCutter(place)
    from papertape.storage.sqlite.tape_cutter import TapeCutter

    return TapeCutter(place)


def unreachable(place: Place) -> str | None:
    """Why a database cannot be reached now; None when it can be (a file always can)."""
    if not isinstance(place, PostgresSchema):
        return None
    engine = open_engine(place)
    try:
        engine.connect().close()
    except StorageUnavailableError as error:
        return str(error)
    except DBAPIError as error:
        return reason_of(error.orig or error)
    finally:
        engine.dispose()
    return None


def wait_until_reachable(place: Place) -> None:
    """Return once the database takes connections; says in the log what it waits for."""
    tries = 0
    while problem := unreachable(place):
        _log.warning("waiting for %s: %s", place, problem)
        time.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        tries += 1

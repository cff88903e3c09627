"""Watchlists: symbols that a user looks at, in the user's order, under a name."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import watchlists as table

WATCHLISTS_MAX = 200
SYMBOLS_MAX = 1_000


class WatchlistNameTakenError(Exception):
    """The user has a watchlist of that name."""


class TooManyWatchlistsError(Exception):
    """The user has `WATCHLISTS_MAX` of them."""


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A watchlist; times are nanoseconds since 1970, wall clock."""

    watchlist_id: str
    name: str
    symbols: tuple[str, ...]
    created_ns: int
    updated_ns: int


class Watchlists:
    """The table in `auth.db`. Everything here blocks and is thread-safe."""

    def __init__(self, auth: AuthStore) -> None:
        self._auth = auth

    def of_user(self, user_id: str) -> list[Watchlist]:
        """The user's watchlists by name."""
        query = select(table).where(table.c.user_id == user_id).order_by(table.c.name)
        with self._auth.engine.connect() as connection:
            return [_watchlist(row) for row in connection.execute(query)]

    def find(self, user_id: str, watchlist_id: str) -> Watchlist | None:
        """The user's watchlist of an id."""
        return self._first(user_id, table.c.watchlist_id == watchlist_id)

    def named(self, user_id: str, name: str) -> Watchlist | None:
        """The user's watchlist of a name."""
        return self._first(user_id, table.c.name == name)

    def create(self, user_id: str, name: str, symbols: Sequence[str]) -> Watchlist:
        """A new one; raises `WatchlistNameTakenError`, `TooManyWatchlistsError`.

        ValueError for symbols that are too many or twice in it.
        """
        now_ns = time.time_ns()
        watchlist_id = str(uuid4())
        row = {
            "watchlist_id": watchlist_id,
            "user_id": user_id,
            "name": name,
            "symbols": _text(symbols),
            "created_ns": now_ns,
            "updated_ns": now_ns,
        }
        mine = select(func.count()).where(table.c.user_id == user_id)
        try:
            with self._auth.engine.begin() as connection:
                # Writing first makes others that count wait until this one has counted, too.
                connection.execute(insert(table).values(row))
                if connection.execute(mine).scalar_one() > WATCHLISTS_MAX:
                    raise TooManyWatchlistsError(f"a user has at most {WATCHLISTS_MAX} watchlists")
        except IntegrityError as error:
            raise WatchlistNameTakenError(name) from error
        return Watchlist(watchlist_id, name, tuple(symbols), now_ns, now_ns)

    def change(
        self,
        user_id: str,
        watchlist_id: str,
        *,
        name: str | None = None,
        symbols: Sequence[str] | None = None,
    ) -> Watchlist | None:
        """Give one another name or other symbols; None when there is none. Raises as `create`."""
        values: dict[str, Any] = {"updated_ns": time.time_ns()}
        if name is not None:
            values["name"] = name
        if symbols is not None:
            values["symbols"] = _text(symbols)
        mine = (table.c.user_id == user_id) & (table.c.watchlist_id == watchlist_id)
        try:
            with self._auth.engine.begin() as connection:
                connection.execute(update(table).where(mine).values(values))
        except IntegrityError as error:
            raise WatchlistNameTakenError(name) from error
        return self.find(user_id, watchlist_id)

    def edit(
        self,
        user_id: str,
        watchlist_id: str,
        edited: Callable[[tuple[str, ...]], Sequence[str]],
    ) -> Watchlist | None:
        """Put what `edited` makes of the symbols in their place; None when there is no such list.

        It is asked again when others changed them meanwhile, so that nobody's change is lost.
        Raises what it raises, and as `create`.
        """
        found = self.find(user_id, watchlist_id)
        while found is not None:
            values = {"symbols": _text(edited(found.symbols)), "updated_ns": time.time_ns()}
            same = (table.c.watchlist_id == watchlist_id) & (
                table.c.symbols == _text(found.symbols)
            )
            with self._auth.engine.begin() as connection:
                done = connection.execute(update(table).where(same).values(values)).rowcount
            found = self.find(user_id, watchlist_id)
            if done:
                return found
        return None

    def delete(self, user_id: str, watchlist_id: str) -> bool:
        """Whether there was one."""
        mine = (table.c.user_id == user_id) & (table.c.watchlist_id == watchlist_id)
        with self._auth.engine.begin() as connection:
            return bool(connection.execute(delete(table).where(mine)).rowcount)

    def _first(self, user_id: str, condition: Any) -> Watchlist | None:
        query = select(table).where(table.c.user_id == user_id, condition)
        with self._auth.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _watchlist(row)


def _text(symbols: Sequence[str]) -> str:
    if len(symbols) > SYMBOLS_MAX:
        raise ValueError(f"a watchlist has at most {SYMBOLS_MAX} symbols")
    twice = next((symbol for symbol in symbols if symbols.count(symbol) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is in it twice")
    return json.dumps(list(symbols))


def _watchlist(row: Row[Any]) -> Watchlist:
    return Watchlist(
        row.watchlist_id,
        row.name,
        tuple(json.loads(row.symbols)),
        row.created_ns,
        row.updated_ns,
    )

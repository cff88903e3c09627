"""How users like to trade, in `auth.db`: what new accounts begin with, and what they prefer.

Everything here blocks and is thread-safe.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import trading_profiles as table

PROFILES_MAX = 50


class ProfileNameTakenError(Exception):
    """The user has a profile of that name."""


class TooManyProfilesError(Exception):
    """The user has `PROFILES_MAX` profiles."""


class ProfileChangedError(Exception):
    """The profile has another version by now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it has version {version} by now")
        self.version = version


@dataclass(frozen=True, slots=True)
class TradingProfile:
    """A trading profile. Times are nanoseconds since 1970, wall clock."""

    profile_id: str
    name: str
    is_default: bool
    settings: Mapping[str, Any]
    version: int
    created_ns: int
    updated_ns: int


class TradingProfiles:
    """The profiles of all users; at most one of a user is the default."""

    def __init__(self, auth: AuthStore) -> None:
        self._auth = auth

    def of_user(self, user_id: str) -> list[TradingProfile]:
        """A user's profiles, by name."""
        query = select(table).where(table.c.user_id == user_id).order_by(table.c.name)
        with self._auth.engine.connect() as connection:
            return [_profile(row) for row in connection.execute(query)]

    def find(self, user_id: str, profile_id: str) -> TradingProfile | None:
        """One profile of a user."""
        query = select(table).where(_one(user_id, profile_id))
        with self._auth.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _profile(row)

    def default(self, user_id: str) -> TradingProfile | None:
        """The profile that counts where none is named."""
        query = select(table).where(table.c.user_id == user_id, table.c.is_default.is_(True))
        with self._auth.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _profile(row)

    def create(
        self, user_id: str, name: str, settings: Mapping[str, Any], *, is_default: bool
    ) -> TradingProfile:
        """A new profile; raises `ProfileNameTakenError`, `TooManyProfilesError`."""
        now_ns = time.time_ns()
        made = TradingProfile(str(uuid4()), name, is_default, settings, 1, now_ns, now_ns)
        mine = select(func.count()).where(table.c.user_id == user_id)
        try:
            with self._auth.engine.begin() as connection:
                connection.execute(insert(table).values(_values(user_id, made)))
                if connection.execute(mine).scalar_one() > PROFILES_MAX:
                    raise TooManyProfilesError
                _only_default(connection, user_id, made)
        except IntegrityError as error:
            raise ProfileNameTakenError(name) from error
        return made

    def replace(
        self,
        user_id: str,
        found: TradingProfile,
        name: str,
        settings: Mapping[str, Any],
        *,
        is_default: bool,
    ) -> TradingProfile:
        """Put another in the place of the one that was found.

        Raises `ProfileChangedError` when that is there no more, and `ProfileNameTakenError`.
        """
        made = TradingProfile(
            found.profile_id,
            name,
            is_default,
            settings,
            found.version + 1,
            found.created_ns,
            time.time_ns(),
        )
        same = _one(user_id, found.profile_id) & (table.c.version == found.version)
        try:
            with self._auth.engine.begin() as connection:
                change = update(table).where(same).values(_values(user_id, made))
                if not connection.execute(change).rowcount:
                    raise ProfileChangedError(found.version + 1)
                _only_default(connection, user_id, made)
        except IntegrityError as error:
            raise ProfileNameTakenError(name) from error
        return made

    def delete(self, user_id: str, profile_id: str) -> bool:
        """Whether there was one."""
        with self._auth.engine.begin() as connection:
            gone = connection.execute(delete(table).where(_one(user_id, profile_id)))
        return bool(gone.rowcount)


def _only_default(connection: Connection, user_id: str, profile: TradingProfile) -> None:
    """A new default takes the place of the one before, which is a change of that one, too."""
    if profile.is_default:
        others = (table.c.user_id == user_id) & (table.c.profile_id != profile.profile_id)
        former = others & table.c.is_default.is_(True)
        change = update(table).where(former)
        connection.execute(change.values(is_default=False, version=table.c.version + 1))


def _one(user_id: str, profile_id: str) -> Any:
    return (table.c.user_id == user_id) & (table.c.profile_id == profile_id)


def _values(user_id: str, profile: TradingProfile) -> dict[str, Any]:
    return {
        "profile_id": profile.profile_id,
        "user_id": user_id,
        "name": profile.name,
        "is_default": profile.is_default,
        "settings": json.dumps(dict(profile.settings)),
        "version": profile.version,
        "created_ns": profile.created_ns,
        "updated_ns": profile.updated_ns,
    }


def _profile(row: Row[Any]) -> TradingProfile:
    return TradingProfile(
        row.profile_id,
        row.name,
        row.is_default,
        json.loads(row.settings),
        row.version,
        row.created_ns,
        row.updated_ns,
    )

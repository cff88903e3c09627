"""Users, in `auth.db`.

Everything here blocks (SQL, hashing) and is thread-safe: the command line calls it directly, the
server from a thread.
"""

import sqlite3
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, Row, create_engine, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.account_store import AccountStore
from papertape.server.auth.keys import ApiKeys
from papertape.server.auth.label_store import LabelStore
from papertape.server.auth.names import (
    ADMIN_USERNAME,
    DEMO_USERNAME,
    check_username,
    username_key,
)
from papertape.server.auth.passwords import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    Passwords,
    one_time_password,
)
from papertape.server.auth.tables import migrate, users
from papertape.storage.engines import change_schema, open_engine
from papertape.storage.place import Place

DEMO_PASSWORD = "papertape-demo"  # noqa: S105 - printed on purpose; it works on loopback only


class Role(StrEnum):
    """What a user may do beyond trading the own accounts."""

    USER = "user"
    INSTRUCTOR = "instructor"
    ADMIN = "admin"


class UsernameTakenError(Exception):
    """Somebody has the name already; upper and lower case are the same name."""


class UnknownUserError(Exception):
    """There is no user of that name."""


class DemoRoleError(Exception):
    """The demo user's password is public, so it stays an ordinary user."""


class DemoPasswordError(ValueError):
    """The demo user's password is public, and the page tells it; it is never another."""


@dataclass(frozen=True, slots=True)
class User:
    """A user without the password. `created_ns` is nanoseconds since 1970, wall clock."""

    user_id: str
    username: str
    email: str | None
    role: Role
    is_demo: bool
    generation: int
    created_ns: int


class AuthStore:
    """The one door to `auth.db`, or to the schema of PostgreSQL that stands for it.

    `keys` are the API keys, `accounts` what belongs to whom, `labels` what users write on orders
    and trades; `engine` is for further tables.
    """

    def __init__(self, place: Place, passwords: Passwords | None = None) -> None:
        self._passwords = passwords or Passwords()
        self.engine = _open(place)
        self.keys = ApiKeys(self.engine)
        self.accounts = AccountStore(self.engine)
        self.labels = LabelStore(self.engine)
        try:
            with change_schema(self.engine, place) as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    # --- users -----------------------------------------------------------------------------------

    def create_user(
        self,
        username: str,
        password: str,
        *,
        email: str | None = None,
        role: Role = Role.USER,
    ) -> User:
        """A new user.

        Raises `UsernameTakenError`, `ReservedNameError`, or ValueError for a name or password out
        of bounds.
        """
        check_username(username)
        return self._create(username, password, email=email, role=role)

    def _create(
        self,
        username: str,
        password: str,
        *,
        email: str | None = None,
        role: Role = Role.USER,
        is_demo: bool = False,
    ) -> User:
        """A new user, also one of the product's own."""
        check_password(password)
        user = User(str(uuid4()), username, email, role, is_demo, 1, time.time_ns())
        row = {
            "user_id": user.user_id,
            "username": username,
            "username_key": username_key(username),
            "email": email,
            "password_hash": self._passwords.hash(password),
            "role": role.value,
            "is_demo": is_demo,
            "generation": 1,
            "created_ns": user.created_ns,
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(users).values(row))
        except IntegrityError as error:
            raise UsernameTakenError(username) from error
        return user

    def check_login(self, username: str, password: str) -> User | None:
        """The user when name and password fit together, else None, after the same time."""
        row = self._row(username)
        stored = None if row is None else row.password_hash
        fits = self._passwords.fits(stored, password)
        return _user(row) if fits and row is not None else None

    def user(self, user_id: str) -> User | None:
        """The user of an id."""
        with self.engine.connect() as connection:
            row = connection.execute(select(users).where(users.c.user_id == user_id)).one_or_none()
        return None if row is None else _user(row)

    def user_named(self, username: str) -> User | None:
        """The user of a name, in whatever case it is written."""
        row = self._row(username)
        return None if row is None else _user(row)

    def set_role(self, username: str, role: Role) -> None:
        """Give a role; raises `UnknownUserError`, and `DemoRoleError` for the demo user."""
        row = self._row(username)
        if row is not None and row.is_demo and role is not Role.USER:
            raise DemoRoleError(f"{username} has a public password and cannot be {role.value}")
        self._change(username, {"role": role.value})

    def reset_password(self, username: str, password: str | None = None) -> str:
        """Set a password (None: a one-time one) and end all tokens; returns the password.

        Raises `UnknownUserError`, `DemoPasswordError`, or ValueError for one out of bounds.
        """
        chosen = one_time_password() if password is None else password
        check_password(chosen)
        row = self._row(username)
        if row is not None and row.is_demo:
            raise DemoPasswordError(f"the password of {username} is public and stays as it is")
        values = {
            "password_hash": self._passwords.hash(chosen),
            "generation": users.c.generation + 1,
        }
        self._change(username, values)
        return chosen

    def ensure_admin(self) -> str | None:
        """At the first start: make `admin` and return its one-time password, else None.

        None also where somebody else is admin, or has the name without the role; `has_admin` tells.
        """
        if self.has_admin() or self.user_named(ADMIN_USERNAME) is not None:
            return None
        password = one_time_password()
        self._create(ADMIN_USERNAME, password, role=Role.ADMIN)
        return password

    def has_admin(self) -> bool:
        """Whether any user is admin."""
        query = select(users.c.user_id).where(users.c.role == Role.ADMIN.value).limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def ensure_demo(self) -> tuple[str, str]:
        """Make the demo user if there is none; returns its name and its public password.

        Raises `UsernameTakenError` where an ordinary user of an older install has the name.
        """
        user = self.user_named(DEMO_USERNAME)
        if user is None:
            self._create(DEMO_USERNAME, DEMO_PASSWORD, is_demo=True)
        elif not user.is_demo:
            raise UsernameTakenError(f"{DEMO_USERNAME} is the name of an ordinary user here")
        return DEMO_USERNAME, DEMO_PASSWORD

    def _row(self, username: str) -> Row[Any] | None:
        query = select(users).where(users.c.username_key == username_key(username))
        with self.engine.connect() as connection:
            return connection.execute(query).one_or_none()

    def _change(self, username: str, values: dict[str, Any]) -> None:
        where = users.c.username_key == username_key(username)
        with self.engine.begin() as connection:
            result = connection.execute(update(users).where(where).values(values))
        if not result.rowcount:
            raise UnknownUserError(f"there is no user {username!r}")


def check_password(password: str) -> None:
    """ValueError for a password that nobody may choose."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise ValueError(
            f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
        )


def _user(row: Row[Any]) -> User:
    return User(
        row.user_id,
        row.username,
        row.email,
        Role(row.role),
        row.is_demo,
        row.generation,
        row.created_ns,
    )


def _open(place: Place) -> Engine:
    if not isinstance(place, Path):
        return open_engine(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{place}", connect_args={"timeout": 10})
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

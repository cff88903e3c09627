"""Users, in `auth.db`.

Everything here blocks (SQL, hashing) and is thread-safe: the command line calls it directly, the
server from a thread.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from papertape.server.auth import erasure
from papertape.server.auth.account_store import AccountStore
from papertape.server.auth.audit import AuditLog
from papertape.server.auth.keys import ApiKeys
from papertape.server.auth.label_store import LabelStore
from papertape.server.auth.logins import Logins
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
from papertape.server.auth.resets import ResetTokens
from papertape.server.auth.tables import consents, logins, migrate, preferences, users
from papertape.server.auth.two_factor import TwoFactor
from papertape.server.auth.vault import Vault
from papertape.storage.engines import change_schema, name_away, open_engine, upserting
from papertape.storage.place import Place
from papertape.storage.sqlite.connection import make_private

DEMO_PASSWORD = "papertape-demo"  # noqa: S105 - printed on purpose; it works on loopback only
KEY_FILE = "personal.key"


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


class LastAdminError(Exception):
    """Without this user nobody would be admin."""


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
    display_name: str | None = None


class AuthStore:
    """The one door to `auth.db`, or to the schema of PostgreSQL that stands for it.

    `keys` are the API keys, `logins` the logins, `two_factor` their second factors, `resets` the
    tokens for new passwords, `audit` the log of all that; `accounts` is what belongs to whom,
    `labels` what users write on orders and trades; `vault` seals what is personal, `passwords`
    hashes, `engine` is for further tables.
    """

    def __init__(
        self, place: Place, passwords: Passwords | None = None, *, key_file: Path | None = None
    ) -> None:
        """`key_file` holds what seals personal data; beside a file of users it has a place."""
        if key_file is None:
            assert isinstance(place, Path), "a schema of PostgreSQL has no folder of its own"
            key_file = place.parent / "secrets" / KEY_FILE
        self.passwords = passwords or Passwords()
        self.engine = _open(place)
        self.keys = ApiKeys(self.engine)
        self.accounts = AccountStore(self.engine)
        self.labels = LabelStore(self.engine)
        try:
            self.vault = Vault(key_file)
            self.logins = Logins(self.engine, self.vault)
            self.audit = AuditLog(self.engine, self.vault)
            self.two_factor = TwoFactor(self.engine, self.vault)
            self.resets = ResetTokens(self.engine)
            with change_schema(self.engine, place) as connection:
                migrate(connection)
                self.vault.check(connection)
                self._seal_plain_emails(connection)
            self.audit.forget_old(time.time_ns())
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
            "password_hash": self.passwords.hash(password),
            "role": role.value,
            "is_demo": is_demo,
            "generation": 1,
            "created_ns": user.created_ns,
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(users).values(row))
                self._write_profile(connection, user)
        except IntegrityError as error:
            raise UsernameTakenError(username) from error
        return user

    def check_login(self, username: str, password: str) -> User | None:
        """The user when name and password fit together, else None, after the same time."""
        row = self._row(username)
        stored = None if row is None else row.password_hash
        fits = self.passwords.fits(stored, password)
        return self.user(row.user_id) if fits and row is not None else None

    def user(self, user_id: str) -> User | None:
        """The user of an id."""
        with self.engine.connect() as connection:
            row = connection.execute(select(users).where(users.c.user_id == user_id)).one_or_none()
            return None if row is None else self._user(connection, row)

    def user_named(self, username: str) -> User | None:
        """The user of a name, in whatever case it is written."""
        row = self._row(username)
        return None if row is None else self.user(row.user_id)

    def change_profile(
        self,
        user_id: str,
        changes: Mapping[str, Any],
        look: Callable[[User], None] = lambda _: None,
    ) -> User | None:
        """The user with another `email` or `display_name`; None when there is no such user.

        `look` sees the user as it is before, and may raise: then nothing changes.
        """
        with self.engine.begin() as connection:
            self._lock(connection, user_id)
            row = connection.execute(select(users).where(users.c.user_id == user_id)).one_or_none()
            if row is None:
                return None
            before = self._user(connection, row)
            look(before)
            changed = replace(before, **changes)
            self._write_profile(connection, changed)
        return changed

    def preferences(self, user_id: str) -> dict[str, Any]:
        """What the user has chosen."""
        query = select(preferences.c.chosen).where(preferences.c.user_id == user_id)
        with self.engine.connect() as connection:
            return self.vault.open(connection, user_id, connection.execute(query).scalar())

    def default_account(self, user_id: str) -> str | None:
        """The account that the user prefers, if any."""
        account_id: str | None = self.preferences(user_id).get("default_account")
        return account_id

    def change_preferences(
        self,
        user_id: str,
        changes: Mapping[str, Any],
        look: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """All that the user has chosen, with the changes; `look` as in `change_profile`."""
        mine = preferences.c.user_id == user_id
        with self.engine.begin() as connection:
            self._lock(connection, user_id)
            sealed = connection.execute(select(preferences.c.chosen).where(mine)).scalar()
            before = self.vault.open(connection, user_id, sealed)
            look(before)
            chosen = {**before, **changes}
            row = {"user_id": user_id, "chosen": self.vault.seal(connection, user_id, chosen)}
            connection.execute(delete(preferences).where(mine))
            connection.execute(insert(preferences).values(row))
        return chosen

    @staticmethod
    def _lock(connection: Connection, user_id: str) -> None:
        """Of two changes of a user at once, the second waits here until the first is written."""
        mine = users.c.user_id == user_id
        connection.execute(update(users).where(mine).values(generation=users.c.generation))

    def end_logins(
        self, user_id: str, *, but: str | None = None, password_hash: str | None = None
    ) -> int:
        """End the user's logins and all tokens, but a login's; returns the new generation.

        The login that stays needs a token of that generation. A `password_hash` is set with it.
        """
        ended = (logins.c.user_id == user_id) & (logins.c.login_id != (but or ""))
        mine = users.c.user_id == user_id
        values: dict[str, Any] = {"generation": users.c.generation + 1}
        if password_hash is not None:
            values["password_hash"] = password_hash
        with self.engine.begin() as connection:
            connection.execute(update(users).where(mine).values(values))
            connection.execute(delete(logins).where(ended))
            query = select(users.c.generation).where(mine)
            generation: int = connection.execute(query).scalar_one()
        return generation

    def rotate_personal_key(self) -> int:
        """Seal all users' keys with a new outer key; returns how many there are."""
        with self.engine.begin() as connection:
            count = self.vault.rotate(connection)
        self.vault.drop_older_keys()
        return count

    def password_fits(self, user_id: str, password: str) -> bool:
        """Whether it is the user's password."""
        query = select(users.c.password_hash).where(users.c.user_id == user_id)
        with self.engine.connect() as connection:
            stored = connection.execute(query).scalar()
        return self.passwords.fits(stored, password)

    def set_password(self, user_id: str, password: str, *, but: str | None = None) -> int:
        """Set a password and end all logins but one; returns the new generation."""
        check_password(password)
        return self.end_logins(user_id, but=but, password_hash=self.passwords.hash(password))

    def accept(self, user_id: str, document: str, version: int, now_ns: int) -> int:
        """Note that the user accepted a document; returns when that was, the first time."""
        row = {
            "user_id": user_id,
            "document": document,
            "version": version,
            "accepted_ns": now_ns,
        }
        entry = upserting(consents, self.engine.dialect.name).values(row)
        with self.engine.begin() as connection:
            connection.execute(entry.on_conflict_do_nothing())
        (found,) = [one for one in self.consents(user_id) if one[:2] == (document, version)]
        return found[2]

    def consents(self, user_id: str) -> list[tuple[str, int, int]]:
        """Documents that the user accepted: name, version, when."""
        query = select(consents.c.document, consents.c.version, consents.c.accepted_ns)
        mine = query.where(consents.c.user_id == user_id).order_by(consents.c.accepted_ns)
        with self.engine.connect() as connection:
            return [
                (one.document, one.version, one.accepted_ns) for one in connection.execute(mine)
            ]

    def everything_of(self, user_id: str) -> dict[str, list[dict[str, Any]]]:
        """All rows about the user, by table, readable."""
        with self.engine.connect() as connection:
            return erasure.told(connection, self.vault, user_id)

    def reset_token(self, username: str) -> str:
        """A token that sets a new password; raises as `reset_password` does."""
        row = self._row(username)
        if row is None:
            raise UnknownUserError(f"there is no user {username!r}")
        if row.is_demo:
            raise DemoPasswordError(f"the password of {username} is public and stays as it is")
        self.audit.note("password_reset_begun", row.user_id, time.time_ns())
        return self.resets.create(row.user_id, time.time_ns())

    def end_two_factor(self, username: str) -> bool:
        """Switch a user's second factor off, who lost it; raises `UnknownUserError`."""
        row = self._row(username)
        if row is None:
            raise UnknownUserError(f"there is no user {username!r}")
        was_on = self.two_factor.end(row.user_id)
        if was_on:
            self.audit.note("two_factor_off", row.user_id, time.time_ns())
        return was_on

    def check_may_leave(self, user: User) -> None:
        """Raises `DemoPasswordError` for the demo user and `LastAdminError` for the last admin."""
        if user.is_demo:
            raise DemoPasswordError("the demo user is everybody's and stays")
        others = (users.c.role == Role.ADMIN.value) & (users.c.user_id != user.user_id)
        with self.engine.connect() as connection:
            has_others = connection.execute(select(users.c.user_id).where(others)).first()
        if user.role is Role.ADMIN and not has_others:
            raise LastAdminError("nobody else is admin; make somebody admin first")

    def erase(self, user_id: str) -> None:
        """Forget the user, and destroy the key of what is personal."""
        with self.engine.begin() as connection:
            erasure.erase(connection, user_id)

    def set_role(self, username: str, role: Role) -> None:
        """Give a role; raises `UnknownUserError`, and `DemoRoleError` for the demo user."""
        row = self._row(username)
        if row is not None and row.is_demo and role is not Role.USER:
            raise DemoRoleError(f"{username} has a public password and cannot be {role.value}")
        self._change(username, {"role": role.value})
        changed = None if row is None else row.user_id
        self.audit.note("role_changed", changed, time.time_ns(), subject=role.value)

    def reset_password(self, username: str, password: str | None = None) -> str:
        """Set a password (None: a one-time one) and end all tokens; returns the password.

        Raises `UnknownUserError`, `DemoPasswordError`, or ValueError for one out of bounds.
        """
        chosen = one_time_password() if password is None else password
        check_password(chosen)
        row = self._row(username)
        if row is not None and row.is_demo:
            raise DemoPasswordError(f"the password of {username} is public and stays as it is")
        if row is None:
            raise UnknownUserError(f"there is no user {username!r}")
        self.end_logins(row.user_id, password_hash=self.passwords.hash(chosen))
        self.audit.note("password_reset", row.user_id, time.time_ns())
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

    def _user(self, connection: Connection, row: Row[Any]) -> User:
        profile = self.vault.open(connection, row.user_id, row.profile)
        return User(
            row.user_id,
            row.username,
            profile.get("email"),
            Role(row.role),
            row.is_demo,
            row.generation,
            row.created_ns,
            profile.get("display_name"),
        )

    def _write_profile(self, connection: Connection, user: User) -> None:
        content = {"email": user.email, "display_name": user.display_name}
        sealed = self.vault.seal(connection, user.user_id, content)
        mine = users.c.user_id == user.user_id
        connection.execute(update(users).where(mine).values(profile=sealed))

    def _seal_plain_emails(self, connection: Connection) -> None:
        """Older versions kept them in plain text."""
        plain = connection.execute(text("SELECT user_id, email FROM users WHERE email IS NOT NULL"))
        for user_id, email in plain.all():
            sealed = self.vault.seal(connection, user_id, {"email": email, "display_name": None})
            change = update(users).where(users.c.user_id == user_id).values(profile=sealed)
            connection.execute(change)
        connection.execute(text("UPDATE users SET email = NULL WHERE email IS NOT NULL"))

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


def _open(place: Place) -> Engine:
    if not isinstance(place, Path):
        return open_engine(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    make_private(place)
    engine = create_engine(f"sqlite:///{place}", connect_args={"timeout": 10})
    event.listen(engine, "connect", _configure)
    return name_away(engine)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # What is erased is overwritten.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

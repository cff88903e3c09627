"""Logins: each has an id, ends on its own, and is prolonged by a refresh token that is used once.

A refresh token says which login it is of and its number. Using it raises the number; one of an
earlier number is in two hands, so the whole login ends. The token used last may be used again for
half a minute: its answer may have been lost, or two tabs asked at once. Everything here blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from papertape.server.auth.tables import logins
from papertape.server.auth.vault import Vault

SECOND_NS = 1_000_000_000
IDLE_S_MAX = 30 * 24 * 3600
LIFETIME_S_MAX = 180 * 24 * 3600
REPEAT_WITHIN_S = 30
LOGINS_MAX = 200
_AGENT_LENGTH_MAX = 200


class ReusedTokenError(Exception):
    """A refresh token was used a second time, so its login was ended."""

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a login comes from, as far as the client tells."""

    address: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class Login:
    """A login. Times are nanoseconds since 1970, wall clock; `number` is that of its token."""

    login_id: str
    user_id: str
    number: int
    created_ns: int
    used_ns: int
    expires_ns: int
    origin: Origin


class Logins:
    """All users' logins."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def start(self, user_id: str, origin: Origin, now_ns: int) -> Login:
        """A new login; the one that was unused longest ends when there are too many."""
        login = Login(
            str(uuid4()), user_id, 1, now_ns, now_ns, now_ns + IDLE_S_MAX * SECOND_NS, origin
        )
        with self._engine.begin() as connection:
            row = {
                "login_id": login.login_id,
                "user_id": user_id,
                "number": 1,
                "created_ns": now_ns,
                "used_ns": now_ns,
                "expires_ns": login.expires_ns,
                "origin": self._sealed(connection, user_id, origin),
            }
            connection.execute(insert(logins).values(row))
            newest_first = (
                select(logins.c.login_id)
                .where(logins.c.user_id == user_id)
                .order_by(logins.c.used_ns.desc(), logins.c.login_id)
            )
            surplus = connection.execute(newest_first.offset(LOGINS_MAX)).scalars().all()
            ended = (logins.c.expires_ns <= now_ns) | logins.c.login_id.in_(surplus)
            connection.execute(delete(logins).where((logins.c.user_id == user_id) & ended))
        return login

    def refresh(self, login_id: str, number: int, origin: Origin, now_ns: int) -> Login | None:
        """The login prolonged, with its next number; None when it has ended.

        Raises `ReusedTokenError` for a number that was used before.
        """
        with self._engine.begin() as connection:
            row = self._row(connection, login_id)
            if row is None or row.expires_ns <= now_ns:
                return None
            this_one = (logins.c.login_id == login_id) & (logins.c.number == number)
            until_ns = min(
                now_ns + IDLE_S_MAX * SECOND_NS, row.created_ns + LIFETIME_S_MAX * SECOND_NS
            )
            values = {
                "number": number + 1,
                "used_ns": now_ns,
                "expires_ns": until_ns,
                "origin": self._sealed(connection, row.user_id, origin),
            }
            is_next = connection.execute(update(logins).where(this_one).values(values)).rowcount
            row = self._row(connection, login_id)
            if row is None:
                return None
            is_repeated = (
                row.number == number + 1 and now_ns - row.used_ns <= REPEAT_WITHIN_S * SECOND_NS
            )
            if is_next or is_repeated:
                return self._login(connection, row)
            connection.execute(delete(logins).where(logins.c.login_id == login_id))
        raise ReusedTokenError(row.user_id)

    def find(self, login_id: str) -> Login | None:
        """The login of an id."""
        with self._engine.connect() as connection:
            row = self._row(connection, login_id)
            return None if row is None else self._login(connection, row)

    def is_open(self, login_id: str, now_ns: int) -> bool:
        """Whether a login goes on."""
        with self._engine.connect() as connection:
            row = self._row(connection, login_id)
        return row is not None and row.expires_ns > now_ns

    def of_user(self, user_id: str, now_ns: int) -> Sequence[Login]:
        """The user's open logins, the one used last first."""
        open_ones = (logins.c.user_id == user_id) & (logins.c.expires_ns > now_ns)
        query = select(logins).where(open_ones).order_by(logins.c.used_ns.desc(), logins.c.login_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            return [self._login(connection, row) for row in rows]

    def end(self, user_id: str, login_id: str) -> bool:
        """End one of the user's logins; False when there is none of that id."""
        mine = (logins.c.user_id == user_id) & (logins.c.login_id == login_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(delete(logins).where(mine)).rowcount)

    def _row(self, connection: Connection, login_id: str) -> Row[Any] | None:
        query = select(logins).where(logins.c.login_id == login_id)
        return connection.execute(query).one_or_none()

    def _sealed(self, connection: Connection, user_id: str, origin: Origin) -> str:
        agent = origin.agent and origin.agent[:_AGENT_LENGTH_MAX]
        content = {"address": origin.address, "agent": agent}
        return self._vault.seal(connection, user_id, content)

    def _login(self, connection: Connection, row: Row[Any]) -> Login:
        told = self._vault.open(connection, row.user_id, row.origin)
        return Login(
            row.login_id,
            row.user_id,
            row.number,
            row.created_ns,
            row.used_ns,
            row.expires_ns,
            Origin(told.get("address"), told.get("agent")),
        )

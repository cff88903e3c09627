"""The audit log: what happened to logins, passwords, keys and users. It is added to, never changed.

It names users by their id; where somebody called from is sealed with the user's own key, so that a
user who leaves takes it along and the event stays.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, delete, insert, select

from papertape.server.auth.logins import Origin
from papertape.server.auth.tables import security_events, users
from papertape.server.auth.vault import Vault

Event = Literal[
    "registered",
    "logged_in",
    "login_refused",
    "refresh_token_reused",
    "logged_out",
    "logged_out_everywhere",
    "password_changed",
    "password_reset_begun",
    "password_reset",
    "two_factor_on",
    "two_factor_off",
    "recovery_code_used",
    "recovery_codes_made",
    "key_created",
    "key_revoked",
    "role_changed",
    "notice_accepted",
    "exported",
    "erased",
]
EVENTS: tuple[Event, ...] = get_args(Event)
KEPT_NS = 400 * 24 * 3600 * 1_000_000_000

NOBODY = Origin(None, None)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event. `user_id` is None where no user has the name that was tried."""

    event_id: str
    at_ns: int
    event: str
    user_id: str | None
    subject: str | None
    origin: Origin


class AuditLog:
    """Writes and reads the log. All of it blocks."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def note(
        self,
        event: Event,
        user_id: str | None,
        now_ns: int,
        origin: Origin = NOBODY,
        subject: str | None = None,
    ) -> None:
        """Add an event; `subject` is the id of what it is about, such as a key's."""
        with self._engine.begin() as connection:
            row = {
                "event_id": f"{now_ns:019d}-{secrets.token_hex(4)}",
                "at_ns": now_ns,
                "event": event,
                "user_id": user_id,
                "subject": subject,
                "origin": self._sealed(connection, user_id, origin),
            }
            connection.execute(insert(security_events).values(row))

    def page(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Sequence[SecurityEvent]:
        """Events, the newest first, those before an event's id."""
        query = select(security_events).order_by(security_events.c.event_id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(security_events.c.user_id == user_id)
        if event is not None:
            query = query.where(security_events.c.event == event)
        if before is not None:
            query = query.where(security_events.c.event_id < before)
        with self._engine.connect() as connection:
            return [self._event(connection, row) for row in connection.execute(query).all()]

    def forget_old(self, now_ns: int) -> None:
        """Events are kept for 400 days."""
        with self._engine.begin() as connection:
            old = security_events.c.at_ns < now_ns - KEPT_NS
            connection.execute(delete(security_events).where(old))

    def _sealed(self, connection: Connection, user_id: str | None, origin: Origin) -> str | None:
        if user_id is None or origin == NOBODY:
            return None
        is_there = select(users.c.user_id).where(users.c.user_id == user_id)
        if connection.execute(is_there).first() is None:
            return None
        content = {"address": origin.address, "agent": origin.agent and origin.agent[:200]}
        return self._vault.seal(connection, user_id, content)

    def _event(self, connection: Connection, row: Any) -> SecurityEvent:
        told: dict[str, Any] = {}
        if row.user_id is not None:
            told = self._vault.open(connection, row.user_id, row.origin)
        origin = Origin(told.get("address"), told.get("agent"))
        return SecurityEvent(row.event_id, row.at_ns, row.event, row.user_id, row.subject, origin)

"""What was said about alerts, in `auth.db`. The alerts themselves stand on the tape.

Everything here blocks and is thread-safe.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import alert_marks as table

MarkState = Literal["acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Who said what about an alert. `marked_ns` is nanoseconds since 1970, wall clock."""

    state: MarkState
    note: str
    marked_by: str
    marked_ns: int


class AlertMarks:
    """The marks of one world's alerts."""

    def __init__(self, auth: AuthStore, world: str) -> None:
        self._auth = auth
        self._world = world

    def of(self, alert_ids: Sequence[str]) -> dict[str, Mark]:
        """The marks of some alerts."""
        query = select(table).where(table.c.world == self._world, table.c.alert_id.in_(alert_ids))
        with self._auth.engine.connect() as connection:
            return {row.alert_id: _mark(row) for row in connection.execute(query)}

    def put(self, alert: dict[str, Any], state: MarkState, note: str, user_id: str) -> Mark:
        """Say something about an alert; what is resolved stays so."""
        made = Mark(state, note, user_id, time.time_ns())
        row = {
            "world": self._world,
            "alert_id": alert["id"],
            "account_id": alert["account_id"],
            "state": state,
            "note": note,
            "marked_by": user_id,
            "marked_ns": made.marked_ns,
        }
        one = (table.c.world == self._world) & (table.c.alert_id == alert["id"])
        try:
            with self._auth.engine.begin() as connection:
                if state == "resolved":  # only what weighs less makes room
                    connection.execute(delete(table).where(one, table.c.state != state))
                connection.execute(insert(table).values(row))
        except IntegrityError:
            return self.of([alert["id"]])[alert["id"]]
        return made


def _mark(row: Row[Any]) -> Mark:
    return Mark(row.state, row.note, row.marked_by, row.marked_ns)

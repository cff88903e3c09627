"""Alerts with what was said about them: `open`, `acknowledged` or `resolved`.

A margin call that was met, a kill switch that went off or on anew, and whatever only informs, is
resolved by itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from papertape.domain.time_text import time_text
from papertape.server.risk.marks import AlertMarks, Mark, MarkState
from papertape.storage.reads import Page, Reads, cursor_after

AlertState = Literal["open", "acknowledged", "resolved"]
LOOKED_AT_MAX = 5_000
"""A list of open alerts looks no further back than this many alerts at once."""

_PART = 500
INFORMS = frozenset({"margin_call_met", "kill_switch_off"})


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What of the alerts is wanted; None is all."""

    state: AlertState | None = None
    level: str | None = None
    kind: str | None = None


class Alerts:
    """The alerts of the served world."""

    def __init__(self, reads: Reads, marks: AlertMarks) -> None:
        self._reads = reads
        self._marks = marks

    async def page(
        self, account_ids: Sequence[str], wanted: AlertFilter, limit: int, cursor: str | None
    ) -> Page:
        """Alerts of some accounts, the newest first. Raises ValueError for a bad cursor."""
        return await asyncio.to_thread(self._page, account_ids, wanted, limit, cursor)

    async def find(self, alert_id: str) -> dict[str, Any] | None:
        """One alert, whoever's it is."""
        return await asyncio.to_thread(self._find, alert_id)

    async def mark(
        self, alert: dict[str, Any], state: MarkState, note: str, user_id: str
    ) -> dict[str, Any]:
        """Say something about an alert; gives it as it stands then."""
        await asyncio.to_thread(self._marks.put, alert, state, note, user_id)
        marked = await self.find(alert["id"])
        assert marked is not None, "alerts are never deleted"
        return marked

    async def open_count(self, account_id: str) -> int:
        """How many alerts of an account nobody has looked at yet, counted no further than 500."""
        page = await self.page([account_id], AlertFilter(state="open"), _PART, None)
        return len(page.items)

    def _find(self, alert_id: str) -> dict[str, Any] | None:
        alert = self._reads.alert(alert_id)
        return None if alert is None else self._with_marks([alert])[0]

    def _page(
        self, account_ids: Sequence[str], wanted: AlertFilter, limit: int, cursor: str | None
    ) -> Page:
        found: list[dict[str, Any]] = []
        looked_at = 0
        while True:
            page = self._reads.alerts(account_ids, _PART, cursor)
            found += [one for one in self._with_marks(page.items) if _is_wanted(one, wanted)]
            looked_at += len(page.items)
            cursor = page.next_cursor
            if len(found) > limit:
                return Page(found[:limit], cursor_after(found[limit - 1]))
            if cursor is None or len(found) == limit or looked_at >= LOOKED_AT_MAX:
                return Page(found, cursor)

    def _with_marks(self, alerts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if not alerts:
            return []
        marks = self._marks.of([alert["id"] for alert in alerts])
        over = self._met([one for one in alerts if one["kind"] == "margin_called"])
        over |= self._turned([one for one in alerts if one["kind"] == "kill_switch"])
        return [alert | _told(alert, marks.get(alert["id"]), over) for alert in alerts]

    def _met(self, calls: Sequence[dict[str, Any]]) -> frozenset[str]:
        """Those of the margin calls that were met."""
        if not calls:
            return frozenset()
        last = self._reads.last_margin_calls_met(sorted({one["account_id"] for one in calls}))
        return frozenset(one["id"] for one in calls if last.get(one["account_id"], 0) > one["seq"])

    def _turned(self, switches: Sequence[dict[str, Any]]) -> frozenset[str]:
        """Those of the kill switches that went off, or on anew, since."""
        if not switches:
            return frozenset()
        last = self._reads.last_kill_switches(sorted({one["account_id"] for one in switches}))
        return frozenset(
            one["id"]
            for one in switches
            if last.get((one["account_id"], one["scope"]), 0) > one["seq"]
        )


def _told(alert: dict[str, Any], mark: Mark | None, over: frozenset[str]) -> dict[str, Any]:
    by_itself = alert["kind"] in INFORMS or alert["id"] in over
    state = "resolved" if by_itself else (mark.state if mark else "open")
    return {
        "state": state,
        "note": mark.note if mark else None,
        "marked_at": time_text(mark.marked_ns) if mark else None,
    }


def _is_wanted(alert: dict[str, Any], wanted: AlertFilter) -> bool:
    asked = {"state": wanted.state, "level": wanted.level, "kind": wanted.kind}
    return all(value is None or alert[name] == value for name, value in asked.items())

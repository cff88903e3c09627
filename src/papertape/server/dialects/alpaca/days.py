"""Clock and calendar of the stock exchange that the world has, in New York time.

A world without a calendar of its own never closes: it is open at all times, and each day ends at
midnight in New York. Calendars are slow to load the first time, so callers ask from a thread.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from papertape.markets.calendars import (
    ALWAYS_OPEN,
    CalendarSessions,
    Session,
    Sessions,
    is_open,
)

NEW_YORK = ZoneInfo("America/New_York")
SECOND_NS = 1_000_000_000
SHORT = timedelta(days=800)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2029, 12, 31)
END_OF_TIME = date(9999, 12, 20)
"""The last day of which the days after it can be told, too."""


class LocalDays:
    """Whole days, from midnight to midnight in New York."""

    has_auctions = False
    extended_ns = (0, 0)

    def at_or_after(self, time_ns: int) -> Session:
        """The day of a time."""
        day = day_of(time_ns)
        return Session(start_of(day), start_of(day + timedelta(days=1)))

    def before(self, time_ns: int) -> Session:
        """The day before that of a time."""
        return self.at_or_after(self.at_or_after(time_ns).open_ns - 1)


class TradingDays:
    """The sessions of one calendar; not for two threads at once."""

    def __init__(self, calendar: str) -> None:
        self.is_always = calendar in ALWAYS_OPEN
        self._every: list[dict[str, str]] | None = None
        self._every_text: bytes | None = None
        self._sessions: Sessions = LocalDays() if self.is_always else CalendarSessions(calendar)

    @property
    def extended_ns(self) -> tuple[int, int]:
        """How long is traded before and after the regular hours."""
        return self._sessions.extended_ns

    def clock(self, now_ns: int, zone: tzinfo = NEW_YORK) -> dict[str, object]:
        """Whether it is open, and when that changes."""
        running = is_open(self._sessions, now_ns)
        session = self._sessions.at_or_after(now_ns)
        following = None if session is None else self._sessions.at_or_after(session.close_ns)
        opening = following if running else session
        return {
            "timestamp": local_text(now_ns, zone),
            "is_open": running,
            "next_open": local_text(now_ns if opening is None else opening.open_ns, zone),
            "next_close": local_text(now_ns if session is None else session.close_ns, zone),
        }

    def days(self, start: date, end: date) -> list[dict[str, str]]:
        """The trading days of a range, both ends included.

        All days that are known are worked out once: they take seconds.
        """
        end = min(end, END_OF_TIME)
        if start > end:
            return []
        if end - start <= SHORT:
            return self._days(start, end)
        first, last = start.isoformat(), end.isoformat()
        return [day for day in self._every_day() if first <= day["date"] <= last]

    def every_text(self) -> bytes:
        """All days that are known, as JSON: megabytes, which are written once."""
        if self._every_text is None:
            self._every_text = msgspec.json.encode(self._every_day())
        return self._every_text

    def _every_day(self) -> list[dict[str, str]]:
        if self._every is None:
            self._every = self._days(FIRST_DAY, LAST_DAY)
        return self._every

    def _days(self, start: date, end: date) -> list[dict[str, str]]:
        found = list(self.sessions(start, end + timedelta(days=7)))
        return [
            self._day(session, found[place + 1] if place + 1 < len(found) else session)
            for place, session in enumerate(found)
            if day_of(session.open_ns) <= end
        ]

    def sessions(self, start: date, end: date) -> Iterator[Session]:
        """The sessions from one day to another."""
        time_ns, end_ns = start_of(start), start_of(end + timedelta(days=1))
        while True:
            session = self._sessions.at_or_after(time_ns)
            if session is None or session.open_ns >= end_ns:
                return
            if session.open_ns >= start_of(start):
                yield session
            time_ns = session.close_ns

    def phase(self, now_ns: int, zone: tzinfo = NEW_YORK) -> dict[str, object]:
        """The part of the day that runs, as the third version of the clock tells it."""
        clock = self.clock(now_ns, zone)
        today = day_of(now_ns)
        first = self._sessions.at_or_after(start_of(today))
        name, until_ns = self._phase_at(now_ns)
        return {
            "timestamp": clock["timestamp"],
            "is_market_day": first is not None and day_of(first.open_ns) == today,
            "next_market_open": clock["next_open"],
            "next_market_close": clock["next_close"],
            "phase": name,
            "phase_until": local_text(until_ns, zone),
        }

    def _phase_at(self, now_ns: int) -> tuple[str, int]:
        """The name of the part of the day, and when it ends; now where no day is to come."""
        before_ns, after_ns = self._sessions.extended_ns
        session = self._sessions.at_or_after(now_ns - after_ns)
        if session is None:
            return "closed", now_ns
        for name, until_ns in (
            ("closed", session.open_ns - before_ns),
            ("pre", session.open_ns),
            ("core", session.close_ns),
        ):
            if now_ns < until_ns:
                return name, until_ns
        # Behind the close, while orders for extended hours still trade.
        return "post", session.close_ns + after_ns

    def whole_days(self, start: date, end: date, zone: tzinfo) -> list[dict[str, str]]:
        """The trading days of a range with all parts as times; `SHORT` at most."""
        end = min(end, END_OF_TIME)
        if start > end:
            return []
        settled = {one["date"]: one["settlement_date"] for one in self._days(start, end)}
        days = [self._whole_day(session, zone) for session in self.sessions(start, end)]
        return [day | {"settlement_date": settled[day["date"]]} for day in days]

    def _whole_day(self, session: Session, zone: tzinfo) -> dict[str, str]:
        before_ns, after_ns = self._sessions.extended_ns
        parts = {"core": (session.open_ns, session.close_ns)}
        if before_ns:
            parts["pre"] = (session.open_ns - before_ns, session.open_ns)
        if after_ns:
            parts["post"] = (session.close_ns, session.close_ns + after_ns)
        day = {"date": day_of(session.open_ns).isoformat()}
        for name, (start_ns, end_ns) in parts.items():
            day[f"{name}_start"] = local_text(start_ns, zone)
            day[f"{name}_end"] = local_text(end_ns, zone)
        return day

    def day_began(self, now_ns: int) -> int:
        """When the running day, or the last one that ran, opened."""
        session = self._sessions.at_or_after(now_ns)
        if session is not None and session.open_ns <= now_ns:
            return session.open_ns
        before = self._sessions.before(now_ns)
        return now_ns if before is None else before.open_ns

    def _day(self, session: Session, following: Session) -> dict[str, str]:
        before_ns, after_ns = self._sessions.extended_ns
        opens, closes = _local(session.open_ns), _local(session.close_ns)
        ends = _local(session.close_ns + after_ns)
        return {
            "date": opens.date().isoformat(),
            "open": f"{opens:%H:%M}",
            "close": "23:59" if self.is_always else f"{closes:%H:%M}",
            "session_open": f"{_local(session.open_ns - before_ns):%H%M}",
            "session_close": "2359" if self.is_always else f"{ends:%H%M}",
            "settlement_date": day_of(following.open_ns).isoformat(),
        }


def local_text(time_ns: int, zone: tzinfo = NEW_YORK) -> str:
    """A time in New York, such as 2026-11-20T05:46:00.123456-05:00, or in another zone."""
    return _local(time_ns).astimezone(zone).isoformat()


def day_of(time_ns: int) -> date:
    """The day in New York."""
    return _local(time_ns).date()


def start_of(day: date) -> int:
    """Midnight in New York, in nanoseconds since 1970."""
    return int(datetime.combine(day, time(), NEW_YORK).timestamp()) * SECOND_NS


def _local(time_ns: int) -> datetime:
    seconds, rest = divmod(time_ns, SECOND_NS)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)
    return moment.astimezone(NEW_YORK)

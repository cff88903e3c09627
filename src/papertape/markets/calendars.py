"""When an exchange trades: the sessions of its calendar and the parts of its day, in world time.

`Sessions` is the small question that the schedule asks; `CalendarSessions` answers it from the
`exchange_calendars` library (holidays and early closes included), `WholeDays` for exchanges that
never close. A lunch break does not interrupt a session: DAY orders end with the day, not at lunch.
`phase_at` adds what lies around the regular hours: auctions, and the extended hours of US stocks.

The library brings pandas, which is slow to import, so it is loaded when a calendar is first asked.
"""

from __future__ import annotations

import logging
import warnings
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

_log = logging.getLogger(__name__)

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
ALWAYS_OPEN = frozenset({"24/7", "always"})
"""Calendars of exchanges that never close; no session is ever told for them."""

LOADED_BEHIND = timedelta(days=40)
LOADED_AHEAD = timedelta(days=5 * 366)
"""One reading of a calendar; longer ones take no longer, but a far future is not certain."""

MARGIN_NS = 40 * DAY_NS
"""No exchange rests longer than this between two sessions that are near each other."""

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)
"""World times are nanoseconds in 64 bits, and so are the library's: they end in 2262."""


CALL_NS = SECOND_NS
"""How long an auction collects orders: before the regular hours, and after them."""

HOUR_NS = 3_600 * SECOND_NS
EXTENDED_NS = {"XNYS": (11 * HOUR_NS // 2, 4 * HOUR_NS), "XNAS": (11 * HOUR_NS // 2, 4 * HOUR_NS)}
"""Pre-market before the opening and post-market after the close, by calendar: of US stocks from
4:00 to 20:00 New York, and until 17:00 after an early close (Nasdaq, "U.S. Equities Trading
Hours")."""


class Session(NamedTuple):
    """One session of an exchange: from `open_ns` up to, but not including, `close_ns`."""

    open_ns: int
    close_ns: int


class Phase(NamedTuple):
    """A part of an exchange's day, in the words of the engine's `session` command."""

    state: str
    auction: str | None
    until_ns: int | None
    """When the next part begins; None when no session is to come."""
    opens_ns: int | None
    """When the next regular hours begin; None when none are to come."""
    session: Session | None
    """The day that it belongs to; None while the exchange is closed."""


class Sessions(Protocol):
    """The sessions of one exchange."""

    has_auctions: bool
    """Whether regular hours begin and end with an auction."""
    extended_ns: tuple[int, int]
    """How long orders for extended hours trade before and after the regular hours."""

    def at_or_after(self, time_ns: int) -> Session | None:
        """The session that runs at a time, else the next one; None when there is none any more."""
        ...

    def before(self, time_ns: int) -> Session | None:
        """The last session that had closed by a time; None when none is known."""
        ...


def is_open(sessions: Sessions, time_ns: int) -> bool:
    """Whether a session runs at `time_ns`; it does at its opening, it does not at its close."""
    session = sessions.at_or_after(time_ns)
    return session is not None and session.open_ns <= time_ns


def phase_at(sessions: Sessions, time_ns: int) -> Phase:
    """The part of the day that a time lies in; each begins at its first nanosecond."""
    tail_ns = sessions.extended_ns[1] + (CALL_NS if sessions.has_auctions else 0)
    session = sessions.at_or_after(time_ns - tail_ns)
    if session is not None and _parts(sessions, session)[-1][0] <= time_ns:
        session = sessions.at_or_after(time_ns)
    if session is None:
        return Phase("closed", None, None, None, None)
    parts = _parts(sessions, session)
    begun = [part for part in parts if part[0] <= time_ns]
    if not begun:
        return Phase("closed", None, parts[0][0], session.open_ns, None)
    opens_ns: int | None = session.open_ns
    if time_ns >= session.open_ns:
        following = sessions.at_or_after(session.close_ns)
        opens_ns = None if following is None else following.open_ns
    _, state, auction = begun[-1]
    return Phase(state, auction, parts[len(begun)][0], opens_ns, session)


def _parts(sessions: Sessions, session: Session) -> list[tuple[int, str, str | None]]:
    """When each part of a day begins, the closed time behind it last."""
    (before_ns, after_ns), (open_ns, close_ns) = sessions.extended_ns, session
    call_ns = CALL_NS if sessions.has_auctions else 0
    parts: list[tuple[int, str, str | None]] = []
    if before_ns:
        parts.append((open_ns - before_ns, "pre_market", None))
    if call_ns:
        parts.append((open_ns - call_ns, "auction", "open"))
    parts.append((open_ns, "open", None))
    if call_ns:
        parts.append((close_ns, "auction", "close"))
    if after_ns:
        parts.append((close_ns + call_ns, "post_market", None))
    parts.append((close_ns + max(after_ns, call_ns), "closed", None))
    return parts


class WholeDays:
    """An exchange that never closes; a session ends and the next begins at 00:00 UTC."""

    has_auctions = False
    extended_ns = (0, 0)

    def at_or_after(self, time_ns: int) -> Session:
        """The day of a time."""
        midnight_ns = time_ns - time_ns % DAY_NS
        return Session(midnight_ns, midnight_ns + DAY_NS)

    def before(self, time_ns: int) -> Session:
        """The day before that of a time."""
        return self.at_or_after(time_ns - DAY_NS)


class CalendarSessions:
    """The regular sessions of a calendar by its code, such as XNYS; raises ValueError if unknown.

    A few years around the time asked are read at once, and read again when time leaves them, so a
    fast world costs a quarter of a second every few years. Where the calendar's own data end,
    there is no session any more, and the log says so.
    """

    has_auctions = True

    def __init__(self, code: str) -> None:
        self._code = code
        self.extended_ns = EXTENDED_NS.get(code, (0, 0))
        self._first, self._last = _bounds(code)
        self._opens: list[int] = []
        self._closes: list[int] = []
        self._from_ns, self._until_ns = 0, -1
        self._has_ended = False

    def at_or_after(self, time_ns: int) -> Session | None:
        """The session that runs at a time, else the next; None behind the calendar's end."""
        self._cover(time_ns)
        place = bisect_right(self._closes, time_ns)
        if place < len(self._closes):
            return Session(self._opens[place], self._closes[place])
        if not self._has_ended:
            self._has_ended = True
            _log.warning("the calendar %s ends on %s: closed from then on", self._code, self._last)
        return None

    def before(self, time_ns: int) -> Session | None:
        """The last session that had closed by a time; None before the calendar's beginning."""
        self._cover(time_ns)
        place = bisect_right(self._closes, time_ns) - 1
        return Session(self._opens[place], self._closes[place]) if place >= 0 else None

    def _cover(self, time_ns: int) -> None:
        if self._from_ns <= time_ns < self._until_ns:
            return
        # A time outside the calendar's data is answered from the data nearest to it.
        day = min(max(_day_of(time_ns), self._first), self._last)
        start = max(day - LOADED_BEHIND, self._first)
        end = min(day + LOADED_AHEAD, self._last)
        calendar = _calendar(self._code, start, end)
        self._opens = calendar.opens_nanos.tolist()
        self._closes = calendar.closes_nanos.tolist()
        is_first, is_last = start == self._first, end == self._last
        self._from_ns = -(2**63) if is_first else _start_of(start) + MARGIN_NS // 2
        self._until_ns = 2**63 if is_last else _start_of(end) - MARGIN_NS


def _bounds(code: str) -> tuple[date, date]:
    """The first and last day that a calendar can tell about."""
    from exchange_calendars import errors

    try:
        calendar = _calendar(code)
    except errors.InvalidCalendarName:
        known = "use a code of exchange_calendars such as XNYS, or 24/7"
        raise ValueError(f"no calendar is called {code!r}: {known}") from None
    first, last = calendar.bound_min(), calendar.bound_max()
    return (
        FIRST_DAY if first is None else max(first.date(), FIRST_DAY),
        LAST_DAY if last is None else min(last.date(), LAST_DAY),
    )


def _calendar(code: str, start: date | None = None, end: date | None = None) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        # The library uses members of pandas that its version 3 deprecates. That concerns neither
        # us nor the numbers; outside of this call deprecations stay errors in the tests.
        warnings.simplefilter("ignore", DeprecationWarning)
        return exchange_calendars.get_calendar(code, start=start, end=end)


def _day_of(time_ns: int) -> date:
    seconds = min(max(time_ns // SECOND_NS, 0), _start_of(LAST_DAY) // SECOND_NS)
    return datetime.fromtimestamp(seconds, UTC).date()


def _start_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_NS

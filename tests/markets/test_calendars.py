"""When real exchanges trade, as tables of known facts."""

import logging
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from papertape.markets.calendars import (
    CalendarSessions,
    Session,
    Sessions,
    WholeDays,
    is_open,
    phase_at,
)

SECOND_NS = 10**9


def ns(text: str) -> int:
    """The nanoseconds of a time such as 2026-01-05 14:30 (UTC)."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


def shown(session: Session | None) -> str:
    """A session as day, opening and close."""
    if session is None:
        return "none"
    opened, closed = (datetime.fromtimestamp(one // SECOND_NS, UTC) for one in session)
    return f"{opened:%Y-%m-%d %H:%M} - {closed:%H:%M}"


@pytest.fixture(scope="module")
def new_york() -> Sessions:
    return CalendarSessions("XNYS")


FACTS = """
    2026-01-05 14:29   closed   2026-01-05 14:30 - 21:00   before the opening
    2026-01-05 14:30   open     2026-01-05 14:30 - 21:00   at the opening
    2026-01-05 20:59   open     2026-01-05 14:30 - 21:00   the last minute
    2026-01-05 21:00   closed   2026-01-06 14:30 - 21:00   at the close
    2026-01-09 21:00   closed   2026-01-12 14:30 - 21:00   a week-end
    2026-01-16 22:00   closed   2026-01-20 14:30 - 21:00   and Martin Luther King's day
    2026-03-06 20:30   open     2026-03-06 14:30 - 21:00   the last day of winter time
    2026-03-07 12:00   closed   2026-03-09 13:30 - 20:00   the first of summer time
    2026-03-09 20:30   closed   2026-03-10 13:30 - 20:00   an hour earlier in UTC
    2026-10-30 19:00   open     2026-10-30 13:30 - 20:00   the last day of summer time
    2026-11-01 12:00   closed   2026-11-02 14:30 - 21:00   the first of winter time
    2026-11-25 21:00   closed   2026-11-27 14:30 - 18:00   the eve of Thanksgiving
    2026-11-26 16:00   closed   2026-11-27 14:30 - 18:00   Thanksgiving
    2026-11-27 17:59   open     2026-11-27 14:30 - 18:00   the day after
    2026-11-27 18:00   closed   2026-11-30 14:30 - 21:00   closes early
    2026-12-24 17:30   open     2026-12-24 14:30 - 18:00   Christmas Eve
    2026-12-25 16:00   closed   2026-12-28 14:30 - 21:00   Christmas
    2040-07-03 12:00   closed   2040-07-03 13:30 - 17:00   many years away
    1999-12-30 16:00   open     1999-12-30 14:30 - 21:00   many years ago
"""


@pytest.mark.parametrize("fact", FACTS.strip().splitlines())
def test_new_york_trades_in_its_regular_sessions(new_york: Sessions, fact: str) -> None:
    at, state, session = fact.strip()[:16], fact.strip()[19:25].strip(), fact.strip()[28:52]
    assert shown(new_york.at_or_after(ns(at))) == session
    assert is_open(new_york, ns(at)) == (state == "open")


def test_the_last_session_that_has_closed_is_known(new_york: Sessions) -> None:
    assert shown(new_york.before(ns("2026-11-29 12:00"))) == "2026-11-27 14:30 - 18:00"
    assert shown(new_york.before(ns("2026-11-27 16:00"))) == "2026-11-25 14:30 - 21:00"
    assert shown(new_york.before(ns("2026-11-27 18:00"))) == "2026-11-27 14:30 - 18:00"


def test_walking_through_thirty_years_meets_every_session_once() -> None:
    new_york, time_ns, sessions = CalendarSessions("XNYS"), ns("2026-01-01 00:00"), []
    while time_ns < ns("2056-01-01 00:00"):
        session = new_york.at_or_after(time_ns)
        assert session is not None
        assert new_york.before(session.close_ns) == session
        sessions.append(session)
        time_ns = session.close_ns
    assert 250 <= len(sessions) / 30 <= 253
    for earlier, later in pairwise(sessions):
        assert earlier.close_ns < later.open_ns < earlier.close_ns + 6 * 86_400 * SECOND_NS
    again = CalendarSessions("XNYS")
    middle = sessions[len(sessions) // 2]
    assert again.at_or_after(middle.open_ns - 1) == middle


def test_behind_the_end_of_a_calendar_nothing_opens_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hong_kong = CalendarSessions("XHKG")
    assert shown(hong_kong.at_or_after(ns("2049-12-30 00:00"))) == "2049-12-30 01:30 - 08:00"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert hong_kong.at_or_after(ns("2050-06-01 12:00")) is None
    assert [record.getMessage() for record in caplog.records] == [
        "the calendar XHKG ends on 2049-12-31: closed from then on"
    ]
    assert not is_open(hong_kong, ns("2250-01-03 03:00"))
    assert shown(hong_kong.before(2**63 - 1)).startswith("2049-12-31")


def test_before_the_beginning_of_a_calendar_its_first_session_is_next() -> None:
    hong_kong = CalendarSessions("XHKG")
    first = hong_kong.at_or_after(ns("1950-06-01 12:00"))
    assert shown(first).startswith("1960-01-04") or shown(first).startswith("1970")
    assert hong_kong.before(ns("1950-06-01 12:00")) is None


def test_a_lunch_break_does_not_end_a_session() -> None:
    tokyo = CalendarSessions("XTKS")
    assert shown(tokyo.at_or_after(ns("2026-11-10 03:00"))) == "2026-11-10 00:00 - 06:30"
    assert is_open(tokyo, ns("2026-11-10 03:00"))


def test_an_unknown_calendar_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="no calendar is called 'XNIL': use a code"):
        CalendarSessions("XNIL")


def test_whole_days_follow_each_other_without_a_gap() -> None:
    days = WholeDays()
    for at in ("2026-11-26 00:00", "2026-11-26 23:59"):
        assert is_open(days, ns(at))
        session = days.at_or_after(ns(at))
        assert session == Session(ns("2026-11-26 00:00"), ns("2026-11-27 00:00"))
        assert days.before(ns(at)).close_ns == session.open_ns


def test_pandas_is_not_loaded_before_a_calendar_is_asked() -> None:
    code = "import sys, papertape.markets.scheduled; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("at", "state", "auction", "until", "opens"),
    [
        ("2026-11-25 08:59:59", "closed", None, "2026-11-25 09:00", "2026-11-25 14:30"),
        ("2026-11-25 09:00:00", "pre_market", None, "2026-11-25 14:29:59", "2026-11-25 14:30"),
        ("2026-11-25 14:29:59", "auction", "open", "2026-11-25 14:30", "2026-11-25 14:30"),
        ("2026-11-25 14:30:00", "open", None, "2026-11-25 21:00", "2026-11-27 14:30"),
        ("2026-11-25 21:00:00", "auction", "close", "2026-11-25 21:00:01", "2026-11-27 14:30"),
        ("2026-11-25 21:00:01", "post_market", None, "2026-11-26 01:00", "2026-11-27 14:30"),
        ("2026-11-26 01:00:00", "closed", None, "2026-11-27 09:00", "2026-11-27 14:30"),
        ("2026-11-27 18:00:01", "post_market", None, "2026-11-27 22:00", "2026-11-30 14:30"),
        ("2026-11-27 22:00:00", "closed", None, "2026-11-30 09:00", "2026-11-30 14:30"),
    ],
)
def test_the_parts_of_a_day_in_new_york(
    new_york: Sessions, at: str, state: str, auction: str | None, until: str, opens: str
) -> None:
    phase = phase_at(new_york, ns(at))
    assert (phase.state, phase.auction, phase.until_ns) == (state, auction, ns(until))
    assert phase.opens_ns == ns(opens)


def test_elsewhere_a_day_has_auctions_and_no_extended_hours() -> None:
    london = CalendarSessions("XLON")
    parts = ("2026-11-25 07:59:58", "2026-11-25 08:00:00", "2026-11-25 16:30:00.5")
    assert [phase_at(london, ns(at)).state for at in parts] == ["closed", "open", "auction"]
    assert phase_at(london, ns("2026-11-25 16:30:01")).state == "closed"


def test_a_day_without_end_is_always_open() -> None:
    phase = phase_at(WholeDays(), ns("2026-11-25 00:00"))
    assert (phase.state, phase.until_ns) == ("open", ns("2026-11-26 00:00"))


def test_behind_the_end_of_a_calendar_nothing_comes() -> None:
    hong_kong = CalendarSessions("XHKG")
    assert phase_at(hong_kong, ns("2250-01-03 03:00")) == ("closed", None, None, None, None)

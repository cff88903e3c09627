"""Clock, calendar and portfolio windows against the calendar of New York."""

from datetime import UTC, date

import pytest

from papertape.domain.time_text import parse_time
from papertape.server.dialects.alpaca.activities import page_id
from papertape.server.dialects.alpaca.days import TradingDays
from papertape.server.dialects.alpaca.portfolio import (
    cashflow_of,
    history_of,
    usual_timeframe,
    windows_of,
)
from papertape.server.dialects.alpaca.times import moment
from papertape.server.problems import Problem


@pytest.fixture(scope="module")
def days() -> TradingDays:
    return TradingDays("XNYS")


CLOCK = [
    ("2026-11-20T15:00:00Z", True, "2026-11-23T09:30:00-05:00", "2026-11-20T16:00:00-05:00"),
    ("2026-11-20T21:00:00Z", False, "2026-11-23T09:30:00-05:00", "2026-11-23T16:00:00-05:00"),
    ("2026-11-26T15:00:00Z", False, "2026-11-27T09:30:00-05:00", "2026-11-27T13:00:00-05:00"),
    ("2026-07-01T12:00:00Z", False, "2026-07-01T09:30:00-04:00", "2026-07-01T16:00:00-04:00"),
]


@pytest.mark.parametrize(("now", "is_open", "opens", "closes"), CLOCK)
def test_the_clock(days, now, is_open, opens, closes) -> None:
    clock = days.clock(parse_time(now))
    assert (clock["is_open"], clock["next_open"], clock["next_close"]) == (is_open, opens, closes)


def test_the_calendar_knows_holidays_and_early_closes(days) -> None:
    found = days.days(date(2026, 11, 25), date(2026, 11, 30))
    assert [(one["date"], one["close"], one["settlement_date"]) for one in found] == [
        ("2026-11-25", "16:00", "2026-11-27"),
        ("2026-11-27", "13:00", "2026-11-30"),
        ("2026-11-30", "16:00", "2026-12-01"),
    ]
    assert {(one["open"], one["session_open"]) for one in found} == {("09:30", "0400")}
    assert [one["session_close"] for one in found] == ["2000", "1700", "2000"]


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_the_calendar_ends_where_dates_end(calendar) -> None:
    days = TradingDays(calendar)
    for start in (date(9999, 12, 1), date.max):
        found = [one["date"] for one in days.days(start, date.max)]
        whole = [one["date"] for one in days.whole_days(start, date.max, UTC)]
        assert found == whole
        assert bool(found) == (calendar == "24/7" and start != date.max)


PHASES = [
    # (now, market day, phase, until)
    ("2026-11-20T08:59:00Z", True, "closed", "2026-11-20T04:00:00-05:00"),
    ("2026-11-20T09:00:00Z", True, "pre", "2026-11-20T09:30:00-05:00"),
    ("2026-11-20T14:30:00Z", True, "core", "2026-11-20T16:00:00-05:00"),
    ("2026-11-20T21:00:00Z", True, "post", "2026-11-20T20:00:00-05:00"),
    ("2026-11-21T00:59:59Z", True, "post", "2026-11-20T20:00:00-05:00"),
    ("2026-11-21T01:00:00Z", True, "closed", "2026-11-23T04:00:00-05:00"),
    ("2026-11-21T15:00:00Z", False, "closed", "2026-11-23T04:00:00-05:00"),
    ("2026-11-26T15:00:00Z", False, "closed", "2026-11-27T04:00:00-05:00"),
    ("2026-11-27T18:00:00Z", True, "post", "2026-11-27T17:00:00-05:00"),
]


@pytest.mark.parametrize(("now", "market_day", "name", "until"), PHASES)
def test_the_parts_of_a_day(days, now, market_day, name, until) -> None:
    told = days.phase(parse_time(now))
    assert (told["is_market_day"], told["phase"], told["phase_until"]) == (market_day, name, until)
    clock = days.clock(parse_time(now))
    assert (name == "core") == clock["is_open"]
    assert told["next_market_open"] == clock["next_open"]


def test_whole_days_have_the_parts_as_times(days) -> None:
    early, late = days.whole_days(date(2026, 11, 26), date(2026, 11, 30), UTC)
    assert early == {
        "date": "2026-11-27",
        "pre_start": "2026-11-27T09:00:00+00:00",
        "pre_end": "2026-11-27T14:30:00+00:00",
        "core_start": "2026-11-27T14:30:00+00:00",
        "core_end": "2026-11-27T18:00:00+00:00",
        "post_start": "2026-11-27T18:00:00+00:00",
        "post_end": "2026-11-27T22:00:00+00:00",
        "settlement_date": "2026-11-30",
    }
    assert late["core_end"] == "2026-11-30T21:00:00+00:00"


def ns(text: str) -> int:
    return parse_time(text)


CURVE = [
    {"time": "2026-11-19T15:00:00Z", "equity": "100.00"},
    {"time": "2026-11-20T14:40:00Z", "equity": "110.00"},
    {"time": "2026-11-20T20:59:00Z", "equity": "105.00"},
]


def test_windows_within_a_day_lie_in_the_session(days) -> None:
    windows = windows_of(
        days, ns("2026-11-20T05:00:00Z"), ns("2026-11-21T05:00:00Z"), "1H", "market_hours"
    )
    assert len(windows) == 7
    history = history_of(windows, CURVE[0], CURVE[1:], "1H", per_day=True)
    assert history["equity"] == [110.0] * 6 + [105.0]
    assert history["profit_loss"] == [10.0] * 6 + [5.0]
    assert history["profit_loss_pct"][-1] == 0.05
    assert history["timestamp"][0] == ns("2026-11-20T14:30:00Z") // 10**9
    extended = windows_of(
        days, ns("2026-11-20T05:00:00Z"), ns("2026-11-21T05:00:00Z"), "1H", "extended_hours"
    )
    assert len(extended) == 16


def test_daily_windows_are_trading_days_from_the_first_known_equity_on(days) -> None:
    windows = windows_of(
        days, ns("2026-11-14T05:00:00Z"), ns("2026-11-24T05:00:00Z"), "1D", "market_hours"
    )
    history = history_of(windows, None, CURVE, "1D", per_day=False)
    assert history["equity"] == [100.0, 105.0, 105.0]
    assert history["profit_loss"] == [0.0, 5.0, 5.0]
    assert history["base_value"] == 100.0
    flows = cashflow_of(windows[-3:], [("CSD", ns("2026-11-20T12:00:00Z"), 7), ("CSD", 0, 1)])
    assert flows == {"CSD": [0.0, 7.0, 0.0]}


def test_a_loss_resets_with_the_day_where_that_is_asked_for(days) -> None:
    span = (ns("2026-11-19T05:00:00Z"), ns("2026-11-21T05:00:00Z"))
    windows = windows_of(days, *span, "1H", "market_hours")
    by_day = history_of(windows, None, CURVE, "1H", per_day=True)
    whole = history_of(windows, None, CURVE, "1H", per_day=False)
    assert by_day["profit_loss"] == whole["profit_loss"]
    later = [*CURVE, {"time": "2026-11-23T15:00:00Z", "equity": "106.00"}]
    windows = windows_of(days, span[0], ns("2026-11-24T05:00:00Z"), "1H", "market_hours")
    assert history_of(windows, None, later, "1H", per_day=True)["profit_loss"][-1] == 1.0
    assert history_of(windows, None, later, "1H", per_day=False)["profit_loss"][-1] == 6.0


def test_no_history_has_too_many_points(days) -> None:
    with pytest.raises(Problem, match="too many points"):
        windows_of(days, 0, ns("2026-11-20T05:00:00Z"), "1Min", "continuous")


def test_the_usual_timeframe_follows_from_the_period() -> None:
    assert [usual_timeframe(days) for days in (1, 7, 30)] == ["1Min", "15Min", "1D"]


TIMES = [
    ("2026-11-20", "2026-11-20T00:00:00Z"),
    ("2026-11-20T10:00", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00.5 01:00", "2026-11-20T09:00:00.5Z"),
    ("2026-11-20 10:00:00-05:00", "2026-11-20T15:00:00Z"),
]


@pytest.mark.parametrize(("text", "meant"), TIMES)
def test_times_are_read_in_all_their_forms(text: str, meant: str) -> None:
    assert moment("start", text) == parse_time(meant)


def test_activities_are_named_by_their_time() -> None:
    assert page_id("2026-11-20T10:46:01.234567891Z", "x") == "20261120104601234::x"

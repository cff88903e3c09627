"""Portfolio history: the equity curve cut into windows of equal length.

Pure functions. A point is the equity at the end of its window, and carries the time of its start.
The curve has a point for each minute in which equity changed; what was before goes on until then.
"""

import bisect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from papertape.domain.time_text import MINUTE_NS, parse_time
from papertape.server.dialects.alpaca.days import SECOND_NS, TradingDays, day_of, start_of
from papertape.server.problems import malformed

DAY_NS = 86_400 * SECOND_NS
STEPS: Mapping[str, int] = {
    "1Min": MINUTE_NS,
    "5Min": 5 * MINUTE_NS,
    "15Min": 15 * MINUTE_NS,
    "1H": 60 * MINUTE_NS,
    "1D": DAY_NS,
}
POINTS_MAX = 20_000
_PERIOD = re.compile(r"(\d{1,3})([DWMA])", re.ASCII)
_DAYS_OF_UNIT = {"D": 1, "W": 7, "M": 30, "A": 365}


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_ns` up to, but not including, `end_ns`; `day` is its trading day."""

    start_ns: int
    end_ns: int
    day: date


def period_days(period: str) -> int:
    """The days of `1D`, `2W`, `1M`, `1A`; raises `Problem` 422."""
    match = _PERIOD.fullmatch(period)
    if match is None or not int(match[1]):
        raise malformed(
            "period: a number and D, W, M or A, such as 1M", field="period", value=period
        )
    return int(match[1]) * _DAYS_OF_UNIT[match[2]]


def usual_timeframe(days: int) -> str:
    """What Alpaca takes for a period when none is asked for."""
    if days < 7:
        return "1Min"
    return "15Min" if days < 30 else "1D"


def windows_of(
    days: TradingDays, start_ns: int, end_ns: int, timeframe: str, reporting: str
) -> list[Window]:
    """The windows of a span; raises `Problem` 422 for too many.

    `reporting` is market_hours, extended_hours or continuous, and counts within a day only.
    """
    step = STEPS[timeframe]
    if (end_ns - start_ns) / step > POINTS_MAX * 5:
        raise malformed(
            "timeframe: too many points; ask for a longer timeframe or a shorter period"
        )
    if days.is_always or reporting == "continuous":
        windows = _continuous(start_ns, end_ns, step)
    else:
        windows = _in_sessions(days, start_ns, end_ns, step, reporting == "extended_hours")
    if len(windows) > POINTS_MAX:
        raise malformed(
            "timeframe: too many points; ask for a longer timeframe or a shorter period"
        )
    return windows


def _continuous(start_ns: int, end_ns: int, step: int) -> list[Window]:
    if step == DAY_NS:
        return _whole_days(day_of(start_ns), day_of(end_ns - 1))
    first = start_ns - start_ns % step
    return [Window(at, at + step, day_of(at)) for at in range(first, end_ns, step)]


def _whole_days(first: date, last: date) -> list[Window]:
    count = (last - first).days + 1
    days = [first + timedelta(days=number) for number in range(count)]
    return [Window(start_of(day), start_of(day + timedelta(days=1)), day) for day in days]


def _in_sessions(
    days: TradingDays, start_ns: int, end_ns: int, step: int, extended: bool
) -> list[Window]:
    windows: list[Window] = []
    for session in days.sessions(day_of(start_ns), day_of(end_ns)):
        day = day_of(session.open_ns)
        if step == DAY_NS:
            windows.append(Window(start_of(day), start_of(day + timedelta(days=1)), day))
            continue
        before_ns, after_ns = days.extended_ns if extended else (0, 0)
        first, last = session.open_ns - before_ns, session.close_ns + after_ns
        windows += [Window(at, at + step, day) for at in range(first, last, step)]
    return [window for window in windows if window.start_ns < end_ns and window.end_ns > start_ns]


def history_of(
    windows: Sequence[Window],
    before: Mapping[str, Any] | None,
    curve: Sequence[Mapping[str, Any]],
    timeframe: str,
    *,
    per_day: bool,
) -> dict[str, Any]:
    """The object of the wire; `before` is the last point in front of the windows.

    Windows before the first equity that is known are left out.
    """
    known = [*([before] if before else []), *curve]
    times = [parse_time(point["time"]) for point in known]
    points: list[tuple[Window, Decimal]] = []
    for window in windows:
        place = bisect.bisect_left(times, window.end_ns)
        if place:
            points.append((window, Decimal(known[place - 1]["equity"])))
    base = Decimal(known[0]["equity"]) if known else Decimal(0)
    gains = _gains(points, base, per_day=per_day)
    return {
        "timestamp": [window.start_ns // SECOND_NS for window, _ in points],
        "equity": [float(equity) for _, equity in points],
        "profit_loss": [float(gain) for gain, _ in gains],
        "profit_loss_pct": [float(round(gain / of, 9)) if of else None for gain, of in gains],
        "base_value": float(base),
        "base_value_asof": windows[0].day.isoformat() if windows else None,
        "timeframe": timeframe,
    }


def _gains(
    points: Sequence[tuple[Window, Decimal]], base: Decimal, *, per_day: bool
) -> list[tuple[Decimal, Decimal]]:
    """Gain of each point and what it is a gain on: the start of the period, or of its day."""
    gains: list[tuple[Decimal, Decimal]] = []
    began, day, last = base, points[0][0].day if points else None, base
    for window, equity in points:
        if per_day and window.day != day:
            began, day = last, window.day
        gains.append((equity - began, began))
        last = equity
    return gains


def cashflow_of(
    windows: Sequence[Window], amounts: Iterable[tuple[str, int, Decimal]]
) -> dict[str, list[float]]:
    """The money of each type in each window; `amounts` are (type, time, amount)."""
    starts = [window.start_ns for window in windows]
    flows: dict[str, list[Decimal]] = {}
    for kind, time_ns, amount in amounts:
        place = bisect.bisect_right(starts, time_ns) - 1
        if place < 0:
            continue
        flows.setdefault(kind, [Decimal(0)] * len(windows))[place] += amount
    return {kind: [float(amount) for amount in row] for kind, row in flows.items()}

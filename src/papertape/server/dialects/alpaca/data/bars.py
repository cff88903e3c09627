"""Bars of any of Alpaca's timeframes, made of what the bar store keeps.

Days, weeks and months begin at midnight in New York for stocks and in UTC for coins. Only closed
minutes count, so the last bar of a long timeframe grows by the minute. Minutes are adjusted for
corporate actions before longer bars are made of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from papertape.markets.bars import Bar
from papertape.markets.store import BarStore
from papertape.server.dialects.alpaca.corporate import Step
from papertape.server.dialects.alpaca.days import NEW_YORK
from papertape.server.problems import malformed

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

Unit = Literal["Min", "Hour", "Day", "Week", "Month"]
_FORM = re.compile(r"(\d{1,2})(Min|T|Hour|H|Day|D|Week|W|Month|M)", re.ASCII)
_UNITS: dict[str, Unit] = {
    "Min": "Min",
    "T": "Min",
    "Hour": "Hour",
    "H": "Hour",
    "Day": "Day",
    "D": "Day",
    "Week": "Week",
    "W": "Week",
    "Month": "Month",
    "M": "Month",
}
_COUNTS: dict[Unit, tuple[int, ...]] = {
    "Min": tuple(range(1, 60)),
    "Hour": tuple(range(1, 24)),
    "Day": (1,),
    "Week": (1,),
    "Month": (1, 2, 3, 4, 6, 12),
}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """So many minutes, hours, days, weeks or months."""

    count: int
    unit: Unit


def timeframe_of(text: str) -> Timeframe:
    """Reads `1Min`, `4Hour`, `1Day`, ...; raises `Problem` 422."""
    match = _FORM.fullmatch(text)
    frame = Timeframe(int(match[1]), _UNITS[match[2]]) if match else None
    if frame is None or frame.count not in _COUNTS[frame.unit]:
        raise malformed(
            "timeframe: 1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week, or 1, 2, 3, 4, 6 or 12Month",
            field="timeframe",
            value=text,
        )
    return frame


def read_bars(
    store: BarStore,
    symbol: str,
    timeframe: Timeframe,
    start_ns: int,
    end_ns: int,
    *,
    limit: int,
    newest_first: bool = False,
    in_new_york: bool = True,
    steps: Sequence[Step] = (),
) -> list[Bar]:
    """At most `limit` bars that begin from `start_ns` on and before `end_ns`. Blocks."""
    from papertape.markets import sealed_bars

    zone: Any = NEW_YORK if in_new_york else UTC
    # A bar begins before the first minute that is asked for, and goes on behind the last one.
    length_ns = _longest_ns(timeframe)
    columns = store.columns(symbol, start_ns - length_ns, end_ns + length_ns)
    if steps:
        factors = [(step.before_ns, float(step.price), float(step.volume)) for step in steps]
        columns = sealed_bars.adjusted(columns, factors)
    begins = _begins(columns.columns["time_ns"], timeframe, zone)
    merged = sealed_bars.merged_by(columns, begins)
    wanted = sealed_bars.between(merged, start_ns, end_ns)
    bars = sealed_bars.to_bars(wanted, -limit if newest_first else limit)
    return bars[::-1] if newest_first else bars


def _longest_ns(timeframe: Timeframe) -> int:
    days = {"Min": 0, "Hour": 1, "Day": 1, "Week": 7, "Month": 31}[timeframe.unit]
    return days * timeframe.count * DAY_NS + HOUR_NS


def _begins(times: Any, timeframe: Timeframe, zone: Any) -> Any:
    """When the bar of each time begins, in UTC."""
    import numpy as np

    if timeframe == Timeframe(1, "Min"):
        return times - times % MINUTE_NS
    hours, place = np.unique(times // HOUR_NS, return_inverse=True)
    offsets = np.array([_offset_ns(int(hour) * HOUR_NS, zone) for hour in hours], np.int64)
    local = times + offsets[place] if len(times) else times
    starts, place = np.unique(_local_begins(local, timeframe), return_inverse=True)
    in_utc = np.array([_utc_of(int(start), zone) for start in starts], np.int64)
    return in_utc[place] if len(times) else times


def _local_begins(local: Any, timeframe: Timeframe) -> Any:
    """When the bar of each local time begins, by the local clock."""
    import numpy as np

    days = local // DAY_NS
    if timeframe.unit in {"Min", "Hour"}:
        step = timeframe.count * (MINUTE_NS if timeframe.unit == "Min" else HOUR_NS)
        return days * DAY_NS + (local - days * DAY_NS) // step * step
    if timeframe.unit == "Day":
        return days * DAY_NS
    if timeframe.unit == "Week":
        return (days - (days + 3) % 7) * DAY_NS  # 1970 began on a Thursday
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    months -= months % timeframe.count
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) * DAY_NS


def _offset_ns(time_ns: int, zone: Any) -> int:
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, zone)
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * 1_000_000_000


def _utc_of(local_ns: int, zone: Any) -> int:
    naive = datetime.fromtimestamp(local_ns // 1_000_000_000, UTC).replace(tzinfo=zone)
    return int(naive.timestamp()) * 1_000_000_000

"""The plain reader: one row after the other, each checked, the first wrong one named.

It is the definition of what a market file may hold. The fast reader (`columns`) must give the same
arrays for every file that this one accepts, and hands over to this one at the first doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np

from papertape.markets.files.layout import Layout
from papertape.markets.files.market_file import PRICES, QUANTITIES, IntArray, Kind
from papertape.markets.files.scales import (
    PRICE_DIGITS_MOST,
    PRICE_MOST,
    QTY_DIGITS_MOST,
    QTY_MOST,
    scale_that_fits,
)

Refuse = Callable[[int, str], Exception]
Scaled = tuple[IntArray, int]
"""An int64 column and the scale it counts in."""

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
COMPACT_TIME = re.compile(r"(\d{8}) (\d{6})(\d{3})", re.ASCII)
EPOCH_UNIT_NS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
SMALLEST_PRICE = Decimal(1).scaleb(-PRICE_DIGITS_MOST)
SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1, "": 0}
BUYER_WAS_MAKER = {"true": -1, "1": -1, "false": 1, "0": 1}


class RowError(ValueError):
    """Why one row is refused; the caller adds where it stands."""


def read_rows(
    rows: Iterable[tuple[int, Sequence[str]]], layout: Layout, refuse: Refuse
) -> dict[str, Scaled]:
    """Read `(line, fields)` rows into one scaled column a name; raises what `refuse` makes."""
    names = ("time_ns", *PRICES[layout.kind], *QUANTITIES[layout.kind])
    times: list[int] = []
    sides: list[int] = []
    values: dict[str, list[Decimal]] = {name: [] for name in names[1:]}
    for line, fields in rows:
        try:
            row = _read_row(fields, layout)
            _check_time(times, row.time_ns, layout.kind)
        except RowError as bad:
            raise refuse(line, str(bad)) from None
        times.append(row.time_ns)
        sides.append(row.side)
        for name, value in row.values.items():
            values[name].append(value)
    return {
        "time_ns": (np.array(times, np.int64), 0),
        "side": (np.array(sides, np.int64), 0),
        **{name: _scale_column(name, column) for name, column in values.items()},
    }


class _Row:
    __slots__ = ("side", "time_ns", "values")

    def __init__(self, time_ns: int, side: int, values: dict[str, Decimal]) -> None:
        self.time_ns = time_ns
        self.side = side
        self.values = values


def _read_row(fields: Sequence[str], layout: Layout) -> _Row:
    if len(fields) != layout.width:
        raise RowError(f"{len(fields)} columns where the file has {layout.width}")
    if any("\0" in field for field in fields):
        raise RowError("holds a NUL byte")
    time_ns = parse_time(fields[layout.position["time_ns"]])
    values: dict[str, Decimal] = {}
    for name in PRICES[layout.kind]:
        values[name] = _price(name, fields[layout.position[name]])
    for name in QUANTITIES[layout.kind]:
        at = layout.position.get(name)
        values[name] = Decimal(0) if at is None else _quantity(name, fields[at])
    _CHECKS[layout.kind](values)
    return _Row(time_ns, _side(fields, layout), values)


def parse_time(text: str) -> int:
    """Turn a date, a date with time, a tick time or an epoch number into nanoseconds UTC.

    A time without zone is UTC. Raises `RowError`.
    """
    if match := ISO_TIME.fullmatch(text):
        date, minutes, seconds, fraction, zone = match.groups()
        instant = _instant(text, f"{date}T{minutes or '00:00'}:{seconds or '00'}", zone or "Z")
        return instant + int((fraction or "0").ljust(9, "0"))
    if match := COMPACT_TIME.fullmatch(text):
        day, clock, milliseconds = match.groups()
        iso = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"
        return _instant(text, iso, "Z") + int(milliseconds) * 10**6
    if text.isascii() and text.isdigit() and len(text) in EPOCH_UNIT_NS:
        return int(text) * EPOCH_UNIT_NS[len(text)]
    raise RowError(f"cannot read the time '{_short(text)}'")


def _instant(text: str, iso: str, zone: str) -> int:
    try:
        moment = datetime.fromisoformat(iso + zone)
    except ValueError:
        raise RowError(f"there is no time '{_short(text)}'") from None
    if not 1700 <= moment.year <= 2200:
        raise RowError(f"the time '{_short(text)}' is outside the years 1700 to 2200")
    past = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 10**9


def _number(name: str, text: str) -> Decimal:
    if text.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise RowError(f"{name} is not a number ('{text}')")
    if not NUMBER.fullmatch(text):
        raise RowError(f"{name} is empty" if not text else f"cannot read {name} '{_short(text)}'")
    return Decimal(text)


def _price(name: str, text: str) -> Decimal:
    value = _number(name, text)
    if value <= 0:
        raise RowError(f"{name} is {'zero' if value == 0 else 'negative'} ({_short(text)})")
    if value < SMALLEST_PRICE or value >= PRICE_MOST:
        raise RowError(f"{name} {_short(text)} is outside 1e-9 to 1e9")
    return value


def _quantity(name: str, text: str) -> Decimal:
    value = _number(name, text)
    if value < 0:
        raise RowError(f"{name} is negative ({_short(text)})")
    if value >= QTY_MOST:
        raise RowError(f"{name} {_short(text)} is above 1e18")
    return value


def _side(fields: Sequence[str], layout: Layout) -> int:
    for column, meanings in (("side", SIDES), ("buyer_maker", BUYER_WAS_MAKER)):
        at = layout.position.get(column)
        if at is not None:
            if (side := meanings.get(fields[at].lower())) is None:
                raise RowError(f"cannot read {column} '{_short(fields[at])}'")
            return side
    return 0


def _check_bar(row: dict[str, Decimal]) -> None:
    high, low = row["high"], row["low"]
    if high < low:
        raise RowError(f"high {high} is below low {low}")
    for name in ("open", "close"):
        if not low <= row[name] <= high:
            raise RowError(f"{name} {row[name]} is outside low {low} to high {high}")


def _check_quote(row: dict[str, Decimal]) -> None:
    if row["bid"] > row["ask"]:
        raise RowError(f"bid {row['bid']} is above ask {row['ask']}")


def _check_trade(row: dict[str, Decimal]) -> None:
    if row["qty"] == 0:
        raise RowError("qty is zero")


_CHECKS: dict[Kind, Callable[[dict[str, Decimal]], None]] = {
    "bars": _check_bar,
    "quotes": _check_quote,
    "trades": _check_trade,
}


def _check_time(times: list[int], time_ns: int, kind: Kind) -> None:
    if times and time_ns < times[-1]:
        raise RowError("time goes backwards")
    if times and time_ns == times[-1] and kind == "bars":
        raise RowError("the same time as the bar before")


def _scale_column(name: str, values: list[Decimal]) -> Scaled:
    is_quantity = name in {"volume", "qty", "bid_size", "ask_size"}
    most = QTY_DIGITS_MOST if is_quantity else PRICE_DIGITS_MOST
    digits = max(max(0, -int(value.as_tuple().exponent)) for value in values)
    scale = scale_that_fits(min(most, digits), int(max(values)))
    unit = Decimal(1).scaleb(-scale)
    whole = (value.quantize(unit, context=EXACT).scaleb(scale, context=EXACT) for value in values)
    return np.fromiter(map(int, whole), np.int64, len(values)), scale


def _short(text: str) -> str:
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if len(shown) <= 40 else shown[:37] + "..."

"""Bars as columns of scaled integers: what a sealed Parquet file holds, and arithmetic on it.

Imported only when bars are read or sealed, because it brings NumPy and Arrow along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from papertape.markets.bars import Bar, plain_text
from papertape.markets.files.market_file import IntArray
from papertape.markets.files.scales import decimal_text, fixed_text, scale_that_fits

FloatArray = npt.NDArray[np.float64]

NAMES = Bar._fields[:6]
PRICE_NAMES = NAMES[1:5]
UNKNOWN = -1
"""Trades of a bar that nobody counted."""


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars oldest first: an int64 array for each field of `Bar`, and what they count in.

    Turnover is a sum of products, which no 64 bits hold exactly for every price: it is a float,
    good to fifteen digits, and says nothing where trades are `UNKNOWN`.
    """

    columns: dict[str, IntArray]
    price_scale: int
    qty_scale: int
    trades: IntArray
    turnover: FloatArray

    def __len__(self) -> int:
        return len(self.columns["time_ns"])


def from_bars(bars: Sequence[Bar]) -> BarColumns:
    """Turn bars of decimal text into columns; the scale is the most decimals that any has."""
    prices = {name: [Decimal(getattr(bar, name)) for bar in bars] for name in PRICE_NAMES}
    volumes = [Decimal(bar.volume) for bar in bars]
    price_scale = _digits(price for column in prices.values() for price in column)
    qty_scale = scale_that_fits(_digits(volumes), int(max(volumes, default=Decimal(0))))
    columns = {"time_ns": np.array([bar.time_ns for bar in bars], np.int64)}
    columns |= {name: _scaled(column, price_scale) for name, column in prices.items()}
    columns["volume"] = _scaled(volumes, qty_scale)
    trades = np.array([UNKNOWN if it.trades is None else it.trades for it in bars], np.int64)
    turnover = np.array([float(it.turnover or 0) for it in bars], np.float64)
    return BarColumns(columns, price_scale, qty_scale, trades, turnover)


def to_bars(bars: BarColumns, limit: int) -> list[Bar]:
    """Turn the first `limit` bars (or the last, when negative) into bars of decimal text."""
    part = slice(0, limit) if limit >= 0 else slice(limit, None)
    lists = [bars.columns[name][part].tolist() for name in NAMES]
    lists += [bars.trades[part].tolist(), bars.turnover[part].tolist()]
    return [
        Bar._make(
            (
                row[0],
                *(fixed_text(price, bars.price_scale, bars.price_scale) for price in row[1:5]),
                decimal_text(row[5], bars.qty_scale),
                *((None, None) if row[6] == UNKNOWN else (row[6], _plain(row[7]))),
            )
        )
        for row in zip(*lists, strict=True)
    ]


def merge(parts: Sequence[BarColumns]) -> BarColumns:
    """Join parts, sort by time; where two bars have one time, that of the later part stays."""
    if not parts:
        return from_bars([])
    price_scale = max(part.price_scale for part in parts)
    qty_scale = max(part.qty_scale for part in parts)
    joined = {
        name: np.concatenate([_raised(part, name, price_scale, qty_scale) for part in parts])
        for name in NAMES
    }
    times = joined["time_ns"]
    order = np.argsort(times, kind="stable")
    in_order = times[order]
    is_last = np.append(in_order[1:] != in_order[:-1], True) if len(times) else order
    kept = order[is_last]
    return BarColumns(
        {name: joined[name][kept] for name in NAMES},
        price_scale,
        qty_scale,
        np.concatenate([part.trades for part in parts])[kept],
        np.concatenate([part.turnover for part in parts])[kept],
    )


def between(bars: BarColumns, start_ns: int | None, end_ns: int | None) -> BarColumns:
    """Keep the bars from `start_ns` on and before `end_ns`."""
    times = bars.columns["time_ns"]
    first = 0 if start_ns is None else int(np.searchsorted(times, start_ns))
    last = len(times) if end_ns is None else int(np.searchsorted(times, end_ns))
    kept = {name: column[first:last] for name, column in bars.columns.items()}
    trades, turnover = bars.trades[first:last], bars.turnover[first:last]
    return BarColumns(kept, bars.price_scale, bars.qty_scale, trades, turnover)


def count_buckets(bars: BarColumns, step_ns: int) -> int:
    """Count the bars that `aggregate` would make."""
    return len(_bucket_starts(bars.columns["time_ns"], step_ns))


def aggregate(bars: BarColumns, step_ns: int) -> BarColumns:
    """Make bars of `step_ns`; bars that are longer already stay as they are."""
    times = bars.columns["time_ns"]
    return merged_by(bars, times - times % step_ns)


def adjusted(
    bars: BarColumns, steps: Sequence[tuple[int, float, float]], digits: int = 6
) -> BarColumns:
    """Multiply what lies before a time: `steps` are (time, factor of prices, factor of volumes).

    Prices get at least `digits` decimals and are rounded to them.
    """
    if not steps:
        return bars
    times = bars.columns["time_ns"]
    prices, volumes = np.ones(len(times)), np.ones(len(times))
    for before_ns, price, volume in steps:
        prices[times < before_ns] *= price
        volumes[times < before_ns] *= volume
    scale = max(digits, bars.price_scale)
    raised = 10 ** (scale - bars.price_scale)
    columns = {"time_ns": times}
    for name in PRICE_NAMES:
        columns[name] = np.rint(bars.columns[name] * prices * raised).astype(np.int64)
    columns["volume"] = np.rint(bars.columns["volume"] * volumes).astype(np.int64)
    turnover = bars.turnover * prices * volumes
    return BarColumns(columns, scale, bars.qty_scale, bars.trades, turnover)


def merged_by(bars: BarColumns, begins: IntArray) -> BarColumns:
    """Make one bar of neighbours that begin together: `begins` has a time for each bar."""
    if not len(begins):
        return bars
    starts = np.flatnonzero(np.append(True, begins[1:] != begins[:-1])).astype(np.int64)
    last = np.append(starts[1:], len(begins)) - 1
    columns = {
        "time_ns": begins[starts],
        "open": bars.columns["open"][starts],
        "high": np.maximum.reduceat(bars.columns["high"], starts),
        "low": np.minimum.reduceat(bars.columns["low"], starts),
        "close": bars.columns["close"][last],
        "volume": np.add.reduceat(bars.columns["volume"], starts),
    }
    known = np.minimum.reduceat(bars.trades, starts) != UNKNOWN
    trades = np.where(known, np.add.reduceat(bars.trades, starts), UNKNOWN)
    turnover = np.add.reduceat(bars.turnover, starts)
    return BarColumns(columns, bars.price_scale, bars.qty_scale, trades, turnover)


def write(path: Path, bars: BarColumns) -> None:
    """Write a sealed file beside its place and move it there, so that nobody reads half of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    scales = {"price_scale": str(bars.price_scale), "qty_scale": str(bars.qty_scale)}
    counted = {"trades": bars.trades, "turnover": bars.turnover}
    table = pa.table({name: bars.columns[name] for name in NAMES} | counted)
    beside = path.with_suffix(".writing")
    pq.write_table(table.replace_schema_metadata(scales), beside)
    beside.replace(path)


def read(path: Path) -> BarColumns:
    """Read a sealed file; those of releases up to 0.2 do not tell trades."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(os.fspath(path)).read()
    scales = table.schema.metadata
    columns = {name: table.column(name).to_numpy() for name in NAMES}
    count = len(table)
    trades, turnover = np.full(count, UNKNOWN, np.int64), np.zeros(count)
    if "trades" in table.column_names:
        trades, turnover = (table.column(name).to_numpy() for name in ("trades", "turnover"))
    price_scale, qty_scale = int(scales[b"price_scale"]), int(scales[b"qty_scale"])
    return BarColumns(columns, price_scale, qty_scale, trades, turnover)


def _plain(number: float) -> str:
    """A float as decimal text, with as many digits as it is good for."""
    return plain_text(Decimal(f"{number:.15g}"))


def _bucket_starts(times: IntArray, step_ns: int) -> IntArray:
    if not len(times):
        return times
    buckets = times // step_ns
    return np.flatnonzero(np.append(True, buckets[1:] != buckets[:-1])).astype(np.int64)


def _raised(part: BarColumns, name: str, price_scale: int, qty_scale: int) -> IntArray:
    column = part.columns[name]
    if name == "time_ns":
        return column
    if name == "volume":
        return np.asarray(column * 10 ** (qty_scale - part.qty_scale), np.int64)
    return np.asarray(column * 10 ** (price_scale - part.price_scale), np.int64)


def _digits(numbers: Iterable[Decimal]) -> int:
    return max((max(0, -int(number.as_tuple().exponent)) for number in numbers), default=0)


def _scaled(numbers: Sequence[Decimal], scale: int) -> IntArray:
    return np.array([round(number.scaleb(scale)) for number in numbers], np.int64)

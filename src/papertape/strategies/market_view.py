"""What a strategy sees of prices: the newest bar, and the bars before it as arrays.

Prices are floats here, because strategies calculate with them. Orders and money stay exact behind
the broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One finished bar of one symbol; `time_ns` is nanoseconds since 1970, UTC."""

    symbol: str
    time_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def time(self) -> datetime:
        """The bar's time as a datetime in UTC."""
        return datetime.fromtimestamp(self.time_ns / 10**9, UTC)


@dataclass(frozen=True, slots=True)
class PriceColumns:
    """All bars of one symbol, oldest first; a run's own arrays, read-only."""

    symbol: str
    time_ns: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


class History(Sequence[Bar]):
    """Bars of one symbol, oldest first, the newest last: as arrays and as a sequence of `Bar`.

    `open`, `high`, `low`, `close`, `volume` (floats) and `time_ns` (int64) have one value a bar.
    They are read-only views of the run's own columns: nothing is copied, and nothing of the future
    is in them. `history[-1]` is the newest bar, `history[-3:]` the last three. Arrays are much
    faster than bars one by one.
    """

    __slots__ = ("_columns", "_start", "_stop")

    def __init__(self, columns: PriceColumns, start: int, stop: int) -> None:
        self._columns = columns
        self._start = start
        self._stop = stop

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, at: int) -> Bar: ...

    @overload
    def __getitem__(self, at: slice) -> History: ...

    def __getitem__(self, at: int | slice) -> Bar | History:
        """The bar at a place, or the bars of a slice without steps."""
        inside = range(self._start, self._stop)[at]
        if isinstance(inside, int):
            return self._bar(inside)
        if inside.step != 1:
            raise ValueError("a history is sliced without steps; its arrays take any slice")
        return History(self._columns, inside.start, inside.stop)

    def _bar(self, at: int) -> Bar:
        columns = self._columns
        return Bar(
            columns.symbol,
            int(columns.time_ns[at]),
            float(columns.open[at]),
            float(columns.high[at]),
            float(columns.low[at]),
            float(columns.close[at]),
            float(columns.volume[at]),
        )

    @property
    def time_ns(self) -> IntArray:
        """Times in nanoseconds since 1970, UTC."""
        return self._columns.time_ns[self._start : self._stop]

    @property
    def open(self) -> FloatArray:
        """Opening prices."""
        return self._columns.open[self._start : self._stop]

    @property
    def high(self) -> FloatArray:
        """Highest prices."""
        return self._columns.high[self._start : self._stop]

    @property
    def low(self) -> FloatArray:
        """Lowest prices."""
        return self._columns.low[self._start : self._stop]

    @property
    def close(self) -> FloatArray:
        """Closing prices."""
        return self._columns.close[self._start : self._stop]

    @property
    def volume(self) -> FloatArray:
        """Volumes."""
        return self._columns.volume[self._start : self._stop]

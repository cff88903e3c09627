"""Indicators one value at a time, for strategies: `update` takes a value and returns the newest.

Each is NaN until it has seen enough values, so that a comparison with it is False until then.
Every class gives the numbers of its namesake in `whole_array`.
"""

from __future__ import annotations

from collections import deque
from math import nan, sqrt
from typing import NamedTuple

from papertape.indicators.periods import checked_period


class SMA:
    """Simple moving average of the last `period` values."""

    __slots__ = ("_missing", "_sum", "_values", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = checked_period(period)
        self.value = nan
        self._values: deque[float] = deque()
        self._missing = period - 1
        self._sum = 0.0

    def update(self, value: float) -> float:
        """Count one more value and return the average."""
        # The newest is added before the oldest is taken off: the order in which TA-Lib adds.
        total = self._sum + value
        values = self._values
        values.append(value)
        if self._missing:
            self._missing -= 1
            self._sum = total
            return nan
        self._sum = total - values.popleft()
        self.value = average = total / self.period
        return average


class EMA:
    """Exponential moving average, weight 2/(period+1), begun with the simple average."""

    __slots__ = ("_seen", "_sum", "_weight", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = checked_period(period)
        self.value = nan
        self._weight = 2.0 / (period + 1)
        self._seen = 0
        self._sum = 0.0

    def update(self, value: float) -> float:
        """Count one more value and return the average."""
        if self._seen < self.period:
            self._seen += 1
            self._sum += value
            if self._seen == self.period:
                self.value = self._sum / self.period
        else:
            self.value += (value - self.value) * self._weight
        return self.value


class RSI:
    """Relative strength index after Wilder, 0 to 100; 0 where nothing moved."""

    __slots__ = ("_before", "_gain", "_loss", "_seen", "period", "value")

    def __init__(self, period: int = 14) -> None:
        self.period = checked_period(period)
        self.value = nan
        self._before = nan
        self._gain = 0.0
        self._loss = 0.0
        self._seen = -1

    def update(self, value: float) -> float:
        """Count one more value and return the index."""
        change = value - self._before
        self._before = value
        self._seen += 1
        if self._seen == 0:
            return nan
        rise, fall = max(change, 0.0), max(-change, 0.0)
        if self._seen <= self.period:
            self._gain += rise / self.period
            self._loss += fall / self.period
        else:
            self._gain = (self._gain * (self.period - 1) + rise) / self.period
            self._loss = (self._loss * (self.period - 1) + fall) / self.period
        if self._seen >= self.period:
            both = self._gain + self._loss
            self.value = 100.0 * self._gain / both if both else 0.0
        return self.value


class ATR:
    """Average true range after Wilder, in price units."""

    __slots__ = ("_close", "_seen", "_sum", "period", "value")

    def __init__(self, period: int = 14) -> None:
        self.period = checked_period(period)
        self.value = nan
        self._close = nan
        self._seen = -1
        self._sum = 0.0

    def update(self, high: float, low: float, close: float) -> float:
        """Count one more bar and return the average."""
        before, self._close = self._close, close
        self._seen += 1
        if self._seen == 0:
            return nan
        true_range = max(high - low, abs(high - before), abs(low - before))
        if self._seen < self.period:
            self._sum += true_range
        elif self._seen == self.period:
            self.value = (self._sum + true_range) / self.period
        else:
            self.value = (self.value * (self.period - 1) + true_range) / self.period
        return self.value


class MACDValue(NamedTuple):
    """One value of MACD: the line, its signal line, and line minus signal."""

    line: float
    signal: float
    histogram: float


class MACD:
    """Difference of two exponential averages, and an exponential average of it."""

    __slots__ = ("_fast", "_seen", "_signal", "_skip", "_slow", "value")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        checked_period(fast, below=slow)
        self.value = MACDValue(nan, nan, nan)
        self._fast = EMA(fast)
        self._slow = EMA(slow)
        self._signal = EMA(signal)
        # Both averages have their first value at the same bar, as in TA-Lib.
        self._skip = slow - fast
        self._seen = 0

    def update(self, value: float) -> MACDValue:
        """Count one more value; all three are NaN until the signal line has begun."""
        self._seen += 1
        slow = self._slow.update(value)
        if self._seen <= self._skip:
            return self.value
        line = self._fast.update(value) - slow
        if line == line:  # noqa: PLR0124 - only NaN differs from itself, and this is a hot path
            signal = self._signal.update(line)
            if signal == signal:  # noqa: PLR0124 - as above
                self.value = MACDValue(line, signal, line - signal)
        return self.value


class Bands(NamedTuple):
    """Bollinger bands around an average."""

    upper: float
    middle: float
    lower: float


class Bollinger:
    """The average of `period` values and `width` standard deviations (population) around it."""

    __slots__ = ("_values", "_width", "period", "value")

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        self.period = checked_period(period)
        self.value = Bands(nan, nan, nan)
        self._width = width
        self._values: deque[float] = deque(maxlen=period)

    def update(self, value: float) -> Bands:
        """Count one more value and return the bands."""
        self._values.append(value)
        if len(self._values) == self.period:
            middle = sum(self._values) / self.period
            spread = sqrt(sum((each - middle) ** 2 for each in self._values) / self.period)
            reach = self._width * spread
            self.value = Bands(middle + reach, middle, middle - reach)
        return self.value

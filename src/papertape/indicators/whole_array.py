"""Indicators over whole arrays, computed by TA-Lib.

Inputs are float arrays, oldest first; outputs have the same length and are NaN where there are
not enough values yet. Periods are counts of values and at least 2; ValueError otherwise. TA-Lib is
imported at the first call, because that takes longer than the rest of a program's start.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertape.indicators.periods import checked_period

FloatArray: TypeAlias = NDArray[np.float64]


def sma(values: ArrayLike, period: int) -> FloatArray:
    """Simple moving average of the last `period` values."""
    import talib

    return _floats(talib.SMA(_floats(values), checked_period(period)))


def ema(values: ArrayLike, period: int) -> FloatArray:
    """Exponential moving average, weight 2/(period+1), begun with the simple average."""
    import talib

    return _floats(talib.EMA(_floats(values), checked_period(period)))


def rsi(values: ArrayLike, period: int = 14) -> FloatArray:
    """Relative strength index after Wilder, 0 to 100; 0 where nothing moved."""
    import talib

    return _floats(talib.RSI(_floats(values), checked_period(period)))


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> FloatArray:
    """Average true range after Wilder, in price units."""
    import talib

    bars = (_floats(high), _floats(low), _floats(close))
    return _floats(talib.ATR(*bars, checked_period(period)))


def macd(
    values: ArrayLike, fast: int = 12, slow: int = 26, signal: int = 9
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give MACD line, signal line and their difference; `fast` must be below `slow`."""
    import talib

    checked_period(fast, below=slow)
    checked_period(signal)
    line, its_signal, histogram = talib.MACD(_floats(values), fast, slow, signal)
    return _floats(line), _floats(its_signal), _floats(histogram)


def bollinger(
    values: ArrayLike, period: int = 20, width: float = 2.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give upper, middle and lower band: the average and `width` standard deviations around it."""
    import talib

    upper, middle, lower = talib.BBANDS(_floats(values), checked_period(period), width, width)
    return _floats(upper), _floats(middle), _floats(lower)


def _floats(values: ArrayLike) -> FloatArray:
    return np.ascontiguousarray(values, dtype=np.float64)

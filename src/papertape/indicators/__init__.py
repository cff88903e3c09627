"""Technical indicators: over whole arrays (TA-Lib) and one value at a time, equal by test.

    from papertape.indicators import SMA, sma

    sma(closes, 10)             # an array as long as `closes`, NaN where there is no value yet
    average = SMA(10)
    average.update(close)       # the same number, value by value; NaN until there are ten

Start reading at `streaming`. This room knows arrays and numbers only: no files, no orders.
"""

from papertape.indicators.streaming import ATR, EMA, MACD, RSI, SMA, Bands, Bollinger, MACDValue
from papertape.indicators.whole_array import atr, bollinger, ema, macd, rsi, sma

__all__ = [
    "ATR",
    "EMA",
    "MACD",
    "RSI",
    "SMA",
    "Bands",
    "Bollinger",
    "MACDValue",
    "atr",
    "bollinger",
    "ema",
    "macd",
    "rsi",
    "sma",
]

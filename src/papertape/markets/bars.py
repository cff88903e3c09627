"""Bars (candles): made of prints while they come, and of shorter bars when they are asked for.

Bars are named tuples of decimal texts, exactly as they go over the wire and into the store. This
module knows no files; `store` keeps what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce
from typing import NamedTuple

MINUTE_NS = 60 * 10**9
VWAP_STEP = Decimal("0.000001")

TIMEFRAMES: dict[str, int] = {
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "1h": 60 * MINUTE_NS,
    "1d": 1440 * MINUTE_NS,
}
"""The length of each timeframe in nanoseconds; a day is a UTC day."""


class Bar(NamedTuple):
    """What was traded from `time_ns` on, for one length of time; prices and volume as text.

    `trades` is how many prints it was made of and `turnover` the sum of price times quantity;
    None where a bar came as a whole, so that nobody knows.
    """

    time_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int | None = None
    turnover: str | None = None

    @property
    def vwap(self) -> Decimal | None:
        """The volume-weighted average price: turnover by volume, to a millionth, half to even."""
        volume = Decimal(self.volume)
        if self.turnover is None or not volume:
            return None
        return (Decimal(self.turnover) / volume).quantize(VWAP_STEP).normalize()


def timeframe_ns(timeframe: str) -> int:
    """Give the length of a timeframe; raises ValueError that names the known ones."""
    try:
        return TIMEFRAMES[timeframe]
    except KeyError:
        known = ", ".join(TIMEFRAMES)
        raise ValueError(f"unknown timeframe '{timeframe}'; there are {known}") from None


class _Forming:
    """The bar of a symbol that still changes; texts are kept beside numbers to give them back."""

    __slots__ = ("close", "high", "low", "open", "time_ns", "trades", "turnover", "volume")

    def __init__(self, time_ns: int, price: Decimal, qty: Decimal) -> None:
        self.time_ns = time_ns
        self.open = self.high = self.low = self.close = price
        self.volume = qty
        self.turnover = price * qty
        self.trades = int(qty > 0)

    def add(self, price: Decimal, qty: Decimal) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += qty
        self.turnover += price * qty
        self.trades += qty > 0

    def bar(self) -> Bar:
        prices = [f"{price:f}" for price in (self.open, self.high, self.low, self.close)]
        volume, turnover = plain_text(self.volume), plain_text(self.turnover)
        return Bar._make((self.time_ns, *prices, volume, self.trades, turnover))


class BarBuilder:
    """Makes 1-minute bars of prints, one symbol independent of the other.

    A minute without prints makes no bar. Times must not decrease; a print that is late all the
    same counts into the bar that is forming.
    """

    def __init__(self) -> None:
        self._forming: dict[str, _Forming] = {}

    def add(self, symbol: str, time_ns: int, price: str, qty: str) -> Bar | None:
        """Count a print (price and quantity are decimal text); returns the bar that it closed."""
        minute = time_ns - time_ns % MINUTE_NS
        forming = self._forming.get(symbol)
        if forming is not None and minute <= forming.time_ns:
            forming.add(Decimal(price), Decimal(qty))
            return None
        self._forming[symbol] = _Forming(minute, Decimal(price), Decimal(qty))
        return forming.bar() if forming is not None else None

    def close_due(self, now_ns: int) -> list[tuple[str, Bar]]:
        """Close and return, with their symbols, the bars whose minute is over at `now_ns`."""
        due = [s for s, forming in self._forming.items() if forming.time_ns + MINUTE_NS <= now_ns]
        return [(symbol, self._forming.pop(symbol).bar()) for symbol in due]

    def forming(self, symbol: str) -> Bar | None:
        """Show the bar that is not closed yet; None when nothing was printed in its minute."""
        forming = self._forming.get(symbol)
        return forming.bar() if forming is not None else None


def aggregate(bars: Iterable[Bar], timeframe: str) -> list[Bar]:
    """Make longer bars of shorter ones (oldest first), each stamped with its start in UTC."""
    step = timeframe_ns(timeframe)
    longer: list[Bar] = []
    for bar in bars:
        start = bar.time_ns - bar.time_ns % step
        if longer and longer[-1].time_ns == start:
            longer[-1] = _merged(longer[-1], bar)
        else:
            longer.append(bar._replace(time_ns=start))
    return longer


def joined(bars: Iterable[Bar], time_ns: int) -> Bar:
    """One bar of at least one, the oldest first, stamped with a time."""
    return reduce(_merged, bars)._replace(time_ns=time_ns)


def _merged(first: Bar, then: Bar) -> Bar:
    return Bar(
        first.time_ns,
        first.open,
        max(first.high, then.high, key=Decimal),
        min(first.low, then.low, key=Decimal),
        then.close,
        plain_text(Decimal(first.volume) + Decimal(then.volume)),
        *_together(first, then),
    )


def _together(first: Bar, then: Bar) -> tuple[int | None, str | None]:
    """Trades and turnover of two bars, known where they are known of both."""
    if first.trades is None or then.trades is None:
        return None, None
    turnover = Decimal(first.turnover or 0) + Decimal(then.turnover or 0)
    return first.trades + then.trades, plain_text(turnover)


def plain_text(number: Decimal) -> str:
    """Write a decimal without exponent and without needless zeros: `1.50` is "1.5"."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""What a world's market has to tell: prints and closed bars at once, the rest conflated.

Quotes, ten-level books and forming bars change far faster than anyone reads them. They are told at
most twenty times a second of wall time, less often where there are many, and only when they changed
since they were told last.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from papertape.domain.time_text import time_text
from papertape.engine import World
from papertape.floor.ports import MarketMessage
from papertape.floor.tick_keeper import TickKeeper
from papertape.markets.bars import Bar, BarBuilder

BOOK_DEPTH = 10
BARS_WAITING_MAX = 100_000

Print = tuple[str, int, str, str, str]
"""(symbol, time_ns, price, qty, aggressor side or ""), as the engine hands it out."""

_log = logging.getLogger(__name__)
_json = msgspec.json.Encoder()


class BarSink(Protocol):
    """Where closed bars are kept; the bar store of `papertape.markets` is one."""

    def append(self, symbol: str, bar: Bar) -> None:
        """Keep a closed bar."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class MarketNews:
    """Makes the public messages of one world; keeps closed bars, quotes and prints."""

    def __init__(
        self, world_id: str, bars: "BarKeeper | None", ticks: TickKeeper | None = None
    ) -> None:
        self._world_id = world_id
        self._keeper = bars
        self._ticks = ticks
        self._print_ids: dict[str, int] = {}
        self._builder = BarBuilder()
        self._printed: set[str] = set()
        self._books: dict[str, bytes] = {}
        self._symbols: list[str] = []

    def listed(self, world: World) -> None:
        """Learn the symbols of a world that was just loaded."""
        self._symbols = [str(instrument["symbol"]) for instrument in world.instruments()]
        self._books.clear()

    def prints(self, prints: Iterable[Print]) -> list[MarketMessage]:
        """Trades, and the bars that they closed."""
        messages, trades = [], []
        texts: dict[int, str] = {}  # the prints of a batch share few times
        for symbol, time_ns, price, qty, side in prints:
            closed = self._builder.add(symbol, time_ns, price, qty)
            if closed is not None:
                messages.append(self.closed_bar(symbol, closed))
            self._printed.add(symbol)
            trade = {
                "id": self._print_id(symbol, time_ns),
                "symbol": symbol,
                "price": price,
                "qty": qty,
                "side": side or None,
                "time": texts.get(time_ns) or texts.setdefault(time_ns, time_text(time_ns)),
            }
            trades.append(self._message(f"trades:{symbol}", "trade", _json.encode(trade)))
            messages.append(trades[-1])
        if self._ticks is not None:
            self._ticks.keep(trades)
        return messages

    def _print_id(self, symbol: str, time_ns: int) -> int:
        """The time of a print in microseconds, or what follows the last id where that is taken."""
        last = self._print_ids.get(symbol, 0)
        self._print_ids[symbol] = max(last + 1, time_ns // 1_000)
        return self._print_ids[symbol]

    def closed_bar(self, symbol: str, bar: Bar) -> MarketMessage:
        """A bar that does not change any more: kept, and told."""
        if self._keeper is not None:
            self._keeper.keep(symbol, bar)
        return self._bar_message(symbol, bar, closed=True)

    def conflated(self, world: World, now_ns: int, *, own_bars: bool) -> list[MarketMessage]:
        """Quotes, books and bars that changed since the last call.

        `own_bars` is off for a source that brings its bars itself.
        """
        quotes = [
            self._message(f"quotes:{symbol}", "quote", data)
            for symbol, data in world.quotes(changed_only=True)
        ]
        if self._ticks is not None:
            self._ticks.keep(quotes)
        messages = quotes + self._changed_books(world)
        if own_bars:
            messages += self._changed_bars(now_ns)
        return messages

    def _changed_books(self, world: World) -> list[MarketMessage]:
        messages = []
        for symbol in self._symbols:
            data = world.book(symbol, BOOK_DEPTH)
            levels = data.partition(b',"quote"')[0]  # as_of_seq moves with every turn of anyone
            if self._books.get(symbol) != levels:
                self._books[symbol] = levels
                messages.append(self._message(f"book:{symbol}", "book", data))
        return messages

    def _changed_bars(self, now_ns: int) -> list[MarketMessage]:
        due = self._builder.close_due(now_ns)
        messages = [self.closed_bar(symbol, bar) for symbol, bar in due]
        for symbol in sorted(self._printed):
            forming = self._builder.forming(symbol)
            if forming is not None:
                messages.append(self._bar_message(symbol, forming, closed=False))
        self._printed.clear()
        return messages

    def _bar_message(self, symbol: str, bar: Bar, *, closed: bool) -> MarketMessage:
        vwap = bar.vwap
        data = {
            "symbol": symbol,
            "timeframe": "1m",
            "time": time_text(bar.time_ns),
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
            "trades": bar.trades,
            "turnover": bar.turnover,
            "vwap": None if vwap is None else f"{vwap:f}",
            "closed": closed,
        }
        return self._message(f"bars:{symbol}:1m", "bar", _json.encode(data))

    def _message(self, channel: str, kind: str, data: bytes) -> MarketMessage:
        return MarketMessage(self._world_id, channel, kind, data)


class BarKeeper:
    """Writes closed bars on a thread of its own: bars are copies, and no order waits for a file."""

    def __init__(self, sink: BarSink) -> None:
        self._sink = sink
        self._waiting: queue.Queue[tuple[str, Bar] | None] = queue.Queue(BARS_WAITING_MAX)
        self.lost = 0
        self._thread = threading.Thread(target=self._write, name="bars", daemon=True)
        self._thread.start()

    def keep(self, symbol: str, bar: Bar) -> None:
        """Have a bar written soon; when the disk cannot follow, bars are counted as lost."""
        try:
            self._waiting.put_nowait((symbol, bar))
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits and end."""
        self._waiting.put(None)
        self._thread.join(timeout=5)
        self._sink.close()

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            try:
                self._sink.append(*item)
            except OSError as error:
                self.lost += 1
                _log.warning("a bar of %s was not kept: %s", item[0], error)


OpenBars = Callable[[str], BarSink]
"""Opens the bar store of a world."""

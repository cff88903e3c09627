"""What is told of an asset on the data streams, made once however many listen.

Trades and bars are ordered and never dropped; a quote or book that a client has not taken yet is
replaced by the next one.
"""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from papertape.domain.time_text import parse_time
from papertape.floor.ports import MarketMessage
from papertape.markets.bars import Bar, joined
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.data.prices import Prices
from papertape.server.dialects.alpaca.data.shapes import (
    Shape,
    as_json,
    as_msgpack,
    bar_of,
    book_of,
    quote_of,
    trade_of,
)
from papertape.server.history import BarMessage, read_bar_message
from papertape.server.stream.frames import binary_frame, frame
from papertape.server.stream.hub import Hub
from papertape.server.stream.reader import Reader

HUB_CHANNEL = {
    "trades": "trades:{}",
    "quotes": "quotes:{}",
    "orderbooks": "book:{}",
    "bars": "bars:{}:1m",
    "dailyBars": "bars:{}:1m",
}
"""Our market channels by Alpaca's; what is not here can be subscribed and never comes."""
LETTER = {"trades": "t", "quotes": "q", "orderbooks": "o", "bars": "b", "dailyBars": "d"}

Key = tuple[str, str]
"""A channel and a symbol."""


class Listener:
    """One client: where frames go, and in which format."""

    def __init__(self, reader: Reader, *, msgpack: bool) -> None:
        self.reader = reader
        self.msgpack = msgpack

    def send(self, messages: list[Shape]) -> None:
        """Messages of the session itself."""
        self.reader.send(_framed(messages, msgpack=self.msgpack))


def _framed(messages: list[Shape], *, msgpack: bool) -> bytes:
    return binary_frame(as_msgpack(messages)) if msgpack else frame(as_json(messages))


class Channel:
    """One kind of news of one asset, while anybody listens."""

    def __init__(self, hub: Hub, prices: Prices, asset: Asset, name: str) -> None:
        self._hub = hub
        self._prices = prices
        self._asset = asset
        self._name = name
        self._of_hub = HUB_CHANNEL[name].format(asset.symbol)
        self._listeners: dict[Listener, None] = {}
        self._day: Bar | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        hub.watch(self._of_hub, self._take)

    def join(self, listener: Listener) -> None:
        """One more listener."""
        self._listeners[listener] = None

    def leave(self, listener: Listener) -> bool:
        """One listener less; whether nobody listens any more."""
        self._listeners.pop(listener, None)
        if not self._listeners:
            self._hub.stop_watching(self._of_hub, self._take)
        return not self._listeners

    def _take(self, message: MarketMessage) -> None:
        if self._name in {"bars", "dailyBars"}:
            self._take_bar(read_bar_message(message.data))
            return
        shape = self._shape(msgspec.json.decode(message.data))
        if shape is not None:
            self._tell(shape)

    def _take_bar(self, message: BarMessage) -> None:
        if not message.closed:
            return
        if self._name == "bars":
            self._tell(bar_of(message.bar()))
            return
        task = asyncio.create_task(self._tell_day(message.bar()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _shape(self, data: dict[str, Any]) -> Shape | None:
        if self._name == "trades":
            return trade_of(self._asset, data)
        if self._name == "quotes":
            return quote_of(self._asset, data)
        quote = data["quote"]
        return book_of(data, parse_time(quote["time"])) if quote else None

    async def _tell_day(self, minute: Bar) -> None:
        """The day with a minute that has just closed, one minute after the other.

        The store may not have the last minutes yet, so what was told last counts, too.
        """
        async with self._turn:
            begins_ns = await self._prices.day_begins(self._asset, minute.time_ns)
            kept = await self._prices.day_before(self._asset, minute.time_ns)
            known = [bar for bar in (kept, self._day) if bar and bar.time_ns == begins_ns]
            before = max(known, key=lambda bar: Decimal(bar.volume), default=None)
            self._day = joined([*([before] if before else []), minute], begins_ns)
            self._tell(bar_of(self._day))

    def _tell(self, shape: Shape) -> None:
        messages = [{"T": LETTER[self._name], "S": self._asset.symbol, **shape}]
        frames: dict[bool, bytes] = {}
        place = f"{self._name} {self._asset.symbol}"
        for listener in list(self._listeners):
            if listener.msgpack not in frames:
                frames[listener.msgpack] = _framed(messages, msgpack=listener.msgpack)
            if self._name in {"quotes", "orderbooks"}:
                listener.reader.offer(place, frames[listener.msgpack])
            else:
                listener.reader.send(frames[listener.msgpack])


class Channels:
    """All channels that anybody listens to."""

    def __init__(self, hub: Hub, prices: Prices) -> None:
        self._hub = hub
        self._prices = prices
        self._open: dict[Key, Channel] = {}

    def join(self, listener: Listener, name: str, assets: Iterable[Asset]) -> None:
        """Tell a listener of some assets from now on."""
        if name not in HUB_CHANNEL:
            return
        for asset in assets:
            key = (name, asset.symbol)
            if key not in self._open:
                self._open[key] = Channel(self._hub, self._prices, asset, name)
            self._open[key].join(listener)

    def leave(self, listener: Listener, keys: Iterable[Key]) -> None:
        """Tell it no more of these."""
        for key in keys:
            channel = self._open.get(key)
            if channel is not None and channel.leave(listener):
                del self._open[key]

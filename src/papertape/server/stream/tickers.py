"""`WS /ws/stocks/{ticker}/`: one instrument's price, its five-minute average, its moves.

A message whenever the price changes, the first one at once. Market data are open to all, so on this
machine no token is asked; from elsewhere it comes as `?token=`, since browsers send no headers with
a WebSocket. What is said about the price is worked out once, however many listen.
"""

import asyncio
import ipaddress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from papertape.domain.decimal_text import decimal_text
from papertape.domain.time_text import MINUTE_NS, parse_time, time_text
from papertape.floor.ports import FloorUnavailableError, MarketMessage
from papertape.server.callers import Callers, address_of
from papertape.server.history import History
from papertape.server.measures import Measures
from papertape.server.problems import Problem
from papertape.server.stream.frames import frame
from papertape.server.stream.hub import Hub
from papertape.server.stream.price_path import Move, PricePath
from papertape.server.stream.reader import Reader
from papertape.server.stream.wire import EXTENSION, Wire
from papertape.server.symbols import Symbols

CLOSE_NOT_AUTHENTICATED = 4401
CLOSE_TRY_AGAIN = 1013
CLOSE_UNKNOWN_TICKER = 4404
CLOSE_TRY_AGAIN = 1013
CLOSE_UNSUPPORTED = 1011
BARS_BEFORE = 6


class Ticker:
    """One instrument while somebody listens to it."""

    def __init__(self, symbol: str, hub: Hub) -> None:
        self._symbol = symbol
        self._hub = hub
        self._path = PricePath()
        self._readers: dict[Reader, None] = {}
        self._held: list[MarketMessage] | None = []
        hub.watch(f"trades:{symbol}", self._take)
        hub.watch(f"quotes:{symbol}", self._take)

    def close(self) -> None:
        """Listen no more."""
        self._hub.stop_watching(f"trades:{self._symbol}", self._take)
        self._hub.stop_watching(f"quotes:{self._symbol}", self._take)

    @property
    def has_readers(self) -> bool:
        """Whether anybody listens."""
        return bool(self._readers)

    def begin(self, bars: list[dict[str, Any]]) -> None:
        """Start with the minutes before; what came while they were fetched follows."""
        for number, bar in enumerate(bars, 1):
            start_ns = parse_time(bar["time"])
            self._path.add(start_ns, Decimal(bar["open"]))
            if number < len(bars):
                self._path.add(start_ns + MINUTE_NS, Decimal(bar["close"]))
        for data in self._hub.recent_prints(f"trades:{self._symbol}"):
            self._add(msgspec.json.decode(data), "price")
        newest = self._hub.newest(f"quotes:{self._symbol}")
        if newest is not None:
            self._add_quote(msgspec.json.decode(newest))
        held, self._held = self._held or [], None
        for message in held:
            self._take(message)

    def join(self, reader: Reader) -> None:
        """One more listener; it hears the present price at once."""
        self._readers[reader] = None
        move = self._path.move()
        if move is not None:
            reader.offer(self._symbol, _frame(self._symbol, move))

    def leave(self, reader: Reader) -> None:
        """One listener less."""
        self._readers.pop(reader, None)

    def _take(self, message: MarketMessage) -> None:
        if self._held is not None:
            self._held.append(message)
            return
        data = msgspec.json.decode(message.data)
        changed = self._add(data, "price") if message.type == "trade" else self._add_quote(data)
        move = self._path.move() if changed else None
        if move is not None:
            told = _frame(self._symbol, move)
            for reader in list(self._readers):
                reader.offer(self._symbol, told)

    def _add_quote(self, quote: dict[str, Any]) -> bool:
        """The last price of a quote; before the first print the middle of bid and ask."""
        if quote["last"] is not None:
            return self._add(quote, "last")
        if self._path.price is not None or quote["bid"] is None or quote["ask"] is None:
            return False
        middle = (Decimal(quote["bid"]) + Decimal(quote["ask"])) / 2
        return self._path.add(parse_time(quote["time"]), middle)

    def _add(self, data: dict[str, Any], name: str) -> bool:
        return self._path.add(parse_time(data["time"]), Decimal(data[name]))


@dataclass(frozen=True)
class TickerRooms:
    """What the tickers of a server need."""

    callers: Callers
    symbols: Symbols
    history: History
    hub: Hub
    measures: Measures


class Tickers:
    """All tickers that somebody listens to."""

    def __init__(self, rooms: TickerRooms) -> None:
        self._rooms = rooms
        self._tickers: dict[str, tuple[Ticker, asyncio.Task[None]]] = {}

    async def serve(self, socket: WebSocket) -> None:
        """One client from its greeting to its end."""
        await socket.accept()
        wire: Wire | None = socket.scope["extensions"].get(EXTENSION)
        if wire is None:
            await socket.close(CLOSE_UNSUPPORTED, "this server was not started by papertape")
            return
        refused = await self._refusal(socket)
        if refused is not None:
            await socket.close(*refused)
            return
        name = socket.path_params["ticker"].removesuffix("/")
        try:
            symbol = await self._rooms.symbols.find(name)
        except (FloorUnavailableError, Problem) as error:
            await socket.close(CLOSE_TRY_AGAIN, error.reason)
            return
        if symbol is None:
            reason = f"unknown ticker {name[:40]}; GET /api/v1/instruments lists them"
            await socket.close(CLOSE_UNKNOWN_TICKER, reason)
            return
        await self._listen(socket, wire, symbol)

    async def _refusal(self, socket: WebSocket) -> tuple[int, str] | None:
        """Why the client may not listen, as code and reason; None when it may."""
        token = socket.query_params.get("token")
        if token is None and is_from_here(socket):
            return None
        try:
            caller = await self._rooms.callers.of_token(token or "", address_of(socket))
            caller.require("read")
        except Problem:
            return CLOSE_NOT_AUTHENTICATED, "give a token that may read as ?token="
        except FloorUnavailableError as error:
            return CLOSE_TRY_AGAIN, error.detail
        return None

    async def _listen(self, socket: WebSocket, wire: Wire, symbol: str) -> None:
        reader = Reader(wire, self._rooms.measures.stream_behind.inc)
        self._rooms.measures.stream_clients.inc()
        ticker, begun = self._ticker(symbol)
        try:
            await asyncio.shield(begun)
            ticker.join(reader)
            while True:
                await socket.receive_text()
        except (WebSocketDisconnect, KeyError):
            return
        finally:
            ticker.leave(reader)
            reader.gone()
            self._rooms.measures.stream_clients.dec()
            if not ticker.has_readers and self._tickers.get(symbol, (None,))[0] is ticker:
                del self._tickers[symbol]
                ticker.close()

    def _ticker(self, symbol: str) -> tuple[Ticker, asyncio.Task[None]]:
        known = self._tickers.get(symbol)
        if known is None:
            ticker = Ticker(symbol, self._rooms.hub)
            known = ticker, asyncio.create_task(self._begin(ticker, symbol))
            self._tickers[symbol] = known
        return known

    async def _begin(self, ticker: Ticker, symbol: str) -> None:
        ticker.begin(await self._rooms.history.bars(symbol, "1m", None, None, BARS_BEFORE))


def is_from_here(socket: WebSocket) -> bool:
    """Whether a client is on this machine; what a proxy passes on comes from elsewhere."""
    if any(name in socket.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip")):
        return False
    try:
        return ipaddress.ip_address(address_of(socket) or "").is_loopback
    except ValueError:
        return False


def _frame(symbol: str, move: Move) -> bytes:
    told: dict[str, Any] = {
        "ticker": symbol,
        "price": decimal_text(move.price),
        "moving_average_5m": decimal_text(move.average),
        "change_1m": None if move.change is None else decimal_text(move.change),
        "time": time_text(move.time_ns),
    }
    if move.is_alert:
        way = "up" if move.largest > 0 else "down"
        told["alert"] = f"{way} {abs(move.largest):.2f} % within a minute"
    return frame(msgspec.json.encode(told))

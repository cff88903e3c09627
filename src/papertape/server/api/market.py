"""Routes of the market, open to all: instruments, quotes, bars, the book."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import parse_time
from papertape.server.api import PREFIX
from papertape.server.documents import Listed, document
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.models.market import (
    BarReply,
    BookReply,
    ExchangeReply,
    InstrumentReply,
    QuoteReply,
)
from papertape.server.problems import malformed, not_found
from papertape.server.quotes import quote_in
from papertape.server.replies import json_reply, listed
from papertape.server.symbols import NO_INSTRUMENT, Symbols

DEPTH_MAX = 100
BARS_MAX = 10_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NS = 1_000_000_000
_FAR = 2**63 - 1

_REASONS = {
    404: ("not_found", not_found(NO_INSTRUMENT).detail),
    422: ("malformed", "depth: Input should be greater than or equal to 1"),
}

Timeframe = Literal["1m", "5m", "15m", "1h", "1d"]
Moment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="RFC 3339 time or a date, which is its midnight UTC",
        examples=["2026-11-20T10:00:00Z"],
    ),
]


class MarketRoutes:
    """`/instruments`, `/market/{symbol}/...`, `/orderbook/{symbol}`."""

    def __init__(self, exchange: Exchange, symbols: Symbols, history: History) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._history = history

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        for path, handler, reply, problems in (
            ("/instruments", self.list_instruments, Listed[InstrumentReply], (422,)),
            ("/exchanges", self.list_exchanges, Listed[ExchangeReply], ()),
            ("/market/{symbol:path}/quote", self.get_quote, QuoteReply, (404,)),
            ("/market/{symbol:path}/bars", self.list_bars, Listed[BarReply], (404, 422)),
            ("/orderbook/{symbol:path}", self.get_book, BookReply, (404, 422)),
        ):
            router.add_api_route(
                PREFIX + path,
                handler,
                tags=["market"],
                **document(
                    replies={200: reply}, problems=problems, reasons=_REASONS, secured=False
                ),
            )

    async def list_instruments(
        self, _request: Request, query: Annotated[str, Query(max_length=100)] = ""
    ) -> Response:
        """What can be traded, sorted by symbol; `query` looks into symbols and names."""
        wanted = query.strip().casefold()
        items = await self._symbols.instruments()
        return listed([item for item in items if _mentions(item, wanted)])

    async def list_exchanges(self, _request: Request) -> Response:
        """Where instruments trade: hours, halts, fees, sorted by id."""
        reply = await self._exchange.ask("exchanges")
        return listed(msgspec.json.decode(reply.body)["items"])

    async def get_quote(self, _request: Request, symbol: str) -> Response:
        """The best bid and ask now; null where there is none yet."""
        return json_reply(quote_in(await self._book(symbol, 1)))

    async def list_bars(
        self,
        _request: Request,
        symbol: str,
        timeframe: Timeframe = "1m",
        start: Moment = None,
        end: Moment = None,
        limit: Annotated[int, Query(ge=1, le=BARS_MAX)] = 500,
    ) -> Response:
        """Bars, the oldest first: `limit` from `start` on, or without a start the newest."""
        listed_symbol = await self._symbols.require(symbol)
        start_ns, end_ns = _moment("start", start), _moment("end", end)
        return listed(await self._history.bars(listed_symbol, timeframe, start_ns, end_ns, limit))

    async def get_book(
        self,
        _request: Request,
        symbol: str,
        depth: Annotated[int, Query(ge=1, le=DEPTH_MAX)] = 10,
    ) -> Response:
        """The order book: `[price, quantity, orders]` a level, the best first."""
        book = msgspec.json.decode(await self._book(symbol, depth))
        return json_reply({name: book[name] for name in BookReply.model_fields})

    async def _book(self, name: str, depth: int) -> bytes:
        symbol = await self._symbols.require(name)
        return (await self._exchange.ask("book", {"symbol": symbol, "depth": depth})).body


def _mentions(item: dict[str, Any], wanted: str) -> bool:
    symbol = item["symbol"].casefold()
    names = (symbol, symbol.replace("/", ""), item["name"].casefold())
    return any(wanted in name for name in names)


def _moment(field: str, text: str | None) -> int | None:
    """Nanoseconds since 1970, as far as an i64 reaches; raises `Problem` 422 for no time at all."""
    if text is None:
        return None
    try:
        return max(-_FAR, min(_FAR, _parse_moment(text)))
    except (ValueError, OverflowError) as error:
        raise malformed(
            f"{field}: give a time such as 2026-11-20T10:46:00Z or a date such as 2026-11-20",
            field=field,
            value=text,
        ) from error


def _parse_moment(text: str) -> int:
    if _DATE.fullmatch(text):
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * _NS
    # A plus in a query that was not encoded arrives as a blank.
    return parse_time(re.sub(r" (\d{2}:\d{2})$", r"+\1", text))

"""Routes of the market, open to all: quotes, bars, the book."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX
from papertape.server.api.moments import EndMoment, Moment, end_moment, moment
from papertape.server.api.pages import Cursor, no_cursor, read_cursor, write_cursor
from papertape.server.documents import Listed, document
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.models.market import (
    BarReply,
    BookReply,
    QuoteReply,
)
from papertape.server.problems import Problem, not_found
from papertape.server.quotes import quote_in
from papertape.server.replies import json_reply, listed
from papertape.server.symbols import NO_INSTRUMENT, Symbols

DEPTH_MAX = 100
BARS_MAX = 10_000

_REASONS = {
    404: ("not_found", not_found(NO_INSTRUMENT).detail),
    422: ("malformed", "depth: Input should be greater than or equal to 1"),
}

Timeframe = Literal["1m", "5m", "15m", "1h", "1d"]


class MarketRoutes:
    """`/market/{symbol}/...`, `/orderbook/{symbol}`."""

    def __init__(self, exchange: Exchange, symbols: Symbols, history: History) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._history = history

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        for path, handler, reply, problems in (
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

    async def get_quote(self, _request: Request, symbol: str) -> Response:
        """The best bid and ask now; null where there is none yet."""
        return json_reply(quote_in(await self._book(symbol, 1)))

    async def list_bars(
        self,
        _request: Request,
        symbol: str,
        timeframe: Timeframe = "1m",
        start: Moment = None,
        end: EndMoment = None,
        limit: Annotated[int, Query(ge=1, le=BARS_MAX)] = 500,
        cursor: Cursor = None,
    ) -> Response:
        """Bars, the oldest first: `limit` from `start` on, or without a start the newest.

        The cursor leads to later bars, or without a start to those before.
        """
        listed_symbol = await self._symbols.require(symbol)
        start_ns, end_ns = moment("start", start), end_moment("end", end)
        seen_ns = _time_of(cursor)
        if seen_ns is not None and start_ns is not None:
            start_ns = max(start_ns, seen_ns + 1)
        elif seen_ns is not None:
            end_ns = seen_ns if end_ns is None else min(end_ns, seen_ns)
        bars = await self._history.bars(listed_symbol, timeframe, start_ns, end_ns, limit + 1)
        shown, last = (bars[-limit:], 0) if start_ns is None else (bars[:limit], -1)
        more = len(bars) > limit
        return listed(shown, write_cursor(shown[last]["time"]) if more else None)

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


def _time_of(cursor: str | None) -> int | None:
    """When the bar of a cursor begins; raises `Problem` 422 for one that is none of ours."""
    try:
        return moment("cursor", read_cursor(cursor))
    except Problem as problem:
        raise no_cursor(cursor) from problem

"""The market: instruments, exchanges, quotes, bars, books."""

from typing import Literal

from papertape.client.calls import Call, Face, Group, Moment, endpoint, get, listed, part
from papertape.client.replies.market import Bar, Book, Exchange, Instrument, Quote

Timeframe = Literal["1m", "5m", "15m", "1h", "1d"]


class Market(Group[Face]):
    """`client.market`. Needs no login."""

    @endpoint
    def instruments(
        self,
        query: str = "",
        *,
        sector: str | None = None,
        asset_class: str | None = None,
        exchange: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[list[Instrument]]:
        """What can be traded, by symbol; `query` looks into symbols and names."""
        return listed(
            "/instruments",
            Instrument,
            query=query or None,
            sector=sector,
            asset_class=asset_class,
            exchange=exchange,
            limit=limit,
            cursor=cursor,
        )

    @endpoint
    def exchanges(self) -> Call[list[Exchange]]:
        """Where instruments trade: hours, halts, fees."""
        return listed("/exchanges", Exchange)

    @endpoint
    def quote(self, symbol: str) -> Call[Quote]:
        """The best prices now."""
        return get(f"/market/{part(symbol)}/quote", Quote)

    @endpoint
    def bars(
        self,
        symbol: str,
        timeframe: Timeframe = "1m",
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int | None = None,
    ) -> Call[list[Bar]]:
        """Bars from `start` to `end`, the oldest first; the newest ones without them."""
        path = f"/market/{part(symbol)}/bars"
        return listed(path, Bar, timeframe=timeframe, start=start, end=end, limit=limit)

    @endpoint
    def book(self, symbol: str, depth: int = 10) -> Call[Book]:
        """The levels of both sides."""
        return get(f"/orderbook/{part(symbol)}", Book, depth=depth)

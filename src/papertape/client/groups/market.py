"""The market: instruments, exchanges, quotes, bars, books."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from papertape.client.calls import (
    Call,
    Face,
    Group,
    Moment,
    Page,
    endpoint,
    get,
    listed,
    pages,
    part,
)
from papertape.client.replies.market import Bar, Book, Exchange, Instrument, Quote, Session, Summary

Timeframe = Literal["1m", "5m", "15m", "1h", "1d"]


class Market(Group[Face]):
    """`client.market`. Needs no login."""

    @endpoint
    def instruments_page(
        self,
        query: str = "",
        *,
        sector: str | None = None,
        asset_class: str | None = None,
        exchange: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Instrument]]:
        """What can be traded; `query` looks into symbols and names."""
        return get(
            "/instruments",
            Page[Instrument],
            query=query or None,
            sector=sector,
            asset_class=asset_class,
            exchange=exchange,
            limit=limit,
            cursor=cursor,
        )

    instruments = pages(instruments_page)

    @endpoint
    def instrument(self, symbol: str) -> Call[Instrument]:
        """One instrument."""
        return get(f"/instruments/{part(symbol)}", Instrument)

    @endpoint
    def exchanges(self) -> Call[list[Exchange]]:
        """Where instruments trade: hours, halts, fees."""
        return listed("/exchanges", Exchange)

    @endpoint
    def exchange(self, exchange: str) -> Call[Exchange]:
        """One exchange."""
        return get(f"/exchanges/{part(exchange)}", Exchange)

    @endpoint
    def sessions_page(
        self,
        exchange: str | None = None,
        *,
        start: date | str | None = None,
        end: date | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Session]]:
        """The sessions of the exchanges, or of one, between two days."""
        return get(
            "/sessions",
            Page[Session],
            exchange=exchange,
            start=start,
            end=end,
            limit=limit,
            cursor=cursor,
        )

    sessions = pages(sessions_page)

    @endpoint
    def summaries_page(
        self,
        symbols: Sequence[str] | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Summary]]:
        """How instruments do today: all, or some."""
        names = None if symbols is None else list(symbols)
        return get("/market/summary", Page[Summary], symbols=names, limit=limit, cursor=cursor)

    summaries = pages(summaries_page)

    @endpoint
    def summary(self, symbol: str) -> Call[Summary]:
        """How an instrument does today."""
        return get(f"/instruments/{part(symbol)}/summary", Summary)

    @endpoint
    def quote(self, symbol: str) -> Call[Quote]:
        """The best prices now."""
        return get(f"/market/{part(symbol)}/quote", Quote)

    @endpoint
    def bars_page(
        self,
        symbol: str,
        timeframe: Timeframe = "1m",
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Bar]]:
        """Bars from `start` on, the oldest first; without a start the newest, then those before.

        The bars of a page are always the oldest first.
        """
        return get(
            f"/market/{part(symbol)}/bars",
            Page[Bar],
            timeframe=timeframe,
            start=start,
            end=end,
            limit=limit,
            cursor=cursor,
        )

    bars = pages(bars_page)

    @endpoint
    def book(self, symbol: str, depth: int = 10) -> Call[Book]:
        """The levels of both sides."""
        return get(f"/orderbook/{part(symbol)}", Book, depth=depth)

"""Instruments, exchanges and what is quoted."""

from typing import Any, ClassVar

from pydantic import Field

from papertape.server.models.base import (
    EXAMPLE_TIME,
    AuctionKind,
    Example,
    Reply,
    SessionState,
    Side,
)


class InstrumentReply(Reply):
    """What can be traded."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "asset_class": "us_equity",
        "exchange": "XNAS",
        "sector": "Technology",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "status": "active",
    }

    symbol: str
    name: str
    asset_class: str = Field(examples=["us_equity"])
    exchange: str
    sector: str | None
    currency: str
    tick_size: str
    lot_size: str
    status: str = Field(
        examples=["active"], description="active, or halted while it does not trade"
    )
    industry: str | None = None
    halt_reason: str | None = Field(None, description="why it is halted")
    band: str | None = Field(None, description="limit prices lie within so many percent")
    tick_table: list[list[str]] | None = Field(
        None, description="price steps by price: from this price on, this step"
    )


class ExchangeReply(Reply):
    """Where instruments trade, and the part of the day it is in."""

    example: ClassVar[Example] = {
        "exchange": "XNAS",
        "name": "Nasdaq",
        "currency": "USD",
        "calendar": "XNAS",
        "state": "closed",
        "fees": {"maker_rate": "0", "taker_rate": "0", "per_share": "0", "minimum": "0"},
        "profile": {"name": "realistic"},
        "rules_version": 0,
        "next_change": EXAMPLE_TIME,
        "next_open": EXAMPLE_TIME,
    }

    exchange: str
    name: str
    currency: str
    calendar: str
    state: SessionState
    fees: dict[str, Any]
    profile: dict[str, Any]
    rules_version: int = Field(description="how often fees or profile were set anew")
    auction: AuctionKind | None = Field(None, description="what its auction is for")
    halt_reason: str | None = Field(None, description="why it is halted")
    next_change: str | None = Field(None, description="when the part of the day ends, if known")
    next_open: str | None = Field(None, description="when the regular hours begin, if known")
    mic: str | None = None
    band: str | None = Field(None, description="limit prices lie within so many percent")


class SessionReply(Reply):
    """One session of an exchange: the regular hours of a day, and what lies around them."""

    example: ClassVar[Example] = {
        "exchange": "XNAS",
        "date": "2026-11-20",
        "open": "2026-11-20T14:30:00.000000000Z",
        "close": "2026-11-20T21:00:00.000000000Z",
        "pre_market_open": "2026-11-20T09:00:00.000000000Z",
        "post_market_close": "2026-11-21T01:00:00.000000000Z",
        "auctions": True,
    }

    exchange: str
    date: str = Field(description="the day that it belongs to")
    open: str
    close: str
    pre_market_open: str | None = Field(description="when orders for extended hours begin to trade")
    post_market_close: str | None
    auctions: bool = Field(description="whether an auction opens and closes it")


class SummaryReply(Reply):
    """How an instrument does today (a day of UTC); null is what there was not yet."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "open": "189.10",
        "high": "191.00",
        "low": "188.95",
        "last": "190.48",
        "previous_close": "189.00",
        "change": "1.48",
        "change_share": "0.007831",
        "volume": "1240000",
        "bid": "190.47",
        "ask": "190.48",
        "spread": "0.01",
        "spread_share": "0.000053",
        "imbalance": "-0.25",
        "time": EXAMPLE_TIME,
    }

    symbol: str
    open: str | None
    high: str | None
    low: str | None
    last: str | None
    previous_close: str | None
    change: str | None = Field(
        description="since the close before; on the first day since its open"
    )
    change_share: str | None
    volume: str
    bid: str | None
    ask: str | None
    spread: str | None
    spread_share: str | None = Field(description="the share of the middle")
    imbalance: str | None = Field(
        description="how much more is bid than asked at the best prices: -1 to 1"
    )
    time: str | None = Field(description="of the quote")


class QuoteReply(Reply):
    """The best prices now; null where there is none yet."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "bid": "190.47",
        "ask": "190.48",
        "bid_size": "300",
        "ask_size": "500",
        "last": "190.48",
        "time": EXAMPLE_TIME,
    }

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    last: str | None
    time: str | None
    auction: AuctionKind | None = Field(None, description="the auction that collects orders now")
    indicative_price: str | None = Field(None, description="the price that it would have now")
    paired_qty: str | None = Field(None, description="how much would trade at that price")
    imbalance_qty: str | None = Field(None, description="how much more the longer side wants")
    imbalance_side: Side | None = None


class BarReply(Reply):
    """Open, high, low, close and volume of the span that starts at `time`."""

    example: ClassVar[Example] = {
        "time": EXAMPLE_TIME,
        "open": "190.40",
        "high": "190.52",
        "low": "190.38",
        "close": "190.48",
        "volume": "12400",
        "trades": 31,
        "turnover": "2361828",
        "vwap": "190.47",
    }

    time: str = Field(examples=[EXAMPLE_TIME])
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int | None = Field(None, description="how many; null where nobody counted them")
    turnover: str | None = Field(None, description="the sum of price times quantity")
    vwap: str | None = Field(None, description="turnover by volume: the average price")


class BookReply(Reply):
    """Levels as [price, quantity, orders], the best first."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "bids": [["190.47", "300", 2], ["190.46", "700", 4]],
        "asks": [["190.48", "500", 3], ["190.49", "200", 1]],
        "as_of_seq": 4711,
    }

    symbol: str
    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
    as_of_seq: int

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
    }

    time: str = Field(examples=[EXAMPLE_TIME])
    open: str
    high: str
    low: str
    close: str
    volume: str


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

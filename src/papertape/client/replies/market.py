"""Instruments, exchanges and what is quoted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from papertape.client.replies import Reply


class Instrument(Reply, frozen=True, kw_only=True):
    """What can be traded."""

    symbol: str
    name: str
    asset_class: str
    exchange: str
    sector: str | None
    currency: str
    tick_size: Decimal
    lot_size: Decimal
    status: str
    industry: str | None = None
    halt_reason: str | None = None
    band: Decimal | None = None
    tick_table: list[tuple[Decimal, Decimal]] | None = None


class Exchange(Reply, frozen=True, kw_only=True):
    """Where instruments trade, and the part of the day it is in."""

    exchange: str
    name: str
    currency: str
    calendar: str
    state: str
    fees: dict[str, Any]
    profile: dict[str, Any]
    rules_version: int
    auction: str | None = None
    halt_reason: str | None = None
    next_change: datetime | None = None
    next_open: datetime | None = None
    mic: str | None = None
    band: Decimal | None = None


class Quote(Reply, frozen=True, kw_only=True):
    """The best prices now; None where there is none yet."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    time: datetime | None
    auction: str | None = None
    indicative_price: Decimal | None = None
    paired_qty: Decimal | None = None
    imbalance_qty: Decimal | None = None
    imbalance_side: str | None = None


class Bar(Reply, frozen=True, kw_only=True):
    """Open, high, low, close and volume of the span that starts at `time`."""

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int | None = None
    turnover: Decimal | None = None
    vwap: Decimal | None = None


Level = tuple[Decimal, Decimal, int]
"""Price, quantity, number of orders."""


class Book(Reply, frozen=True, kw_only=True):
    """The levels of both sides, the best first; on streams with the quote."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    as_of_seq: int = 0


class Print(Reply, frozen=True, kw_only=True):
    """A public trade."""

    symbol: str
    price: Decimal
    qty: Decimal
    time: datetime
    side: str | None = None
    id: int = 0


class Session(Reply, frozen=True, kw_only=True):
    """One session of an exchange: the regular hours of a day, and what lies around them."""

    exchange: str
    date: date
    open: datetime
    close: datetime
    pre_market_open: datetime | None
    post_market_close: datetime | None
    auctions: bool


class Summary(Reply, frozen=True, kw_only=True):
    """How an instrument does today (a day of UTC); None is what there was not yet."""

    symbol: str
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    last: Decimal | None
    previous_close: Decimal | None
    change: Decimal | None
    change_share: Decimal | None
    volume: Decimal
    bid: Decimal | None
    ask: Decimal | None
    spread: Decimal | None
    spread_share: Decimal | None
    imbalance: Decimal | None
    time: datetime | None

"""Objects about the market itself: assets, contracts, clock, calendar, watchlists."""

from typing import Any, ClassVar, Literal

from papertape.server.dialects.alpaca.models.trading import EXAMPLE_ASSET, Exchange
from papertape.server.models.base import EXAMPLE_ACCOUNT, EXAMPLE_TIME, Example, Reply

_EXAMPLE_CONTRACT = "0a7c1a6e-34a8-5a39-9d0d-4b6a6b5b8f20"
_EXAMPLE_WATCHLIST = "3d5c3f6c-2f5c-4f0e-9a54-6c1f2f4f8a01"


class AssetReply(Reply):
    """What can be traded."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ASSET,
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "status": "active",
        "tradable": True,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": False,
        "min_order_size": "1",
        "min_trade_increment": "1",
        "price_increment": "0.01",
        "maintenance_margin_requirement": None,
        "attributes": [],
    }

    id: str
    exchange: Exchange
    symbol: str
    name: str
    status: Literal["active", "inactive"]
    tradable: bool
    marginable: bool
    shortable: bool
    easy_to_borrow: bool
    fractionable: bool
    min_order_size: str
    min_trade_increment: str
    price_increment: str
    maintenance_margin_requirement: float | None
    attributes: list[str]


class ContractReply(Reply):
    """An option contract."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_CONTRACT,
        "symbol": "AAPL261218C00200000",
        "name": "AAPL Dec 18 2026 200 Call",
        "status": "active",
        "tradable": True,
        "expiration_date": "2026-12-18",
        "root_symbol": "AAPL",
        "underlying_symbol": "AAPL",
        "underlying_asset_id": EXAMPLE_ASSET,
        "type": "call",
        "style": "american",
        "strike_price": "200",
        "multiplier": "100",
        "size": "100",
        "open_interest": None,
        "open_interest_date": None,
        "close_price": None,
        "close_price_date": None,
    }

    id: str
    symbol: str
    name: str
    status: Literal["active", "inactive"]
    tradable: bool
    expiration_date: str
    root_symbol: str
    underlying_symbol: str
    underlying_asset_id: str
    type: Literal["call", "put"]
    style: Literal["american", "european"]
    strike_price: str
    multiplier: str
    size: str
    open_interest: str | None
    open_interest_date: str | None
    close_price: str | None
    close_price_date: str | None


class ContractsReply(Reply):
    """Contracts by symbol; pass `next_page_token` as `page_token` for what follows."""

    example: ClassVar[Example] = {
        "option_contracts": [ContractReply.example],
        "next_page_token": None,
    }

    option_contracts: list[ContractReply]
    next_page_token: str | None


class ClockReply(Reply):
    """The market's clock, in New York time."""

    example: ClassVar[Example] = {
        "timestamp": "2026-11-20T10:46:00-05:00",
        "is_open": True,
        "next_open": "2026-11-23T09:30:00-05:00",
        "next_close": "2026-11-20T16:00:00-05:00",
    }

    timestamp: str
    is_open: bool
    next_open: str
    next_close: str


class CalendarDay(Reply):
    """A trading day, in New York time."""

    example: ClassVar[Example] = {
        "date": "2026-11-20",
        "open": "09:30",
        "close": "16:00",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": "2026-11-23",
    }

    date: str
    open: str
    close: str
    session_open: str
    session_close: str
    settlement_date: str


_MARKET: Example = {
    "mic": "XNYS",
    "acronym": "NYSE",
    "name": "New York Stock Exchange",
    "timezone": "America/New_York",
}


class MarketPart(Reply):
    """A market by its names."""

    example: ClassVar[Example] = _MARKET

    mic: str
    acronym: str
    name: str
    timezone: str


class MarketClock(Reply):
    """The part of the day that a market is in."""

    example: ClassVar[Example] = {
        "market": _MARKET,
        "timestamp": "2026-11-20T10:46:00-05:00",
        "is_market_day": True,
        "next_market_open": "2026-11-23T09:30:00-05:00",
        "next_market_close": "2026-11-20T16:00:00-05:00",
        "phase": "core",
        "phase_until": "2026-11-20T16:00:00-05:00",
    }

    market: MarketPart
    timestamp: str
    is_market_day: bool
    next_market_open: str
    next_market_close: str
    phase: Literal["closed", "pre", "core", "post"]
    phase_until: str


class ClocksReply(Reply):
    """The clocks of markets."""

    example: ClassVar[Example] = {"clocks": [MarketClock.example]}

    clocks: list[MarketClock]


class MarketDay(Reply):
    """A trading day of a market; parts that it does not have are left out."""

    example: ClassVar[Example] = {
        "date": "2026-11-20",
        "pre_start": "2026-11-20T04:00:00-05:00",
        "pre_end": "2026-11-20T09:30:00-05:00",
        "core_start": "2026-11-20T09:30:00-05:00",
        "core_end": "2026-11-20T16:00:00-05:00",
        "post_start": "2026-11-20T16:00:00-05:00",
        "post_end": "2026-11-20T20:00:00-05:00",
        "settlement_date": "2026-11-23",
    }

    date: str
    core_start: str
    core_end: str
    settlement_date: str
    pre_start: str | None = None
    pre_end: str | None = None
    post_start: str | None = None
    post_end: str | None = None


class MarketCalendarReply(Reply):
    """The trading days of a market."""

    example: ClassVar[Example] = {"market": _MARKET, "calendar": [MarketDay.example]}

    market: MarketPart
    calendar: list[MarketDay]


class WatchlistReply(Reply):
    """A watchlist; the list of all watchlists leaves the assets out."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_WATCHLIST,
        "account_id": EXAMPLE_ACCOUNT,
        "name": "Chips",
        "created_at": EXAMPLE_TIME,
        "updated_at": EXAMPLE_TIME,
        "assets": [AssetReply.example],
    }

    id: str
    account_id: str
    name: str
    created_at: str
    updated_at: str
    assets: list[dict[str, Any]] | None = None


class AnnouncementReply(Reply):
    """An announced split or cash dividend; no CUSIPs are known here."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_CONTRACT,
        "corporate_action_id": "split-1",
        "ca_type": "split",
        "ca_sub_type": "stock_split",
        "initiating_symbol": "AAPL",
        "initiating_original_cusip": "",
        "target_symbol": "AAPL",
        "target_original_cusip": "",
        "declaration_date": "2026-11-20",
        "ex_date": "2026-11-23",
        "record_date": "2026-11-23",
        "payable_date": "2026-11-23",
        "cash": 0.0,
        "old_rate": 1.0,
        "new_rate": 4.0,
    }

    id: str
    corporate_action_id: str
    ca_type: Literal["split", "dividend"]
    ca_sub_type: Literal["stock_split", "reverse_split", "cash"]
    initiating_symbol: str
    initiating_original_cusip: str
    target_symbol: str
    target_original_cusip: str
    declaration_date: str
    ex_date: str
    record_date: str
    payable_date: str
    cash: float
    old_rate: float
    new_rate: float

"""Objects of the trading API."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ORDER,
    EXAMPLE_TIME,
    Example,
    Reply,
)

EXAMPLE_ASSET = "b0b6dd9d-8b9b-5a71-9a3f-3d1f0f1c6a11"
AssetClass = Literal["us_equity", "us_option", "crypto", ""]
Exchange = Literal["NASDAQ", "NYSE", "CRYPTO", ""]


class ErrorReply(Reply):
    """What was wrong. Clients look at both members."""

    example: ClassVar[Example] = {"code": 40410000, "message": "there is no such order"}

    code: int
    message: str


class OrderReply(Reply):
    """An order. `legs` are its exits, or the parts of a multi-leg order."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ORDER,
        "client_order_id": "my-first-order",
        "created_at": EXAMPLE_TIME,
        "updated_at": EXAMPLE_TIME,
        "submitted_at": EXAMPLE_TIME,
        "filled_at": EXAMPLE_TIME,
        "expired_at": None,
        "expires_at": None,
        "canceled_at": None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": EXAMPLE_ASSET,
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "notional": None,
        "qty": "10",
        "filled_qty": "10",
        "filled_avg_price": "190.48",
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "position_intent": None,
        "time_in_force": "day",
        "limit_price": "190.50",
        "stop_price": None,
        "status": "filled",
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    }

    id: str
    client_order_id: str
    created_at: str
    updated_at: str
    submitted_at: str
    filled_at: str | None
    expired_at: str | None
    expires_at: str | None
    canceled_at: str | None
    failed_at: str | None
    replaced_at: str | None
    replaced_by: str | None
    replaces: str | None
    asset_id: str
    symbol: str
    asset_class: AssetClass
    notional: str | None
    qty: str | None
    filled_qty: str
    filled_avg_price: str | None
    order_class: Literal["", "bracket", "oco", "oto", "mleg"]
    order_type: str
    type: str
    side: Literal["buy", "sell", ""]
    position_intent: str | None
    time_in_force: str
    limit_price: str | None
    stop_price: str | None
    status: str
    extended_hours: bool
    legs: list[Any] | None
    trail_percent: str | None
    trail_price: str | None
    hwm: str | None
    subtag: str | None
    source: str | None
    ratio_qty: str | None = None


class CanceledOrder(Reply):
    """One order of a cancel-all."""

    example: ClassVar[Example] = {"id": EXAMPLE_ORDER, "status": 200, "body": None}

    id: str
    status: int
    body: Any | None


class PositionReply(Reply):
    """What is held of an asset. Null is what nothing is known about."""

    example: ClassVar[Example] = {
        "asset_id": EXAMPLE_ASSET,
        "symbol": "AAPL",
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "asset_marginable": False,
        "qty": "10",
        "qty_available": "10",
        "avg_entry_price": "190.48",
        "side": "long",
        "market_value": "1910.00",
        "cost_basis": "1904.80",
        "unrealized_pl": "5.20",
        "unrealized_plpc": "0.002729945",
        "unrealized_intraday_pl": "5.2",
        "unrealized_intraday_plpc": "0.002729945",
        "current_price": "191.00",
        "lastday_price": "189.10",
        "change_today": "0.010047594",
    }

    asset_id: str
    symbol: str
    exchange: Exchange
    asset_class: AssetClass
    asset_marginable: bool
    qty: str
    qty_available: str
    avg_entry_price: str
    side: Literal["long", "short"]
    market_value: str | None
    cost_basis: str
    unrealized_pl: str | None
    unrealized_plpc: str | None
    unrealized_intraday_pl: str | None
    unrealized_intraday_plpc: str | None
    current_price: str | None
    lastday_price: str | None
    change_today: str | None


class ClosedPosition(Reply):
    """One position of a close-all: the order, or why there is none."""

    example: ClassVar[Example] = {"symbol": "AAPL", "status": 200, "body": OrderReply.example}

    symbol: str
    status: int
    body: dict[str, Any]


class AccountReply(Reply):
    """The account of the key, or the user's first."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ACCOUNT,
        "account_number": "PA5F0C4C62",
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "cash": "98095.20",
        "buying_power": "98095.20",
        "regt_buying_power": "98095.20",
        "non_marginable_buying_power": "98095.20",
        "options_buying_power": "98095.20",
        "portfolio_value": "100005.20",
        "equity": "100005.20",
        "last_equity": "100000.00",
        "long_market_value": "1910.00",
        "short_market_value": "0",
        "initial_margin": "0",
        "maintenance_margin": "0",
        "last_maintenance_margin": None,
        "sma": None,
        "multiplier": "1",
        "accrued_fees": "0",
        "pending_transfer_in": None,
        "pending_transfer_out": None,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "shorting_enabled": False,
        "options_approved_level": 3,
        "options_trading_level": 3,
        "created_at": EXAMPLE_TIME,
    }

    id: str
    account_number: str
    status: str
    crypto_status: str
    currency: str
    cash: str
    buying_power: str
    regt_buying_power: str
    non_marginable_buying_power: str
    options_buying_power: str
    portfolio_value: str
    equity: str
    last_equity: str
    long_market_value: str
    short_market_value: str
    initial_margin: str
    maintenance_margin: str
    last_maintenance_margin: str | None
    sma: str | None
    multiplier: str
    accrued_fees: str
    pending_transfer_in: str | None
    pending_transfer_out: str | None
    trading_blocked: bool
    transfers_blocked: bool
    account_blocked: bool
    trade_suspended_by_user: bool
    shorting_enabled: bool
    options_approved_level: int
    options_trading_level: int
    created_at: str


class ConfigurationReply(Reply):
    """What the account's owner has chosen."""

    example: ClassVar[Example] = {
        "dtbp_check": None,
        "fractional_trading": True,
        "max_margin_multiplier": "1",
        "no_shorting": True,
        "pdt_check": None,
        "suspend_trade": False,
        "trade_confirm_email": "none",
        "ptp_no_exception_entry": False,
        "max_options_trading_level": None,
    }

    dtbp_check: str | None
    fractional_trading: bool
    max_margin_multiplier: str
    no_shorting: bool
    pdt_check: str | None
    suspend_trade: bool
    trade_confirm_email: Literal["none"]
    ptp_no_exception_entry: bool
    max_options_trading_level: int | None


class PortfolioHistoryReply(Reply):
    """Equity at the end of windows; each carries the time of its start, in seconds since 1970."""

    example: ClassVar[Example] = {
        "timestamp": [1795132800],
        "equity": [100005.2],
        "profit_loss": [5.2],
        "profit_loss_pct": [0.000052],
        "base_value": 100000.0,
        "base_value_asof": "2026-11-20",
        "timeframe": "1D",
        "cashflow": {},
    }

    timestamp: list[int]
    equity: list[float]
    profit_loss: list[float]
    profit_loss_pct: list[float | None]
    base_value: float
    base_value_asof: str | None
    timeframe: str
    cashflow: dict[str, list[float]] = Field(default_factory=dict)


class ActivityReply(Reply):
    """A fill, or what moved money besides; which members it has follows from its type."""

    example: ClassVar[Example] = {
        "id": "20261120104600000::6e340b9c-ffb3-8002-8000-000000000001",
        "account_id": EXAMPLE_ACCOUNT,
        "activity_type": "FILL",
        "transaction_time": EXAMPLE_TIME,
        "type": "fill",
        "price": "190.48",
        "qty": "10",
        "side": "buy",
        "symbol": "AAPL",
        "leaves_qty": "0",
        "order_id": EXAMPLE_ORDER,
        "cum_qty": "10",
        "order_status": "filled",
    }

    id: str
    account_id: str
    activity_type: str
    transaction_time: str | None = None
    type: str | None = None
    price: str | None = None
    qty: str | None = None
    side: str | None = None
    symbol: str | None = None
    leaves_qty: str | None = None
    order_id: str | None = None
    cum_qty: str | None = None
    order_status: str | None = None
    date: str | None = None
    net_amount: str | None = None
    description: str | None = None
    status: str | None = None

"""Accounts, positions, fills, ledger and equity."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ORDER,
    EXAMPLE_TIME,
    Example,
    Reply,
    Side,
    Uuid,
)


class AccountReply(Reply):
    """An account, valued at the present market."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ACCOUNT,
        "name": "Paper account",
        "kind": "cash",
        "currency": "USD",
        "cash": "98095.15",
        "equity": "99999.95",
        "buying_power": "98095.15",
        "unrealized_pl": "0.00",
        "realized_pl": "-0.05",
        "status": "active",
        "as_of_seq": 4711,
    }

    id: Uuid
    name: str
    kind: str = Field(examples=["cash"])
    currency: str = Field(examples=["USD"])
    cash: str = Field(examples=["100000.00"])
    equity: str = Field(examples=["100000.00"])
    buying_power: str = Field(examples=["100000.00"])
    unrealized_pl: str = Field(examples=["0.00"])
    realized_pl: str = Field(examples=["0.00"])
    status: str = Field(examples=["active"])
    as_of_seq: int
    multiplier: str | None = None
    long_market_value: str | None = None
    short_market_value: str | None = None
    initial_margin: str | None = None
    maintenance_margin: str | None = None
    cost_method: str | None = None
    currencies: dict[str, Any] | None = None
    unsettled_cash: str | None = None
    resets: int | None = None
    archived_at: str | None = Field(None, description="when its owner put it away")


class PositionReply(Reply):
    """What an account holds of one instrument; below zero what it owes."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "qty": "10",
        "avg_entry_price": "190.48",
        "market_value": "1904.80",
        "cost_basis": "1904.80",
        "unrealized_pl": "0.00",
        "current_price": "190.48",
        "side": "long",
    }

    symbol: str
    qty: str
    avg_entry_price: str
    market_value: str | None
    cost_basis: str
    unrealized_pl: str | None
    current_price: str | None
    side: str = Field(examples=["long"])
    lot_count: int | None = None
    lots: list[Any] | None = None


class FillReply(Reply):
    """One fill of an order."""

    example: ClassVar[Example] = {
        "id": "6e340b9c-ffb3-8002-8000-000000000001",
        "order_id": EXAMPLE_ORDER,
        "account_id": EXAMPLE_ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "price": "190.48",
        "qty": "10",
        "notional": "1904.80",
        "fee": "0.05",
        "liquidity": "taker",
        "counterparty": "house",
        "realized_pl": "-0.05",
        "time": EXAMPLE_TIME,
        "seq": 4711,
    }

    id: Uuid
    order_id: Uuid
    account_id: Uuid
    symbol: str
    side: Side
    price: str
    qty: str
    notional: str
    fee: str
    liquidity: Literal["maker", "taker"]
    counterparty: Literal["house", "user"]
    realized_pl: str
    time: str = Field(examples=[EXAMPLE_TIME])
    seq: int
    receipt: dict[str, Any] | None = Field(default=None, description="why it got its price")


class LedgerLine(Reply):
    """One line of the double-entry ledger; the lines of an entry sum to zero for each asset."""

    example: ClassVar[Example] = {
        "seq": 4711,
        "account_id": EXAMPLE_ACCOUNT,
        "asset": "USD",
        "amount": "-1904.80",
        "kind": "trade",
        "order_id": EXAMPLE_ORDER,
        "time": EXAMPLE_TIME,
    }

    seq: int
    account_id: str
    asset: str = Field(examples=["USD"])
    amount: str = Field(examples=["-1905.00"])
    kind: str = Field(examples=["trade"])
    order_id: Uuid | None
    time: str = Field(examples=[EXAMPLE_TIME])


class EquityPoint(Reply):
    """The account's equity at the end of a minute."""

    example: ClassVar[Example] = {"time": EXAMPLE_TIME, "equity": "99999.95", "cash": "98095.15"}

    time: str = Field(examples=[EXAMPLE_TIME])
    equity: str
    cash: str

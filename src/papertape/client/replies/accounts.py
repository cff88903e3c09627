"""Accounts, what they hold and what they made."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from papertape.client.replies import Reply
from papertape.client.replies.orders import CanceledOrder, Order, Problem


class Account(Reply, frozen=True, kw_only=True):
    """An account, valued at the present market. On streams it comes without its name."""

    id: str
    kind: str
    currency: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    unrealized_pl: Decimal
    realized_pl: Decimal
    status: str
    name: str = ""
    as_of_seq: int = 0
    multiplier: Decimal | None = None
    long_market_value: Decimal | None = None
    short_market_value: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    cost_method: str | None = None
    currencies: dict[str, Any] | None = None
    unsettled_cash: Decimal | None = None
    resets: int | None = None
    archived_at: datetime | None = None


class Position(Reply, frozen=True, kw_only=True):
    """What an account holds of one instrument; below zero what it owes."""

    symbol: str
    qty: Decimal
    avg_entry_price: Decimal
    market_value: Decimal | None
    cost_basis: Decimal
    unrealized_pl: Decimal | None
    current_price: Decimal | None
    side: str
    lot_count: int | None = None
    lots: list[Any] | None = None


class Fill(Reply, frozen=True, kw_only=True):
    """One fill of an order; `receipt` says why it got its price."""

    id: str
    order_id: str
    account_id: str
    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    notional: Decimal
    fee: Decimal
    liquidity: str
    counterparty: str
    realized_pl: Decimal
    time: datetime
    seq: int
    receipt: dict[str, Any] | None = None


class Trade(Fill, frozen=True, kw_only=True):
    """One execution, with what its owner wrote on it and what became of it."""

    note: str | None = None
    busted: bool | None = None
    corrected_by: str | None = None
    strategy: str | None = None
    tags: list[str] | None = None


class LedgerLine(Reply, frozen=True, kw_only=True):
    """One line of the double-entry ledger; the lines of an entry sum to zero for each asset."""

    seq: int
    account_id: str
    asset: str
    amount: Decimal
    kind: str
    order_id: str | None
    time: datetime


class EquityPoint(Reply, frozen=True, kw_only=True):
    """The account's equity at the end of a minute."""

    time: datetime
    equity: Decimal
    cash: Decimal


class ClosedPosition(Reply, frozen=True, kw_only=True):
    """What became of one position: the order that closes it, or why none could be sent."""

    symbol: str
    status: int
    order: Order | None = None
    problem: Problem | None = None


class ClosedPositions(Reply, frozen=True, kw_only=True):
    """Every position that was closed, or could not be."""

    items: list[ClosedPosition]


class Flattened(Reply, frozen=True, kw_only=True):
    """The orders that were canceled and the positions that were closed."""

    account_id: str
    canceled: list[CanceledOrder]
    positions: list[ClosedPosition]


class Transfer(Reply, frozen=True, kw_only=True):
    """A transfer that has arrived, with both accounts as they stand after it."""

    id: str
    amount: Decimal
    from_account: Account
    to_account: Account


class Fork(Reply, frozen=True, kw_only=True):
    """The world that a fork made, and the account in it."""

    world: str
    account_id: str
    seq: int


class TradeFigures(Reply, frozen=True, kw_only=True):
    """Closed trades, net of fees; None is not defined."""

    win_rate: float | None
    profit_factor: float | None
    total_trades: int
    winning_trades: int
    losing_trades: int
    avg_win: Decimal | None
    avg_loss: Decimal | None
    largest_win: Decimal | None
    largest_loss: Decimal | None
    gross_profit: Decimal
    gross_loss: Decimal
    commission: Decimal


class Metrics(TradeFigures, frozen=True, kw_only=True):
    """How an account did since it was opened, or reset."""

    total_return: float | None
    sharpe_ratio: float | None
    max_drawdown: float | None
    total_pnl: Decimal | None


class StrategyFigures(TradeFigures, frozen=True, kw_only=True):
    """What the orders of one strategy made; None is what no strategy was named for."""

    strategy: str | None
    fills: int
    realized_pl: Decimal
    unrealized_pl: Decimal | None
    total_pnl: Decimal | None


class Statement(Reply, frozen=True, kw_only=True):
    """An account from one moment to another."""

    account_id: str
    name: str
    currency: str
    from_: datetime | None = msgspec.field(name="from")
    to: datetime
    opening: dict[str, Decimal]
    closing: dict[str, Decimal]
    totals: dict[str, dict[str, Decimal]]
    items: list[LedgerLine]
    next_cursor: str | None = None

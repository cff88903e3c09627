"""What an account made: metrics, strategies, statements."""

from typing import ClassVar

from pydantic import Field

from papertape.server.models.accounts import LedgerLine
from papertape.server.models.base import EXAMPLE_ACCOUNT, EXAMPLE_TIME, Example, Reply, Uuid


class TradeFigures(Reply):
    """Closed trades: round trips from nothing held to nothing held, net of fees.

    Money is in the currency of the account; losses are negative; null is not defined.
    """

    example: ClassVar[Example] = {
        "win_rate": 0.5,
        "profit_factor": 1.6666666666666667,
        "total_trades": 10,
        "winning_trades": 5,
        "losing_trades": 5,
        "avg_win": "100.00",
        "avg_loss": "-60.00",
        "largest_win": "200.00",
        "largest_loss": "-100.00",
        "gross_profit": "500.00",
        "gross_loss": "-300.00",
        "commission": "12.50",
    }

    win_rate: float | None = Field(description="winning trades over all trades")
    profit_factor: float | None = Field(description="gross profit over the size of gross loss")
    total_trades: int
    winning_trades: int
    losing_trades: int
    avg_win: str | None
    avg_loss: str | None
    largest_win: str | None
    largest_loss: str | None
    gross_profit: str
    gross_loss: str
    commission: str = Field(description="all fees, those of open positions too")


class MetricsReply(TradeFigures):
    """How an account did since it was opened, or reset.

    Returns are time-weighted: deposits, withdrawals and transfers are no profit. Sharpe is of daily
    returns times sqrt(252) (Monday to Friday), or sqrt(365) (all days) once crypto was traded,
    without a risk-free rate. `total_pnl` is equity less the money that came in, so it includes
    open positions. Null is not defined.
    """

    example: ClassVar[Example] = {
        "total_return": 0.002,
        "sharpe_ratio": 1.44,
        "max_drawdown": -0.027,
        **TradeFigures.example,
        "total_pnl": "200.00",
    }

    total_return: float | None
    sharpe_ratio: float | None
    max_drawdown: float | None = Field(description="the deepest fall from a high, 0 or negative")
    total_pnl: str | None


class StrategyReply(TradeFigures):
    """What the orders of one strategy made; null is what no strategy was named for.

    Each strategy has its own holdings here, whatever others hold of the same instrument.
    """

    example: ClassVar[Example] = {
        "strategy": "breakout",
        **TradeFigures.example,
        "fills": 20,
        "realized_pl": "200.00",
        "unrealized_pl": "0.00",
        "total_pnl": "200.00",
    }

    strategy: str | None
    fills: int
    realized_pl: str = Field(description="of closed trades, net of fees")
    unrealized_pl: str | None = Field(
        description="of what is held at the present price, net of fees paid; null without a price"
    )
    total_pnl: str | None


class StatementReply(Reply):
    """An account from one moment to another: what it had, what moved, what it has.

    `opening`, `closing` and `totals` count every asset: currencies and instruments. `items` are the
    lines of the ledger, the oldest first.
    """

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "name": "Paper account",
        "currency": "USD",
        "from": "2026-11-01T00:00:00.000000000Z",
        "to": "2026-12-01T00:00:00.000000000Z",
        "opening": {"USD": "100000.00"},
        "closing": {"USD": "98095.15", "AAPL": "10"},
        "totals": {"trade": {"USD": "-1904.80", "AAPL": "10"}, "fee": {"USD": "-0.05"}},
        "items": [LedgerLine.example],
        "next_cursor": None,
    }

    account_id: Uuid
    name: str
    currency: str
    from_: str | None = Field(alias="from", examples=[EXAMPLE_TIME])
    to: str = Field(examples=[EXAMPLE_TIME])
    opening: dict[str, str]
    closing: dict[str, str]
    totals: dict[str, dict[str, str]]
    items: list[LedgerLine]
    next_cursor: str | None

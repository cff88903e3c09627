"""Performance and risk of return series: pure functions on arrays, one convention each.

Start reading at `returns`, then `risk` and `benchmark`. Every function takes simple returns per
period, oldest first, as a float array; what is annualised takes `periods_per_year` and never
guesses it. A figure that is not defined (no variance, too few values) is NaN, never 0 or infinity.
This room knows no orders, accounts or files, and is the one place where money becomes a float;
`round_trips` alone counts money, and does so in exact decimals.
"""

from papertape.analytics.benchmark import (
    alpha,
    beta,
    down_capture,
    information_ratio,
    tracking_error,
    treynor,
    up_capture,
)
from papertape.analytics.returns import (
    cagr,
    simple_returns,
    time_weighted_returns,
    total_return,
    wealth,
)
from papertape.analytics.risk import (
    calmar,
    downside_deviation,
    drawdowns,
    expected_shortfall,
    max_drawdown,
    omega,
    sharpe,
    sortino,
    tail_ratio,
    ulcer_index,
    value_at_risk,
    value_at_risk_normal,
    volatility,
)
from papertape.analytics.round_trips import (
    Change,
    Holding,
    RoundTrip,
    TradeStatistics,
    round_trips,
    trade_statistics,
)
from papertape.analytics.trades import expectancy, kelly, payoff, profit_factor, sqn, win_rate

__all__ = [
    "Change",
    "Holding",
    "RoundTrip",
    "TradeStatistics",
    "alpha",
    "beta",
    "cagr",
    "calmar",
    "down_capture",
    "downside_deviation",
    "drawdowns",
    "expectancy",
    "expected_shortfall",
    "information_ratio",
    "kelly",
    "max_drawdown",
    "omega",
    "payoff",
    "profit_factor",
    "round_trips",
    "sharpe",
    "simple_returns",
    "sortino",
    "sqn",
    "tail_ratio",
    "time_weighted_returns",
    "total_return",
    "tracking_error",
    "trade_statistics",
    "treynor",
    "ulcer_index",
    "up_capture",
    "value_at_risk",
    "value_at_risk_normal",
    "volatility",
    "wealth",
    "win_rate",
]

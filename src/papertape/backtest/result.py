"""What a run left: its figures, and every order, fill and value of the account as columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from papertape import analytics
from papertape.engine import BACKTEST_REASONS
from papertape.markets.files import MarketFile, periods_per_year

MONEY_UNIT = 10**6
IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
Table: TypeAlias = dict[str, IntArray]
FILLED = 2
"""The status of an order that is done; below it are waiting ones, above it refused ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of a backtest. Money is in the account's currency.

    `trades` counts orders that were filled, `round_trips` how often a position was closed.
    `sharpe` is annualised with `periods_per_year` returns, from one bar's close to the next.
    `max_drawdown` is 0 or negative; undefined figures are NaN. `unfilled` orders were still
    waiting when the data ended; `refused` ones were rejected or canceled, by reason.
    The tables `orders`, `fills` and `equity` hold int64 columns: prices in 10^-price_scale,
    quantities in 10^-qty_scale, money in 10^-6; `bar` is the index of the bar at which it happened,
    `side` 0 for a buy and 1 for a sell.
    """

    symbol: str
    bars: int
    cash: Decimal
    final_equity: float
    total_return: float
    cagr: float
    sharpe: float
    max_drawdown: float
    volatility: float
    periods_per_year: int
    trades: int
    round_trips: int
    win_rate: float
    fees: float
    unfilled: int
    refused: dict[str, int]
    seconds: float
    bars_per_second: float
    price_scale: int
    qty_scale: int
    time_ns: IntArray
    equity_curve: FloatArray
    orders: Table
    fills: Table
    equity: Table

    def figures(self) -> dict[str, float | int | None]:
        """Give the figures that `papertape backtest --json` writes; None where undefined."""
        numbers: dict[str, float | int] = {
            "final_equity": self.final_equity,
            "total_return": self.total_return,
            "sharpe": self.sharpe,
            "max_drawdown": self.max_drawdown,
            "trades": self.trades,
            "fees": self.fees,
            "seconds": self.seconds,
            "bars_per_second": self.bars_per_second,
        }
        return {name: n if math.isfinite(n) else None for name, n in numbers.items()}


def make_result(
    tables: dict[str, Table], file: MarketFile, cash: Decimal, seconds: float
) -> Result:
    """Turn the tables of a finished run into figures."""
    orders, fills, equity = tables["orders"], tables["fills"], tables["equity"]
    curve = equity["equity"] / MONEY_UNIT
    from_start = analytics.simple_returns(np.concatenate(([float(cash)], curve)))
    yearly = periods_per_year(file.symbol, file.bar_seconds)
    profits = round_trip_profits(fills) / MONEY_UNIT
    return Result(
        symbol=file.symbol,
        bars=len(file),
        cash=cash,
        final_equity=float(curve[-1]),
        total_return=float(curve[-1]) / float(cash) - 1.0,
        cagr=analytics.cagr(from_start[1:], yearly),
        sharpe=analytics.sharpe(from_start[1:], yearly),
        max_drawdown=analytics.max_drawdown(from_start),
        volatility=analytics.volatility(from_start[1:], yearly),
        periods_per_year=yearly,
        trades=int(np.count_nonzero(orders["filled"])),
        round_trips=len(profits),
        win_rate=analytics.win_rate(profits),
        fees=int(fills["fee"].sum()) / MONEY_UNIT,
        unfilled=int(np.count_nonzero(orders["status"] < FILLED)),
        refused=_refused(orders),
        seconds=seconds,
        bars_per_second=len(file) / seconds,
        price_scale=file.price_scale,
        qty_scale=file.qty_scale,
        time_ns=file["time_ns"],
        equity_curve=curve,
        orders=orders,
        fills=fills,
        equity=equity,
    )


def round_trip_profits(fills: Table) -> IntArray:
    """Profit of each time a position went back to nothing, fees of all its fills taken off.

    In money units. A round trip begins with the first buy and ends when nothing is held.
    """
    signed = np.where(fills["side"] == 0, fills["qty"], -fills["qty"])
    flow = np.where(fills["side"] == 0, -fills["notional"], fills["notional"]) - fills["fee"]
    closed = np.flatnonzero(np.cumsum(signed) == 0)
    earned = np.cumsum(flow)[closed]
    return np.diff(earned, prepend=0)


def _refused(orders: Table) -> dict[str, int]:
    """Count the orders that were rejected, canceled or expired, by reason."""
    reasons, counts = np.unique(orders["reason"][orders["status"] > FILLED], return_counts=True)
    return {
        BACKTEST_REASONS[reason]: count
        for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True)
    }

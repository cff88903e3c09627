"""Running a strategy over bars: the same engine as live, with a file as its market.

A run is a loop of two steps: the engine takes the next bar (and fills what was waiting for it),
then the strategy sees the finished bar. So with `fill_on="next_open"` a signal of one bar fills at
the open of the next, and with `fill_on="close"` at the close of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from papertape.backtest.arrays import is_array_strategy, targets_in_units
from papertape.backtest.broker import EngineBroker
from papertape.backtest.failures import BacktestError, failure
from papertape.backtest.result import Result, make_result
from papertape.engine import Backtest
from papertape.markets.files import MarketFile, load
from papertape.markets.replay import listing_of
from papertape.strategies import Bar, Strategy
from papertape.strategies.market_view import PriceColumns

FillOn: TypeAlias = Literal["next_open", "close"]
FILLS_ON = ("next_open", "close")
EXCHANGE = "BACKTEST"
NO_LIMIT = 10**18
"""A volume, in units, that no order reaches."""
BARS_AT_ONCE = 8_192
"""How many bars are turned into objects together: enough to be fast, few enough for memory."""


def run(
    strategy: type[Strategy],
    data: MarketFile | Path | str,
    symbol: str | None = None,
    cash: Decimal | float | str = 100_000,
    fee: Decimal | float | str = "0.001",
    fill_on: FillOn = "next_open",
    params: Mapping[str, object] | None = None,
) -> Result:
    """Run a strategy over a bar file and return everything that happened.

    `fee` is a share of each fill's value (0.001 is 0.1 %). `params` sets parameters by name.
    Raises `BrokenFile` (from `papertape.markets.files`), `BacktestError`, `ParameterError`,
    and `StrategyFailedError` when the strategy raises.
    """
    setup = prepare(data, symbol, cash, fee, fill_on)
    file, engine = setup.file, setup.engine()
    broker = EngineBroker(engine, {file.symbol: file})
    trader = strategy(broker, params)
    started = perf_counter()
    if is_array_strategy(strategy):
        engine.run_targets(file.symbol, targets_in_units(trader, broker, file.symbol))
    else:
        _play(trader, engine, file.symbol, broker.columns[file.symbol])
    seconds = perf_counter() - started
    return make_result(engine.result(), file, setup.cash, seconds)


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs over the same bars share."""

    file: MarketFile
    cash: Decimal
    fee: Decimal
    fill_on: FillOn

    def engine(self) -> Backtest:
        """Make an engine with the bars loaded and nothing done."""
        return _engine(self.file, self.cash, self.fee, self.fill_on)


def prepare(
    data: MarketFile | Path | str,
    symbol: str | None,
    cash: Decimal | float | str,
    fee: Decimal | float | str,
    fill_on: FillOn,
) -> Setup:
    """Check what a run begins with; raises `BrokenFile` and `BacktestError`."""
    file = data if isinstance(data, MarketFile) else load(data, symbol)
    if file.kind != "bars":
        raise BacktestError(f"{file.path.name} holds {file.kind}; a backtest needs bars")
    if fill_on not in FILLS_ON:
        raise BacktestError(f"fill_on must be next_open or close, not {fill_on!r}")
    starting_cash = _amount("cash", cash)
    if starting_cash <= 0:
        raise BacktestError(f"cash must be above zero, not {cash}")
    fee_rate = _amount("fee", fee)
    if not 0 <= fee_rate < 1:
        raise BacktestError(f"fee must be a share from 0 to below 1 (0.001 is 0.1 %), not {fee}")
    return Setup(file, starting_cash, fee_rate, fill_on)


def _amount(name: str, value: Decimal | float | str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise BacktestError(f"{name} must be a number, not {value!r}") from None
    if not amount.is_finite():
        raise BacktestError(f"{name} must be a number, not {value}")
    return amount


def _engine(file: MarketFile, cash: Decimal, fee_rate: Decimal, fill_on: FillOn) -> Backtest:
    listing = {"kind": "list_instrument", **listing_of(file), "exchange": EXCHANGE}
    engine = Backtest([msgspec.json.encode(listing)], f"{cash:f}", f"{fee_rate:f}", fill_on)
    # The engine's time begins in 1970; older bars are moved, since only their order matters.
    times = file["time_ns"]
    # The street shows a bar's volume at its close; a backtest does not limit fills by volume.
    volume = np.full(len(file), NO_LIMIT, np.int64)
    engine.load(
        file.symbol,
        times if times[0] > 0 else times - times[0] + 1,
        file["open"],
        file["high"],
        file["low"],
        file["close"],
        volume,
    )
    return engine


def _play(trader: Strategy, engine: Backtest, symbol: str, columns: PriceColumns) -> None:
    step, on_bar = engine.step, trader.on_bar
    try:
        trader.on_start()
        for bar in _bars(symbol, columns):
            step()
            on_bar(bar)
    except Exception as error:
        index = engine.bar_index(symbol)
        raise failure(trader, int(columns.time_ns[index]) if index >= 0 else None, error) from error


def _bars(symbol: str, columns: PriceColumns) -> Iterator[Bar]:
    for start in range(0, len(columns.time_ns), BARS_AT_ONCE):
        part = slice(start, start + BARS_AT_ONCE)
        yield from map(
            Bar,
            repeat(symbol),
            columns.time_ns[part].tolist(),
            columns.open[part].tolist(),
            columns.high[part].tolist(),
            columns.low[part].tolist(),
            columns.close[part].tolist(),
            columns.volume[part].tolist(),
        )

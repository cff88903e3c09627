"""Array strategies: their targets as whole lots of the engine's units."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from papertape.backtest.broker import EngineBroker
from papertape.backtest.failures import BacktestError, failure
from papertape.strategies import History, SignalStrategy, Strategy
from papertape.strategies.signals import checked_targets

LARGEST = float(2**61)


def is_array_strategy(strategy: type[Strategy]) -> TypeGuard[type[SignalStrategy]]:
    """Whether the engine can take its targets in one call: a `SignalStrategy` with their rule."""
    return issubclass(strategy, SignalStrategy) and strategy.on_bar is SignalStrategy.on_bar


def targets_in_units(trader: Strategy, broker: EngineBroker, symbol: str) -> NDArray[np.int64]:
    """Ask a `SignalStrategy` for its targets over all bars.

    Raises `StrategyFailedError` when it raises, `BacktestError` for a target that is negative or
    not in whole lots.
    """
    assert isinstance(trader, SignalStrategy)
    columns = broker.columns[symbol]
    bars = History(columns, 0, len(columns.time_ns))
    try:
        trader.on_start()
        targets = checked_targets(trader.targets(bars), len(bars))
    except Exception as error:
        raise failure(trader, None, error) from error
    return _whole_lots(targets, *broker.unit_and_lot(symbol))


def _whole_lots(
    targets: NDArray[np.float64] | NDArray[np.int64], unit: int, lot: int
) -> NDArray[np.int64]:
    highest, lowest = float(targets.max(initial=0)), float(targets.min(initial=0))
    if highest * unit > LARGEST:
        raise BacktestError("a target is too large")
    if lowest < 0:
        raise BacktestError(f"the target of bar {int(np.argmin(targets))} is below zero")
    if targets.dtype.kind == "i" and unit % lot == 0:
        return targets.astype(np.int64, copy=False) * unit
    units = np.rint(targets * unit).astype(np.int64)
    # Lots are compared where the target changes only; a division for each bar would cost more than
    # the run.
    changes = np.flatnonzero(np.diff(units, prepend=0))
    torn = units[changes] % lot != 0
    if torn.any():
        at = int(changes[np.argmax(torn)])
        raise BacktestError(f"the target of bar {at} is not a number of whole lots")
    return units

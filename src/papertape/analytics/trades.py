"""Statistics of closed trades: profit and loss of each round trip, net of fees, in money."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from papertape.analytics.returns import as_floats, ratio
from papertape.analytics.risk import deviation


def win_rate(profits: ArrayLike) -> float:
    """Winning trades over all trades, those that ended even included."""
    values = as_floats(profits)
    return ratio(float(np.sum(values > 0)), len(values))


def profit_factor(profits: ArrayLike) -> float:
    """All gains over all losses."""
    values = as_floats(profits)
    return ratio(float(np.sum(values[values > 0])), float(-np.sum(values[values < 0])))


def expectancy(profits: ArrayLike) -> float:
    """Mean profit of a trade, in money."""
    values = as_floats(profits)
    return float(np.mean(values)) if len(values) else float("nan")


def payoff(profits: ArrayLike) -> float:
    """Mean gain over mean loss."""
    values = as_floats(profits)
    gains, losses = values[values > 0], values[values < 0]
    if not len(gains) or not len(losses):
        return float("nan")
    return ratio(float(np.mean(gains)), float(-np.mean(losses)))


def kelly(profits: ArrayLike) -> float:
    """The share to stake after Kelly: p - (1-p)/payoff."""
    chance = win_rate(profits)
    return chance - ratio(1.0 - chance, payoff(profits))


def sqn(profits: ArrayLike) -> float:
    """System quality number: sqrt(n)*mean/std, n not capped at 100."""
    values = as_floats(profits)
    if len(values) < 2:
        return float("nan")
    return float(np.sqrt(len(values))) * ratio(float(np.mean(values)), deviation(values))

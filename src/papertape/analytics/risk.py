"""Risk and return for risk. Standard deviations are of a sample (ddof 1) unless it says so."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from papertape.analytics.returns import FloatArray, as_floats, cagr, rate_per_period, ratio, wealth


def volatility(returns: ArrayLike, periods_per_year: float) -> float:
    """Standard deviation per year: std(r)*sqrt(N)."""
    return deviation(as_floats(returns)) * float(np.sqrt(periods_per_year))


def sharpe(returns: ArrayLike, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Give mean(r-rf)/std(r-rf)*sqrt(N); `risk_free` is a rate per year."""
    excess = as_floats(returns) - rate_per_period(risk_free, periods_per_year)
    spread = deviation(excess)
    # Equal returns differ in their last bit; their deviation is zero, not 1e-19.
    if not spread > 1e-14 * max(1.0, float(np.max(np.abs(excess), initial=0.0))):
        return float("nan")
    return float(np.mean(excess)) / spread * float(np.sqrt(periods_per_year))


def sortino(returns: ArrayLike, periods_per_year: float, least: float = 0.0) -> float:
    """Give mean(r-least)*N over the downside deviation; `least` is a return per period."""
    values = as_floats(returns)
    if not len(values):
        return float("nan")
    yearly = float(np.mean(values - least)) * periods_per_year
    return ratio(yearly, downside_deviation(values, periods_per_year, least))


def downside_deviation(returns: ArrayLike, periods_per_year: float, least: float = 0.0) -> float:
    """Give sqrt(mean(min(r-least,0)^2))*sqrt(N), the mean over all periods."""
    below = np.minimum(as_floats(returns) - least, 0.0)
    if not len(below):
        return float("nan")
    return float(np.sqrt(np.mean(below**2)) * np.sqrt(periods_per_year))


def drawdowns(returns: ArrayLike) -> FloatArray:
    """How far wealth stands below its highest so far, 0 or negative; the start (1) counts."""
    worth = wealth(returns)
    return np.asarray(worth / np.maximum.accumulate(worth) - 1.0)


def max_drawdown(returns: ArrayLike) -> float:
    """The deepest drawdown, 0 or negative."""
    return float(np.min(drawdowns(returns)))


def calmar(returns: ArrayLike, periods_per_year: float) -> float:
    """Growth per year over the deepest drawdown, over the whole period (not 36 months)."""
    return ratio(cagr(returns, periods_per_year), abs(max_drawdown(returns)))


def omega(returns: ArrayLike, least: float = 0.0) -> float:
    """Gains over losses, both measured from `least` per period."""
    excess = as_floats(returns) - least
    return ratio(float(np.sum(np.maximum(excess, 0.0))), float(np.sum(np.maximum(-excess, 0.0))))


def ulcer_index(returns: ArrayLike) -> float:
    """Give sqrt(sum(drawdown^2)/(n-1)) (Martin divides by n)."""
    depths = drawdowns(returns)[1:]
    if len(depths) < 2:
        return float("nan")
    return float(np.sqrt(np.sum(depths**2) / (len(depths) - 1)))


def value_at_risk(returns: ArrayLike, share: float = 0.05) -> float:
    """Historical value at risk: the `share` quantile of returns, linearly interpolated."""
    values = as_floats(returns)
    return float(np.quantile(values, share)) if len(values) else float("nan")


def value_at_risk_normal(returns: ArrayLike, share: float = 0.05) -> float:
    """Parametric value at risk: mean + z*std of a normal distribution."""
    values = as_floats(returns)
    if len(values) < 2:
        return float("nan")
    return float(np.mean(values)) + NormalDist().inv_cdf(share) * deviation(values)


def expected_shortfall(returns: ArrayLike, share: float = 0.05) -> float:
    """Historical expected shortfall: mean of the floor((n-1)*share)+1 worst (empyrical)."""
    values = np.sort(as_floats(returns))
    if not len(values):
        return float("nan")
    return float(np.mean(values[: int((len(values) - 1) * share) + 1]))


def tail_ratio(returns: ArrayLike) -> float:
    """Size of the 95th percentile over that of the 5th."""
    values = as_floats(returns)
    if not len(values):
        return float("nan")
    return ratio(abs(float(np.percentile(values, 95))), abs(float(np.percentile(values, 5))))


def deviation(values: FloatArray) -> float:
    """Standard deviation of a sample; NaN below two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

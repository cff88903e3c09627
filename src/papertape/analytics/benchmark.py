"""A series of returns measured against another of the same periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from papertape.analytics.returns import (
    FloatArray,
    as_floats,
    cagr,
    rate_per_period,
    ratio,
    total_return,
)
from papertape.analytics.risk import deviation


def beta(returns: ArrayLike, benchmark: ArrayLike) -> float:
    """Give cov(r,b)/var(b)."""
    values, others = _pair(returns, benchmark)
    if len(values) < 2:
        return float("nan")
    return ratio(float(np.cov(values, others)[0, 1]), float(np.var(others, ddof=1)))


def alpha(
    returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float, risk_free: float = 0.0
) -> float:
    """Yearly return beyond beta, compounded: (1+mean(r-rf-beta(b-rf)))^N-1 (empyrical)."""
    values, others = _pair(returns, benchmark)
    rate = rate_per_period(risk_free, periods_per_year)
    beyond = np.mean(values - rate - beta(values, others) * (others - rate))
    return float((1.0 + beyond) ** periods_per_year - 1.0)


def tracking_error(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Give std(r-b)*sqrt(N)."""
    values, others = _pair(returns, benchmark)
    return deviation(values - others) * float(np.sqrt(periods_per_year))


def information_ratio(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Give mean(r-b)/std(r-b)*sqrt(N); annualised, unlike empyrical's and quantstats'."""
    values, others = _pair(returns, benchmark)
    if len(values) < 2:
        return float("nan")
    active = values - others
    return ratio(float(np.mean(active)), deviation(active)) * float(np.sqrt(periods_per_year))


def treynor(returns: ArrayLike, benchmark: ArrayLike, risk_free: float = 0.0) -> float:
    """Give (total return - rf)/beta, as quantstats does: not annualised."""
    return ratio(total_return(returns) - risk_free, beta(returns, benchmark))


def up_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Yearly return over the benchmark's, in periods in which the benchmark did not fall."""
    values, others = _pair(returns, benchmark)
    return _capture(values, others, others >= 0, periods_per_year)


def down_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Yearly return over the benchmark's, in periods in which the benchmark fell."""
    values, others = _pair(returns, benchmark)
    return _capture(values, others, others < 0, periods_per_year)


def _capture(
    values: FloatArray, others: FloatArray, chosen: np.typing.NDArray[np.bool_], periods: float
) -> float:
    return ratio(cagr(values[chosen], periods), cagr(others[chosen], periods))


def _pair(returns: ArrayLike, benchmark: ArrayLike) -> tuple[FloatArray, FloatArray]:
    values, others = as_floats(returns), as_floats(benchmark)
    if len(values) != len(others):
        raise ValueError(f"{len(values)} returns cannot be set against {len(others)}")
    return values, others

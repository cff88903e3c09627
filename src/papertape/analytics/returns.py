"""From equity to returns and back."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def as_floats(values: ArrayLike) -> FloatArray:
    """Give values as a float array of one dimension; raises ValueError for any other shape."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"a series has one dimension, this has {array.ndim}")
    return array


def simple_returns(equity: ArrayLike) -> FloatArray:
    """Returns from one value to the next: n values of equity give n-1 returns."""
    values = as_floats(equity)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(values[1:] / values[:-1] - 1.0)


def time_weighted_returns(equity: ArrayLike, flows: ArrayLike) -> FloatArray:
    """Returns of an account that money comes into and goes out of: one for each value of equity.

    `flows[i]` came in (negative: went out) at the begin of the period that ends with `equity[i]`:
    E[i] / (E[i-1] + F[i]) - 1, with nothing before the first period. NaN where no money worked.
    """
    values, moved = as_floats(equity), as_floats(flows)
    if len(values) != len(moved):
        raise ValueError(f"{len(values)} values of equity do not fit to {len(moved)} flows")
    worked = np.concatenate(([0.0], values[:-1])) + moved if len(values) else values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(worked > 0, values / worked - 1.0, np.nan))


def wealth(returns: ArrayLike) -> FloatArray:
    """What one unit became: n returns give n+1 values, the first is 1."""
    return np.concatenate(([1.0], np.cumprod(1.0 + as_floats(returns))))


def total_return(returns: ArrayLike) -> float:
    """Return over all periods: prod(1+r)-1; 0 when there are none."""
    return float(np.prod(1.0 + as_floats(returns)) - 1.0)


def cagr(returns: ArrayLike, periods_per_year: float) -> float:
    """Growth per year by count of periods: (1+total)^(N/n)-1; NaN without periods or money."""
    values = as_floats(returns)
    growth = 1.0 + total_return(values)
    if not len(values) or growth < 0:
        return float("nan")
    return float(growth ** (periods_per_year / len(values)) - 1.0)


def rate_per_period(rate_per_year: float, periods_per_year: float) -> float:
    """Turn a rate per year into one per period: (1+rate)^(1/N)-1."""
    return float((1.0 + rate_per_year) ** (1.0 / periods_per_year) - 1.0)


def ratio(above: float, below: float) -> float:
    """Divide; NaN where the divisor is nothing but rounding."""
    return float(above / below) if abs(below) > 1e-300 else float("nan")

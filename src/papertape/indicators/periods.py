"""The one check of an indicator's parameter."""

from __future__ import annotations


def checked_period(period: int, below: int | None = None) -> int:
    """Give back a period that makes sense; raises ValueError with the value."""
    if period < 2:
        raise ValueError(f"a period must be at least 2 values, not {period}")
    if below is not None and period >= below:
        raise ValueError(f"the fast period ({period}) must be below the slow one ({below})")
    return period

"""Indicators against their definitions, written out naively, on any prices."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.indicators import ATR, EMA, MACD, RSI, SMA, Bollinger

prices = st.lists(st.floats(1, 1000), min_size=1, max_size=60)
periods = st.integers(2, 12)


def last(indicator, values):
    for value in values:
        indicator.update(value)
    return indicator.value


def close_to(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@given(prices, periods)
def test_the_simple_average_is_the_mean_of_the_last_values(values, period):
    expected = sum(values[-period:]) / period if len(values) >= period else math.nan
    assert last(SMA(period), values) == close_to(expected)


@given(prices, periods)
def test_the_exponential_average_moves_by_its_weight(values, period):
    expected = math.nan
    if len(values) >= period:
        expected = sum(values[:period]) / period
        for value in values[period:]:
            expected = value * 2 / (period + 1) + expected * (1 - 2 / (period + 1))
    assert last(EMA(period), values) == close_to(expected)


@given(prices, periods)
def test_strength_is_the_share_of_rises_in_all_moves(values, period):
    moves = [then - first for first, then in pairwise(values)]
    expected = math.nan
    if len(moves) >= period:
        rises, falls = wilder(moves, period, 1), wilder(moves, period, -1)
        expected = 100 * rises / (rises + falls) if rises + falls else 0.0
    assert last(RSI(period), values) == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True)


def wilder(moves, period, sign):
    sizes = [max(sign * move, 0) for move in moves]
    average = sum(sizes[:period]) / period
    for size in sizes[period:]:
        average += (size - average) / period
    return average


@given(prices, periods)
def test_strength_stays_between_nothing_and_a_hundred(values, period):
    found = last(RSI(period), values)
    assert math.isnan(found) or -1e-9 <= found <= 100 + 1e-9


@given(prices, periods)
def test_bands_lie_around_the_average_by_their_width(values, period):
    upper, middle, lower = last(Bollinger(period, 2.0), values)
    if len(values) < period:
        assert math.isnan(upper)
        return
    spread = float(np.std(values[-period:]))
    assert (upper, middle, lower) == (
        close_to(np.mean(values[-period:]) + 2 * spread),
        close_to(np.mean(values[-period:])),
        close_to(np.mean(values[-period:]) - 2 * spread),
    )


@given(prices, periods)
def test_the_true_range_of_bars_without_gaps_is_their_height(values, period):
    indicator = ATR(period)
    for value in values:
        indicator.update(value + 1, value - 1, value) if value == values[0] else None
    seen = values.count(values[0])
    assert indicator.value == close_to(2.0 if seen > period else math.nan)


@given(prices)
def test_the_histogram_is_the_line_less_its_signal(values):
    line, signal, histogram = last(MACD(2, 4, 3), values)
    assert histogram == close_to(line - signal)
    assert math.isnan(line) == (len(values) < 4 + 3 - 1)

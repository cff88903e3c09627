"""Streaming indicators give the numbers of TA-Lib, and both give known values."""

import numpy as np
import pytest

from papertape.indicators import (
    ATR,
    EMA,
    MACD,
    RSI,
    SMA,
    Bollinger,
    atr,
    bollinger,
    ema,
    macd,
    rsi,
    sma,
)


def prices(count, seed=5):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count)))


def bars(count, seed=5):
    draw = np.random.default_rng(seed + 1)
    close = prices(count, seed)
    return (
        close * (1 + draw.uniform(0, 0.01, count)),
        close * (1 - draw.uniform(0, 0.01, count)),
        close,
    )


ONE_VALUE = [
    (SMA, sma, 2),
    (SMA, sma, 10),
    (EMA, ema, 2),
    (EMA, ema, 21),
    (RSI, rsi, 2),
    (RSI, rsi, 14),
]


@pytest.mark.parametrize(("streaming", "whole", "period"), ONE_VALUE)
def test_value_by_value_equals_the_whole_array(streaming, whole, period):
    values = prices(1_000)
    indicator = streaming(period)
    np.testing.assert_allclose(
        [indicator.update(value) for value in values], whole(values, period), rtol=1e-10
    )


def test_the_simple_average_is_equal_to_the_last_bit():
    values = prices(20_000)
    average = SMA(30)
    assert np.array_equal([average.update(v) for v in values], sma(values, 30), equal_nan=True)


@pytest.mark.parametrize("period", [2, 14])
def test_average_true_range_bar_by_bar_equals_the_whole_array(period):
    high, low, close = bars(500)
    indicator = ATR(period)
    stream = [indicator.update(*bar) for bar in zip(high, low, close, strict=True)]
    np.testing.assert_allclose(stream, atr(high, low, close, period), rtol=1e-10)


@pytest.mark.parametrize("periods", [(12, 26, 9), (3, 10, 4), (2, 3, 2)])
def test_macd_value_by_value_equals_the_whole_array(periods):
    values = prices(500)
    indicator = MACD(*periods)
    stream = np.array([indicator.update(value) for value in values]).T
    np.testing.assert_allclose(stream, np.array(macd(values, *periods)), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("period", "width"), [(20, 2.0), (5, 1.5)])
def test_bollinger_bands_value_by_value_equal_the_whole_array(period, width):
    values = prices(500)
    indicator = Bollinger(period, width)
    stream = np.array([indicator.update(value) for value in values]).T
    np.testing.assert_allclose(stream, np.array(bollinger(values, period, width)), rtol=1e-7)


def test_known_values():
    nan = float("nan")
    np.testing.assert_allclose(sma([1, 2, 3, 4, 6], 3), [nan, nan, 2, 3, 13 / 3])
    np.testing.assert_allclose(ema([1, 2, 3, 4, 6], 3), [nan, nan, 2, 3, 4.5])
    np.testing.assert_allclose(rsi([1, 2, 1, 2, 2], 2), [nan, nan, 50, 75, 75])
    np.testing.assert_allclose(
        atr([2, 3, 5, 4], [1, 2, 3, 3], [1.5, 2.5, 4, 3.5], 2), [nan, nan, 2.0, 1.5]
    )
    upper, middle, lower = bollinger([1, 3, 5], 2, 2.0)
    np.testing.assert_allclose((upper[2], middle[2], lower[2]), (6, 4, 2))


def test_flat_prices_have_no_strength_and_no_width():
    flat = [7.0] * 30
    indicator = RSI(14)
    assert [indicator.update(value) for value in flat][-1] == rsi(flat, 14)[-1] == 0
    bands = Bollinger(5)
    assert [bands.update(value) for value in flat][-1] == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("length", [0, 1, 9])
def test_too_few_values_give_nan_and_no_error(length):
    assert np.isnan(sma(prices(length), 10)).all()
    assert len(sma(prices(length), 10)) == length


@pytest.mark.parametrize("make", [SMA, EMA, RSI, ATR, Bollinger])
@pytest.mark.parametrize("period", [1, 0, -3])
def test_a_period_below_two_is_refused(make, period):
    with pytest.raises(ValueError, match=f"at least 2 values, not {period}"):
        make(period)


def test_a_fast_period_that_is_not_faster_is_refused():
    for make in (MACD, lambda fast, slow: macd([1.0], fast, slow)):
        with pytest.raises(
            ValueError, match=r"fast period \(26\) must be below the slow one \(12\)"
        ):
            make(26, 12)

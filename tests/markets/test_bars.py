"""Prints become 1-minute bars; short bars become longer ones."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.markets.bars import MINUTE_NS, Bar, BarBuilder, aggregate, plain_text

SECOND_NS = 10**9
START = 1_700_000_040 * SECOND_NS
"""A full minute."""


def at(minute, second=0):
    return START + minute * MINUTE_NS + second * SECOND_NS


def test_a_minute_of_prints_is_one_bar():
    builder = BarBuilder()
    for second, price, qty in [
        (1, "10.00", "5"),
        (20, "10.40", "1"),
        (30, "9.90", "2"),
        (59, "10.10", "3"),
    ]:
        assert builder.add("ACME", at(0, second), price, qty) is None

    assert builder.forming("ACME") == Bar(
        at(0), "10.00", "10.40", "9.90", "10.10", "11", 4, "110.5"
    )
    closed = builder.add("ACME", at(1), "10.20", "1")
    assert closed == Bar(at(0), "10.00", "10.40", "9.90", "10.10", "11", 4, "110.5")
    assert builder.forming("ACME") == Bar(at(1), *["10.20"] * 4, "1", 1, "10.2")


def test_symbols_do_not_touch_each_other():
    builder = BarBuilder()
    builder.add("A", at(0, 1), "1", "1")
    builder.add("B", at(0, 2), "2", "1")
    assert builder.add("A", at(1), "3", "1") == Bar(at(0), *["1"] * 4, "1", 1, "1")
    assert builder.forming("B") == Bar(at(0), *["2"] * 4, "1", 1, "2")
    assert builder.forming("C") is None


def test_bars_whose_minute_is_over_can_be_closed_without_a_print():
    builder = BarBuilder()
    builder.add("A", at(0, 1), "1", "1")
    builder.add("B", at(1, 1), "2", "1")
    assert builder.close_due(at(1) - 1) == []
    assert builder.close_due(at(1)) == [("A", Bar(at(0), *["1"] * 4, "1", 1, "1"))]
    assert builder.forming("A") is None
    assert builder.add("A", at(2), "4", "1") is None, "a minute without prints makes no bar"


def test_a_late_print_counts_into_the_bar_that_forms():
    builder = BarBuilder()
    builder.add("A", at(1, 1), "5", "1")
    assert builder.add("A", at(0, 59), "4", "1") is None
    assert builder.forming("A") == Bar(at(1), "5", "5", "4", "4", "2", 2, "9")


def test_fractions_add_up_exactly():
    builder = BarBuilder()
    for _ in range(10):
        builder.add("BTC/USD", at(0), "40000.10", "0.1")
    assert builder.forming("BTC/USD").volume == "1"


def test_five_minutes_are_made_of_five_bars():
    day = 1_700_006_400 * SECOND_NS
    bars = [
        Bar(day + n * MINUTE_NS, f"{n + 1}", f"{n + 3}", f"{n + 1}", f"{n + 2}", "1.5")
        for n in range(7)
    ]
    assert aggregate(bars, "5m") == [
        Bar(day, "1", "7", "1", "6", "7.5"),
        Bar(day + 5 * MINUTE_NS, "6", "9", "6", "8", "3"),
    ]


def test_comparing_is_by_value_not_by_text():
    bars = [Bar(0, "9", "9.5", "9", "9", "1"), Bar(MINUTE_NS, "9", "10.2", "8.99", "10", "1")]
    assert aggregate(bars, "1h") == [Bar(0, "9", "10.2", "8.99", "10", "2")]


def test_trades_and_their_average_price_are_known_where_they_are_known_of_all():
    counted = Bar(0, "10", "12", "10", "12", "4", 2, "44")
    more = Bar(MINUTE_NS, "12", "12", "12", "12", "2", 1, "24")
    assert counted.vwap == 11
    (both,) = aggregate([counted, more], "1h")
    assert (both.trades, both.turnover, str(both.vwap)) == (3, "68", "11.333333")
    (partly,) = aggregate([counted, more._replace(trades=None, turnover=None)], "1h")
    assert (partly.volume, partly.trades, partly.vwap) == ("6", None, None)


def test_a_minute_in_which_nothing_was_traded_has_no_average_price():
    builder = BarBuilder()
    builder.add("EURUSD", at(0), "1.1", "0")
    mid = builder.forming("EURUSD")
    assert (mid.trades, mid.vwap) == (0, None)


def test_an_unknown_timeframe_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown timeframe '2m'; there are 1m, 5m, 15m, 1h, 1d"):
        aggregate([], "2m")


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.50", "1.5"), ("100", "100"), ("1E+2", "100"), ("0.00", "0"), ("1e-8", "0.00000001")],
)
def test_numbers_are_written_plainly(number, text):
    assert plain_text(Decimal(number)) == text


prints = st.lists(
    st.tuples(
        st.integers(0, 600), st.decimals("0.01", 100, places=2), st.decimals("0.001", 9, places=3)
    ),
    min_size=1,
)


@given(prints)
def test_bars_tell_the_same_as_the_prints_they_are_made_of(rows):
    rows = sorted(rows, key=lambda row: row[0])
    builder = BarBuilder()
    bars = [builder.add("A", at(0, second), str(price), str(qty)) for second, price, qty in rows]
    bars = [bar for bar in [*bars, builder.forming("A")] if bar]

    assert sum(Decimal(bar.volume) for bar in bars) == sum(qty for _, _, qty in rows)
    assert max(Decimal(bar.high) for bar in bars) == max(price for _, price, _ in rows)
    assert min(Decimal(bar.low) for bar in bars) == min(price for _, price, _ in rows)
    assert Decimal(bars[0].open) == rows[0][1]
    assert Decimal(bars[-1].close) == rows[-1][1]
    assert [bar.time_ns for bar in bars] == sorted({at(second // 60) for second, _, _ in rows})

"""Whatever decimals a file holds, they come out as they went in, by every way of writing them."""

import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.markets.files import load

cents = st.integers(1, 10**9 - 1)
digits = st.integers(0, 9)
FIRST = 1_700_000_000


@st.composite
def bars(draw):
    """Bars as `(open, high, low, close, volume)` decimals, all with their own count of digits."""
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        prices = sorted(Decimal(draw(cents)).scaleb(-draw(digits)) for _ in range(4))
        order = draw(st.booleans())
        inner = prices[1:3] if order else prices[2:0:-1]
        volume = Decimal(draw(st.integers(0, 10**9))).scaleb(-draw(st.integers(0, 6)))
        rows.append((inner[0], prices[3], prices[0], inner[1], volume))
    return rows


def scaled(file):
    """The bars of a loaded file as decimals again."""
    names = ("open", "high", "low", "close", "volume")
    scales = (file.price_scale,) * 4 + (file.qty_scale,)
    columns = [
        [Decimal(value).scaleb(-scale) for value in file[name].tolist()]
        for name, scale in zip(names, scales, strict=True)
    ]
    return list(zip(*columns, strict=True))


SPELLINGS = {
    "plain": lambda number: f"{number:f}",
    "with an exponent": lambda number: f"{number:e}",
    "with zeros": lambda number: f"{number:f}" + ("00" if "." in f"{number:f}" else ".00"),
    "with a plus": lambda number: f"+{number:f}",
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
@given(rows=bars())
@settings(max_examples=25, deadline=None)
def test_text_comes_out_as_it_went_in(spelled, rows):
    lines = [",".join([str(FIRST + n), *map(spelled, row)]) for n, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ACME-1m.csv"
        path.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
        assert scaled(load(path)) == rows


@given(rows=bars())
@settings(max_examples=25, deadline=None)
def test_decimal_columns_of_parquet_come_out_as_they_went_in(rows):
    names = ("open", "high", "low", "close", "volume")
    decimals = pa.decimal128(38, 12)
    columns = zip(*rows, strict=True)
    table = {name: pa.array(column, decimals) for name, column in zip(names, columns, strict=True)}
    table["time"] = pa.array([FIRST + n for n in range(len(rows))])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ACME-1m.parquet"
        pq.write_table(pa.table(table), path)
        assert scaled(load(path)) == rows


@given(st.lists(st.tuples(st.integers(1, 10**11), st.integers(0, 4)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_float_columns_give_the_decimal_that_they_print(numbers):
    prices = [value / 10**scale for value, scale in numbers if value / 10**scale < 10**9]
    if not prices:
        return
    table = pa.table({"time": [FIRST] * len(prices), "price": prices, "qty": [1.0] * len(prices)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ACME-trades.parquet"
        pq.write_table(table, path)
        file = load(path)
    found = [Decimal(value).scaleb(-file.price_scale) for value in file["price"].tolist()]
    assert found == [Decimal(repr(price)) for price in prices]


@given(st.lists(st.integers(1, 4000), min_size=500, max_size=600), st.sampled_from([1, 5, 25]))
@settings(max_examples=25, deadline=None)
def test_every_price_stands_on_the_tick_that_was_found(steps, step):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ACME-trades.csv"
        prices = [f"{100 + count * step / 10_000:.4f}" for count in [1, *steps]]
        lines = [f"{FIRST},{price},1" for price in prices]
        path.write_text("time,price,qty\n" + "\n".join(lines) + "\n")
        file = load(path)
    assert not (file["price"] % file.tick).any()
    assert file.tick % (step * 10 ** (file.price_scale - 4)) == 0

"""Market files load exactly, and both readers agree on every file."""

import csv
import gzip
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from papertape.markets.files import (
    BrokenFile,
    asset_class,
    delimited,
    load,
    parquet,
    periods_per_year,
)
from papertape.markets.files.columns import DoubtError
from papertape.markets.files.naming import symbol_from_name

# name                          kind      symbol      rows   scales  tick         seconds
REAL_FILES = [
    ("GOOG-1d.csv", "bars", "GOOG", 2148, (6, 6), "0.01", 86_400),
    ("EURUSD-1h.csv", "bars", "EURUSD", 5000, (6, 6), "0.00001", 3_600),
    ("BTCUSD-1mo.csv", "bars", "BTCUSD", 156, (8, 8), "0.01", 31 * 86_400),
    ("6EH4-1m-202401.csv.gz", "bars", "6EH4", 29_996, (6, 6), "0.00005", 60),
    ("BTC-PERP-1m-202201.csv.gz", "bars", "BTC-PERP", 45_031, (8, 8), "0.025", 60),
    ("EURUSD-quotes-tick.csv", "quotes", "EURUSD", 9_500, (6, 6), "0.00001", 0),
    ("BTCUSDT-trades.parquet", "trades", "BTCUSDT", 2_001, (8, 8), "0.01", 0),
    ("BTCUSDT-quotes.parquet", "quotes", "BTCUSDT", 451, (8, 8), "0.01", 0),
]


@pytest.mark.parametrize(
    ("name", "kind", "symbol", "rows", "scales", "tick", "seconds"), REAL_FILES
)
def test_every_real_file_loads(market_data, name, kind, symbol, rows, scales, tick, seconds):
    file = load(market_data(name))

    assert (file.kind, file.symbol, len(file), file.bar_seconds) == (kind, symbol, rows, seconds)
    assert (file.price_scale, file.qty_scale) == scales
    assert Decimal(file.tick).scaleb(-file.price_scale) == Decimal(tick)


@pytest.mark.parametrize("name", [row[0] for row in REAL_FILES])
def test_the_fast_and_the_plain_reader_give_the_same_arrays(market_data, name, monkeypatch):
    usual = load(market_data(name))

    def doubt(*_):
        raise DoubtError

    monkeypatch.setattr(delimited, "read_columns", doubt)
    monkeypatch.setattr(parquet, "read_columns", doubt)
    plain = load(market_data(name))

    assert usual.columns.keys() == plain.columns.keys()
    for column in usual.columns:
        assert np.array_equal(usual[column], plain[column]), column


def test_decimal_text_is_kept_to_the_last_digit(market_data):
    path = market_data("GOOG-1d.csv")
    file = load(path)
    with path.open(newline="") as lines:
        for at, row in enumerate(csv.DictReader(lines)):
            for column in ("Open", "High", "Low", "Close"):
                assert file[column.lower()][at] == Decimal(row[column]) * 10**6


def test_shortest_text_of_a_float_column_is_what_was_meant(tmp_path):
    path = tmp_path / "XBTUSD-trades.parquet"
    quantities = [0.00031099999999999997, 2e-06, 0.1 + 0.2, 7.000000000000001e-06]
    table = {
        "timestamp": pa.array([1, 2, 2, 3], pa.timestamp("ms", "UTC")),
        "price": [39432.48, 39439.44, 100.0, 0.07],
        "quantity": quantities,
        "buyer_maker": ["True", "False", "true", "false"],
    }
    pq.write_table(pa.table(table), path)

    file = load(path)

    assert file["price"].tolist() == [3943248000000, 3943944000000, 10000000000, 7000000]
    assert file["qty"].tolist() == [31100, 200, 30000000, 700]
    assert file["side"].tolist() == [-1, 1, -1, 1]
    assert file["time_ns"].tolist() == [1_000_000, 2_000_000, 2_000_000, 3_000_000]


TIMES = [
    ("2004-08-19", "2004-08-19T00:00:00"),
    ("2017-04-19 09:00:00", "2017-04-19T09:00:00"),
    ("2017-04-19T09:00", "2017-04-19T09:00:00"),
    ("2021-12-31 23:01:00.000001", "2021-12-31T23:01:00.000001"),
    ("2021-12-31 23:01:00.123456789", "2021-12-31T23:01:00.123456789"),
    ("2021-12-31T23:01:00Z", "2021-12-31T23:01:00"),
    ("2021-12-31T23:01:00+02:00", "2021-12-31T21:01:00"),
    ("1577898000", "2020-01-01T17:00:00"),
    ("1577898000065", "2020-01-01T17:00:00.065"),
    ("1577898000065001", "2020-01-01T17:00:00.065001"),
    ("20200101 170000065", "2020-01-01T17:00:00.065"),
]


@pytest.mark.parametrize(("text", "moment"), TIMES)
def test_times_of_many_shapes_are_read_as_utc(tmp_path, text, moment):
    path = tmp_path / "ACME.csv"
    path.write_text(f"time,open,high,low,close,volume\n{text},1,2,1,2,5\n")
    assert load(path)["time_ns"].tolist() == [int(np.datetime64(moment, "ns").astype(np.int64))]


SAME_BARS = {
    "usual": "date,open,high,low,close,volume\n2024-01-02,10.5,11,10,10.75,100\n",
    "unnamed date, capitals": ",Open,High,Low,Close,Volume\n2024-01-02,10.50,11.0,10,10.75,100\n",
    "Windows line ends": "date,open,high,low,close,volume\r\n2024-01-02,10.5,11,10,10.75,100\r\n",
    "byte order mark": "\ufeffdate,open,high,low,close,volume\n2024-01-02,10.5,11,10,10.75,100\n",
    "quoted": '"date","open","high","low","close","volume"\n"2024-01-02",10.5,11,10,10.75,"100"\n',
    "no last line end": "date,open,high,low,close,volume\n2024-01-02,10.5,11,10,10.75,100",
    "exponents": "date,open,high,low,close,volume\n2024-01-02,1.05e1,11,1e1,10.75,1E+2\n",
    "other order, more columns": (
        "close,x,low,high,open,volume,date\n10.75,?,10,11,10.5,100,2024-01-02\n"
    ),
    "blank lines": "date,open,high,low,close,volume\n\n2024-01-02,10.5,11,10,10.75,100\n\n",
}


@pytest.mark.parametrize("text", SAME_BARS.values(), ids=SAME_BARS.keys())
def test_the_same_bar_in_many_spellings(tmp_path, text):
    path = tmp_path / "ACME-1d.csv"
    path.write_bytes(text.encode())
    file = load(path)
    assert {name: column.tolist() for name, column in file.columns.items()} == {
        "time_ns": [1704153600 * 10**9],
        "open": [10_500_000],
        "high": [11_000_000],
        "low": [10_000_000],
        "close": [10_750_000],
        "volume": [100_000_000],
    }
    assert (file.price_digits, file.tick) == (2, 10_000)


def test_gzip_is_known_by_its_content(tmp_path):
    path = tmp_path / "ACME-1d.csv"
    path.write_bytes(gzip.compress(SAME_BARS["usual"].encode()))
    assert load(path)["open"].tolist() == [10_500_000]


def test_volumes_too_large_for_eight_decimals_are_kept_coarser_not_wrong(tmp_path):
    path = tmp_path / "SHIBUSD-1d.csv"
    path.write_text(
        "date,open,high,low,close,volume\n"
        "2024-01-02,0.000008,0.000009,0.000008,0.000009,912345678901.5\n"
    )
    file = load(path)
    assert (file.qty_scale, file["volume"].tolist()) == (6, [912345678901500000])
    assert file["open"].tolist() == [800]


def test_dust_of_floating_point_in_volumes_is_rounded_half_to_even(tmp_path):
    path = tmp_path / "BTCUSD-1d.csv"
    path.write_text(
        "date,open,high,low,close,volume\n"
        "2024-01-02,1,1,1,1,218102.59507500002\n"
        "2024-01-03,1,1,1,1,0.000000005\n"
        "2024-01-04,1,1,1,1,0.000000015\n"
    )
    assert load(path)["volume"].tolist() == [21810259507500, 0, 2]


NAMES = [
    ("GOOG-1d.csv", "GOOG", "us_equity"),
    ("6EH4-1m-202401.csv.gz", "6EH4", "future"),
    ("ESZ24-5m.csv", "ESZ24", "future"),
    ("EURUSD-quotes-tick.csv", "EURUSD", "fx"),
    ("BTC-PERP-1m-202201.csv.gz", "BTC-PERP", "perpetual"),
    ("BTCUSDT-trades.parquet", "BTCUSDT", "crypto"),
    ("btcusd_1mo.csv", "BTCUSD", "crypto"),
    ("BRK.B-1d.csv", "BRK.B", "us_equity"),
    ("WIFUSDT-1m.csv", "WIFUSDT", "crypto"),
    ("AAPL.csv", "AAPL", "us_equity"),
]


@pytest.mark.parametrize(("name", "symbol", "kind"), NAMES)
def test_symbol_and_asset_class_come_from_the_name(tmp_path, name, symbol, kind):
    assert symbol_from_name(tmp_path / name) == symbol
    assert asset_class(symbol).name == kind


def test_the_symbol_of_the_option_wins(tmp_path):
    path = tmp_path / "ACME-1d.csv"
    path.write_text(SAME_BARS["usual"])
    assert load(path, "xyz").symbol == "XYZ"


TWO_SYMBOLS = "time,symbol,bid,ask\n2024-01-02,A,1,2\n2024-01-03,B/C,3,4\n2024-01-04,A,5,6\n"


def test_one_symbol_is_chosen_from_a_file_of_several(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(TWO_SYMBOLS)
    assert load(path, "A")["bid"].tolist() == [1_000_000, 5_000_000]
    assert load(path, "BC")["bid"].tolist() == [3_000_000]
    with pytest.raises(BrokenFile, match=r"line 3: several symbols in one file \(A, B/C\)"):
        load(path)
    with pytest.raises(BrokenFile, match="no row of symbol Z; there are A, B/C"):
        load(path, "Z")


PERIODS = [
    ("GOOG", 86_400, 252),
    ("GOOG", 60, 252 * 390),
    ("BTCUSD", 86_400, 365),
    ("BTC-PERP", 60, 365 * 1440),
    ("EURUSD", 3_600, 252 * 24),
    ("BTCUSD", 31 * 86_400, 12),
    ("GOOG", 7 * 86_400, 52),
]


@pytest.mark.parametrize(("symbol", "seconds", "expected"), PERIODS)
def test_periods_a_year_follow_market_and_bar_length(symbol, seconds, expected):
    assert periods_per_year(symbol, seconds) == expected


def test_a_million_bars_load(tmp_path):
    rows = 1_000_000
    path = tmp_path / "ACME-1m.csv"
    start = np.datetime64("2020-01-01T00:00")
    stamps = np.datetime_as_string(start + np.arange(rows), unit="m")
    lines = [f"{stamp},100.25,101.5,99.75,100.5,{1000 + at % 7}" for at, stamp in enumerate(stamps)]
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")

    file = load(path)

    assert len(file) == rows
    assert file["volume"][-1] == (1000 + (rows - 1) % 7) * 10**6

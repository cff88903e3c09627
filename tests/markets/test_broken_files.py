"""Broken market files are refused, and the error says file, line and reason."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from papertape.markets.files import BrokenFile, load

HEADER = "date,open,high,low,close,volume"
GOOD = "2024-01-02,10,12,9,11,100"
NEXT = "2024-01-03,11,12,9,10,100"

# what is wrong               the third line                        line  reason
BROKEN_LINES = [
    ("too few columns", "2024-01-03,11,12,9,10", 3, "5 columns where the file has 6"),
    ("too many columns", "2024-01-03,11,12,9,10,100,7", 3, "7 columns where the file has 6"),
    ("a word for a price", "2024-01-03,eleven,12,9,10,100", 3, "cannot read open 'eleven'"),
    ("a comma in a price", "2024-01-03,1.1.0,12,9,10,100", 3, "cannot read open '1.1.0'"),
    ("an empty price", "2024-01-03,11,,9,10,100", 3, "high is empty"),
    ("a space in a price", "2024-01-03,11,12, 9,10,100", 3, "cannot read low ' 9'"),
    ("NaN", "2024-01-03,11,12,9,NaN,100", 3, "close is not a number ('NaN')"),
    ("infinity", "2024-01-03,11,inf,9,10,100", 3, "high is not a number ('inf')"),
    ("a negative price", "2024-01-03,11,12,-9,10,100", 3, "low is negative (-9)"),
    ("a zero price", "2024-01-03,11,12,0,10,100", 3, "low is zero (0)"),
    ("a price past all bounds", "2024-01-03,11,1e30,9,10,100", 3, "high 1e30 is outside"),
    ("a negative volume", "2024-01-03,11,12,9,10,-1", 3, "volume is negative (-1)"),
    ("high below low", "2024-01-03,11,9,12,10,100", 3, "high 9 is below low 12"),
    ("open above high", "2024-01-03,13,12,9,10,100", 3, "open 13 is outside low 9 to high 12"),
    ("close below low", "2024-01-03,11,12,9,8,100", 3, "close 8 is outside low 9 to high 12"),
    ("time backwards", "2024-01-01,11,12,9,10,100", 3, "time goes backwards"),
    ("the same time twice", "2024-01-02,11,12,9,10,100", 3, "the same time as the bar before"),
    ("a day that is not", "2024-02-30,11,12,9,10,100", 3, "there is no time '2024-02-30'"),
    ("no time", ",11,12,9,10,100", 3, "cannot read the time ''"),
    ("words for a time", "yesterday,11,12,9,10,100", 3, "cannot read the time 'yesterday'"),
    ("a NUL byte", "2024-01-03,11,12,9\0,10,100", 3, "holds a NUL byte"),
    ("an open quote", '2024-01-03,11,12,9,10,"100', 3, "unreadable line"),
    (
        "digits of another script",
        "2024-01-03,\u0661\u0661,12,9,10,100",
        3,
        "cannot read open '\u0661\u0661'",
    ),
]


@pytest.mark.parametrize(
    ("line_text", "line", "reason"),
    [row[1:] for row in BROKEN_LINES],
    ids=[r[0] for r in BROKEN_LINES],
)
def test_a_broken_line_is_named(tmp_path, line_text, line, reason):
    path = tmp_path / "ACME-1d.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{line_text}\n2024-01-04,1,1,1,1,1\n")

    with pytest.raises(BrokenFile) as refused:
        load(path)

    assert refused.value.line == line
    assert str(refused.value).startswith(f"ACME-1d.csv, line {line}: {reason}")


# what is wrong         bytes of the file                                line  reason
BROKEN_FILES = [
    ("nothing in it", b"", 1, "the file is empty"),
    ("only line ends", b"\n\n", 1, "the file is empty"),
    ("only a header", HEADER.encode(), 1, "a header and no rows"),
    ("no header", f"{GOOD}\n{NEXT}\n".encode(), 1, "no header with known columns"),
    ("no close", b"date,open,high,low,volume\n", 1, "missing column 'close' of a file of bars"),
    ("no time", b"when,open,high,low,close,volume\n", 1, "missing column 'time'"),
    ("no ask", b"time,bid\n2024-01-02,1\n", 1, "missing column 'ask' of a file of quotes"),
    ("no quantity", b"time,price\n2024-01-02,1\n", 1, "missing column 'qty' of a file of trades"),
    ("semicolons", HEADER.replace(",", ";").encode(), 1, "no header with known columns"),
    ("bad encoding", f"{HEADER}\n{GOOD}\n".encode() + b"\xff\xfe\n", 3, "not UTF-8 text"),
    ("UTF-16", f"{HEADER}\n{GOOD}\n".encode("utf-16"), 1, "not UTF-8 text (byte 1)"),
    ("bid above ask", b"time,bid,ask\n2024-01-02,3,2\n", 2, "bid 3 is above ask 2"),
    ("a trade of nothing", b"time,price,qty\n2024-01-02,3,0\n", 2, "qty is zero"),
    ("an unknown side", b"time,price,qty,side\n2024-01-02,3,1,up\n", 2, "cannot read side 'up'"),
    ("ticks, bid above ask", b"20200101 170000065,1.2,1.1,0\n", 1, "bid 1.2 is above ask 1.1"),
    ("ticks of three columns", b"20200101 170000065,1.2,1.3\n", 1, "a tick line has 4 columns"),
    ("ticks, a short line", b"20200101 170000065,1,2,0\n20200101 170000066,1\n", 2, "2 columns"),
    (
        "ticks, 25 o'clock",
        b"20200101 170000065,1,2,0\n20200101 250000000,1,2,0\n",
        2,
        "there is no",
    ),
    (
        "ticks backwards",
        b"20200101 170000065,1,2,0\n20200101 170000064,1,2,0\n",
        2,
        "time goes backwards",
    ),
]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [row[1:] for row in BROKEN_FILES],
    ids=[r[0] for r in BROKEN_FILES],
)
def test_a_broken_file_is_refused(tmp_path, content, line, reason):
    path = tmp_path / "ACME-1d.csv"
    path.write_bytes(content)

    with pytest.raises(BrokenFile) as refused:
        load(path)

    assert refused.value.line == line
    assert reason in str(refused.value)
    assert "ACME-1d.csv" in str(refused.value)


BROKEN_GZIP = [
    ("cut in the middle", lambda packed: packed[: len(packed) // 2], "ends early"),
    ("cut before the checksum", lambda packed: packed[:-8], "ends early"),
    ("a flipped bit", lambda packed: packed[:-6] + b"\xff" + packed[-5:], "damaged gzip data"),
    ("no gzip at all", lambda _: b"date,open\n", "not a gzip file"),
    ("something behind", lambda packed: packed + b"more", "other data behind"),
]


@pytest.mark.parametrize(
    ("damage", "reason"), [row[1:] for row in BROKEN_GZIP], ids=[r[0] for r in BROKEN_GZIP]
)
def test_broken_gzip_is_refused(tmp_path, damage, reason):
    path = tmp_path / "ACME-1d.csv.gz"
    path.write_bytes(damage(gzip.compress(f"{HEADER}\n{GOOD}\n{NEXT}\n".encode() * 50)))
    with pytest.raises(BrokenFile, match=reason):
        load(path)


def quotes_with(**changed):
    columns = {
        "timestamp": pa.array([1000, 2000, 3000], pa.timestamp("ms", "UTC")),
        "bid": [1.0, 2.0, 3.0],
        "ask": [1.5, 2.5, 3.5],
    } | changed
    return pa.table({name: column for name, column in columns.items() if column is not None})


BROKEN_PARQUET = [
    ("NaN", {"bid": [1.0, float("nan"), 3.0]}, 2, "bid is not a number"),
    ("missing value", {"ask": [1.5, 2.5, None]}, 3, "ask is empty"),
    ("missing time", {"timestamp": pa.array([1, None, 3], pa.timestamp("ms"))}, 2, "time"),
    ("zero", {"bid": [0.0, 2.0, 3.0]}, 1, "bid is zero"),
    ("bid above ask", {"bid": [1.0, 2.0, 3.6]}, 3, "bid 3.6 is above ask 3.5"),
    ("backwards", {"timestamp": pa.array([2, 1, 3], pa.timestamp("ms"))}, 2, "time goes backwards"),
    ("no ask", {"ask": None}, None, "missing column 'ask'"),
]


@pytest.mark.parametrize(
    ("changed", "row", "reason"),
    [r[1:] for r in BROKEN_PARQUET],
    ids=[r[0] for r in BROKEN_PARQUET],
)
def test_a_broken_parquet_row_is_named(tmp_path, changed, row, reason):
    path = tmp_path / "EURUSD-quotes.parquet"
    pq.write_table(quotes_with(**changed), path)

    with pytest.raises(BrokenFile, match=reason) as refused:
        load(path)

    assert refused.value.line == row
    if row is not None:
        assert f"EURUSD-quotes.parquet, row {row}: " in str(refused.value)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda whole: b"PAR0" + whole[4:], "not a Parquet file"),
        (lambda whole: whole[:-20], "not a Parquet file, or one that was cut"),
        (lambda whole: whole[:4] + whole[-4:], "damaged Parquet data"),
        (
            lambda whole: whole[:8] + b"\xaa" * (len(whole) - 20) + whole[-12:],
            "damaged Parquet data",
        ),
    ],
    ids=["wrong magic", "cut", "nothing inside", "overwritten inside"],
)
def test_what_is_not_parquet_is_refused(tmp_path, damage, reason):
    path = tmp_path / "EURUSD-quotes.parquet"
    pq.write_table(quotes_with(), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BrokenFile, match=reason):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BrokenFile, match=r"no.csv: there is no such file"):
        load(tmp_path / "no.csv")


REAL = ["GOOG-1d.csv", "EURUSD-1h.csv", "BTCUSD-1mo.csv", "EURUSD-quotes-tick.csv"]


@pytest.mark.parametrize("name", REAL)
def test_a_wrong_price_deep_in_a_real_file_is_found(market_data, tmp_path, name):
    lines = market_data(name).read_text().splitlines()
    at = len(lines) // 2
    fields = lines[at].split(",")
    fields[1] = "-" + fields[1]
    copy = tmp_path / name
    copy.write_text("\n".join([*lines[:at], ",".join(fields), *lines[at + 1 :]]))
    with pytest.raises(BrokenFile, match="negative") as refused:
        load(copy)
    assert refused.value.line == at + 1


@pytest.mark.parametrize("name", ["6EH4-1m-202401.csv.gz", "BTC-PERP-1m-202201.csv.gz"])
def test_a_cut_real_gzip_is_refused(market_data, tmp_path, name):
    whole = market_data(name).read_bytes()
    copy = tmp_path / name
    copy.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(BrokenFile, match="ends early") as refused:
        load(copy)
    assert refused.value.line > 1000

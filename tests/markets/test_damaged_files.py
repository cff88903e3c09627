"""Files damaged at random are refused or read alike by both readers; nothing else ever happens."""

import gzip
import random

import numpy as np
import pytest

from papertape.markets.files import BrokenFile, delimited, load
from papertape.markets.files.columns import DoubtError

BARS = "date,open,high,low,close,volume\n" + "".join(
    f"2024-01-{day:02},1{day}.5,1{day}.75,1{day}.25,1{day}.5,{day * 1000}\n" for day in range(1, 29)
)
TICKS = "".join(
    f"20240101 0900{second:02}125,1.10{second:02},1.11{second:02},0\n" for second in range(60)
)
TRADES = "time,price,quantity,side\n" + "".join(
    f"{1_700_000_000 + second},100.{second:02},0.{second + 1:05},{('buy', 'sell')[second % 2]}\n"
    for second in range(60)
)
PIECES = [
    b"",
    b",",
    b"\n",
    b"\0",
    b"\xff",
    b"-",
    b".",
    b"0",
    b"9",
    b"e",
    b"nan",
    b" ",
    b'"',
    b"\r",
    b"1e9",
]
"""What is put where something was taken out."""


def damaged(content, draw):
    data = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(data))
        data[at : at + draw.choice([0, 1, 1, 1, 2, 5])] = draw.choice(PIECES)
    return bytes(data)


@pytest.mark.parametrize("content", [BARS, TICKS, TRADES], ids=["bars", "ticks", "trades"])
def test_damage_is_refused_or_read_alike(tmp_path, monkeypatch, content):
    draw = random.Random(11)
    refused = 0
    for number in range(400):
        path = tmp_path / f"ACME-{number}.csv"
        path.write_bytes(damaged(content.encode(), draw))
        usual = outcome(path)
        with monkeypatch.context() as patched:
            patched.setattr(delimited, "read_columns", give_up)
            plain = outcome(path)
        if isinstance(usual, str):
            refused += 1
            assert usual == plain
        else:
            assert usual.columns.keys() == plain.columns.keys()
            for name, column in usual.columns.items():
                assert np.array_equal(column, plain[name]), (path.read_bytes(), name)
    assert 100 < refused < 400, "some damage has to be harmful, and some harmless"


def outcome(path):
    try:
        return load(path)
    except BrokenFile as error:
        return str(error)


def give_up(*_):
    raise DoubtError


def test_every_cut_of_a_gzip_is_refused(tmp_path):
    packed = gzip.compress(BARS.encode())
    path = tmp_path / "ACME-1d.csv.gz"
    for length in range(len(packed)):
        path.write_bytes(packed[:length])
        with pytest.raises(BrokenFile):
            load(path)

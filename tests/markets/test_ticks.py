"""The tick store keeps the newest quotes and prints through kills, seals and readers."""

import json
import random

import pytest

from papertape.domain.time_text import time_text
from papertape.markets import ticks
from papertape.markets.ticks import TickStore

START = 1_795_171_560 * 10**9


def line(number: int, time_ns: int) -> bytes:
    return json.dumps({"id": number, "time": time_text(START + time_ns)}).encode()


def ids(found: list[dict]) -> list[int]:
    return [tick["id"] for tick in found]


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    """Many seals with little work."""
    monkeypatch.setattr(ticks, "SEALED_LINES", 10)


@pytest.fixture
def store(tmp_path):
    made = TickStore(tmp_path, 50)
    yield made
    made.close()


def everything(store, symbol="AAPL", kind="trades", limit=10_000, **direction):
    return ids(store.read(symbol, kind, 0, 2**63 - 1, limit, **direction))


def test_ticks_of_a_stretch_are_read_in_both_directions(store):
    store.append("AAPL", "trades", [line(n, n // 2) for n in range(36)])
    stretch = (START + 4, START + 12)
    assert ids(store.read("AAPL", "trades", *stretch, 100)) == list(range(8, 26))
    assert ids(store.read("AAPL", "trades", *stretch, 3)) == [8, 9, 10]
    newest = store.read("AAPL", "trades", *stretch, 3, newest_first=True)
    assert ids(newest) == [25, 24, 23]


def test_symbols_and_kinds_do_not_touch_each_other(store):
    store.append("BTC/USD", "trades", [line(1, 0)])
    store.append("BTC/USD", "quotes", [line(2, 0)])
    assert everything(store, "BTC/USD") == [1]
    assert everything(store, "BTC/USD", "quotes") == [2]
    assert everything(store, "BTCUSD") == []


def test_the_oldest_go_in_whole_files_and_what_shall_be_kept_stays(store):
    for n in range(137):
        store.append("AAPL", "trades", [line(n, n)])
        kept = everything(store)
        assert kept == list(range(kept[0], n + 1))
        assert len(kept) >= min(n + 1, 50)
        assert len(kept) <= 50 + 10


def test_a_torn_line_is_dropped_and_the_next_one_stands_alone(store, tmp_path):
    store.append("AAPL", "trades", [line(n, n) for n in range(13)])
    store.close()
    (tail,) = (tmp_path / "AAPL" / "trades").glob("*.tail")
    with tail.open("ab") as torn:
        torn.write(line(99, 99)[:-5])
    assert everything(store) == list(range(13))
    again = TickStore(tmp_path, 50)
    again.append("AAPL", "trades", [line(n, n) for n in range(13, 25)])
    again.close()
    assert everything(store) == list(range(25))


def test_a_kill_between_sealing_and_removing_the_tail_doubles_nothing(store, tmp_path):
    store.append("AAPL", "trades", [line(n, n) for n in range(9)])
    folder = tmp_path / "AAPL" / "trades"
    (tail,) = folder.glob("*.tail")
    before = tail.read_bytes()
    store.append("AAPL", "trades", [line(9, 9)])
    tail.write_bytes(before)  # it was not removed yet
    assert everything(store) == list(range(10))
    again = TickStore(tmp_path, 50)
    again.append("AAPL", "trades", [line(10, 10)])
    again.close()
    assert not tail.exists()
    assert everything(store) == list(range(11))


def test_a_damaged_file_is_passed_over_and_told(store, tmp_path, caplog):
    store.append("AAPL", "trades", [line(n, n) for n in range(25)])
    damaged = min((tmp_path / "AAPL" / "trades").glob("*.z"))
    damaged.write_bytes(b"")
    assert everything(store) == list(range(10, 25))
    damaged.write_bytes(b"nothing of ours")
    assert everything(store) == list(range(10, 25))
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("seed", range(4))
def test_random_work_says_what_a_plain_list_says(tmp_path, seed):
    draw = random.Random(seed)
    most = draw.choice([1, 7, 40, 1_000])
    store, reader = TickStore(tmp_path, most), TickStore(tmp_path, most)
    model: list[tuple[int, int]] = []
    now = 0
    for _ in range(80):
        some = []
        for _ in range(draw.choice([0, 1, 1, 3, 35])):
            now += draw.choice([0, 0, 1, 5])
            some.append((len(model) + len(some), now))
        store.append("A", "quotes", [line(*one) for one in some])
        model += some
        if draw.random() < 0.1:
            store.close()
            store = TickStore(tmp_path, most)
        kept = everything(reader, "A", "quotes")
        assert kept == [number for number, _ in model][-len(kept) :] if kept else not model
        oldest = kept[0] if kept else 0
        first = draw.randint(0, now + 1)
        last = draw.randint(first, now + 2)
        limit = draw.randint(1, 30)
        within = [n for n, at in model if first <= at <= last and n >= oldest]
        stretch = (START + first, START + last, limit)
        assert ids(reader.read("A", "quotes", *stretch)) == within[:limit]
        backwards = reader.read("A", "quotes", *stretch, newest_first=True)
        assert ids(backwards) == within[::-1][:limit]
    store.close()

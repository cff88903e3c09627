"""The bar store keeps bars through days, kills and readers in other processes."""

import random
import subprocess
import sys

import pytest

from papertape.markets.bars import MINUTE_NS, TIMEFRAMES, Bar, aggregate
from papertape.markets.store import BarStore, backfill_from

DAY_NS = TIMEFRAMES["1d"]
MIDNIGHT = 19_700 * DAY_NS
"""2023-12-09."""


def minute_bars(count, start_ns=MIDNIGHT, step_ns=MINUTE_NS, seed=1):
    random.seed(seed)
    bars = []
    cents = 10_000
    for n in range(count):
        path = [cents := cents + random.randint(-9, 9) for _ in range(4)]
        texts = [f"{price / 100:.2f}" for price in (path[0], max(path), min(path), path[3])]
        bars.append(Bar(start_ns + n * step_ns, *texts, str(random.randint(1, 500))))
    return bars


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(tmp_path):
    store = BarStore(tmp_path)
    yield store
    store.close()


def test_what_was_appended_is_read(store):
    bars = minute_bars(10)
    for bar in bars:
        store.append("AAPL", bar)
    assert store.read("AAPL") == bars
    assert store.read("MSFT") == []
    assert (store.is_empty("AAPL"), store.is_empty("MSFT")) == (False, True)


def test_days_are_sealed_when_the_next_begins(store, tmp_path):
    bars = minute_bars(3 * 1440 + 5)
    for bar in bars:
        store.append("BTC/USD", bar)
    assert names(tmp_path / "BTC%2FUSD") == [
        "2023-12-09.parquet",
        "2023-12-10.parquet",
        "2023-12-11.parquet",
        "2023-12-12.tail",
    ]
    assert store.read("BTC/USD", limit=10_000) == bars


RANGES = [
    # start, end, limit in minutes -> slice of the bars
    (None, None, 100, slice(-100, None)),
    (None, 2000, 50, slice(1950, 2000)),
    (0, None, 5, slice(0, 5)),
    (1430, 1450, 500, slice(1430, 1450)),
    (1440, 1441, 500, slice(1440, 1441)),
    (9_000, None, 500, slice(0, 0)),
    (None, 0, 500, slice(0, 0)),
]


@pytest.mark.parametrize(("start", "end", "limit", "expected"), RANGES)
def test_ranges(store, start, end, limit, expected):
    bars = minute_bars(2 * 1440 + 100)
    store.backfill("AAPL", bars[:1500])
    for bar in bars[1500:]:
        store.append("AAPL", bar)

    def moment(minutes):
        return None if minutes is None else MIDNIGHT + minutes * MINUTE_NS

    assert store.read("AAPL", "1m", moment(start), moment(end), limit) == bars[expected]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_longer_bars_are_the_same_as_those_made_plainly(store, timeframe):
    bars = minute_bars(2 * 1440 + 77)
    for bar in bars:
        store.append("AAPL", bar)
    assert store.read("AAPL", timeframe, limit=9_999) == aggregate(bars, timeframe)
    assert store.read("AAPL", timeframe, limit=2) == aggregate(bars, timeframe)[-2:]


def test_a_torn_last_line_is_dropped_and_written_over(store, tmp_path):
    bars = minute_bars(5)
    for bar in bars[:3]:
        store.append("AAPL", bar)
    store.close()
    tail = tmp_path / "AAPL" / "2023-12-09.tail"
    with tail.open("ab") as torn:
        torn.write(b"1702080180000000000,100.1")

    again = BarStore(tmp_path)
    assert again.read("AAPL") == bars[:3]
    again.append("AAPL", bars[3])
    again.append("AAPL", bars[4])
    again.close()
    assert store.read("AAPL") == bars


def test_a_bar_that_is_told_twice_stays_one_and_the_later_wins(store):
    first, second = minute_bars(2)
    changed = first._replace(close=first.high)
    for bar in (first, second, changed):
        store.append("AAPL", bar)
    assert store.read("AAPL") == [changed, second]


def test_a_kill_between_sealing_and_removing_the_tail_changes_nothing(store, tmp_path):
    bars = minute_bars(1442)
    for bar in bars[:1440]:
        store.append("AAPL", bar)
    tail = tmp_path / "AAPL" / "2023-12-09.tail"
    left = tail.read_bytes()
    store.append("AAPL", bars[1440])
    tail.write_bytes(left)
    store.close()

    again = BarStore(tmp_path)
    assert again.read("AAPL", limit=9_999) == bars[:1441]
    again.append("AAPL", bars[1441])
    again.close()
    assert again.read("AAPL", limit=9_999) == bars


def test_a_day_that_passed_while_nobody_wrote_is_sealed_later(tmp_path):
    bars = minute_bars(3, step_ns=DAY_NS)
    for bar in bars:
        store = BarStore(tmp_path)
        store.append("AAPL", bar)
        store.close()
    assert names(tmp_path / "AAPL") == [
        "2023-12-09.parquet",
        "2023-12-10.parquet",
        "2023-12-11.tail",
    ]
    assert BarStore(tmp_path).read("AAPL") == bars


def test_daily_bars_can_be_kept_by_the_year(tmp_path):
    bars = minute_bars(800, step_ns=DAY_NS)
    store = BarStore(tmp_path, partition="year")
    for bar in bars:
        store.append("GOOG", bar)
    store.close()
    assert len(names(tmp_path / "GOOG")) == 4
    assert BarStore(tmp_path).read("GOOG", "1d", limit=9_999) == bars, "readers need no partition"
    start = bars[30].time_ns
    assert BarStore(tmp_path).read("GOOG", "1m", start, start + 5 * DAY_NS) == bars[30:35]


def test_prices_keep_their_decimals_and_volumes_lose_needless_zeros(store):
    bars = [
        Bar(MIDNIGHT, "190.50", "191.00", "190.00", "190.90", "0.00000001"),
        Bar(MIDNIGHT + DAY_NS, "190.5001", "191.00", "190.00", "190.90", "12"),
    ]
    for bar in bars:
        store.append("AAPL", bar)
    assert store.read("AAPL")[0].volume == "0.00000001"
    assert store.read("AAPL", limit=1)[0] == Bar(
        MIDNIGHT + DAY_NS, "190.5001", "191.0000", "190.0000", "190.9000", "12"
    )


def test_backfill_fills_only_an_empty_store(store):
    rows = [(bar.time_ns, *bar[1:]) for bar in minute_bars(100)]
    assert backfill_from(store, "AAPL", rows)
    assert not backfill_from(store, "AAPL", rows[:3])
    assert store.read("AAPL") == minute_bars(100)


def test_an_unknown_timeframe_is_refused(store):
    with pytest.raises(ValueError, match="unknown timeframe '3m'"):
        store.read("AAPL", "3m")


WRITER = """
import sys
from papertape.markets.bars import Bar
from papertape.markets.store import BarStore
store = BarStore(sys.argv[1])
for line in sys.stdin:
    time_ns, *texts = line.split()
    store.append("AAPL", Bar(int(time_ns), *texts[:5]))
"""


def test_a_writer_killed_at_any_moment_leaves_a_gapless_store_to_its_readers(tmp_path):
    bars = minute_bars(50_000)
    reader = BarStore(tmp_path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdin=subprocess.PIPE, text=True
    )
    seen = sent = 0
    while seen < 4_000:
        for bar in bars[sent : sent + 200]:
            print(*bar, file=writer.stdin)
        sent += 200
        read = reader.read("AAPL", limit=300_000)
        assert read == bars[: len(read)]
        assert len(read) >= seen
        seen = len(read)
    writer.kill()
    writer.communicate()
    assert seen < sent < len(bars)

    kept = reader.read("AAPL", limit=300_000)
    assert kept == bars[: len(kept)]
    again = BarStore(tmp_path)
    again.append("AAPL", bars[len(kept)])
    again.close()
    assert reader.read("AAPL", limit=300_000) == bars[: len(kept) + 1]

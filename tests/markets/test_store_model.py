"""A store under random work says the same as a plain dictionary of bars."""

import random

import pytest

from papertape.markets.bars import MINUTE_NS, Bar, aggregate
from papertape.markets.store import BarStore

START = 19_000 * 86_400 * 10**9


def random_bar(draw, minute):
    cents = sorted(draw.randint(9_000, 11_000) for _ in range(4))
    low, first, then, high = (f"{price / 100:.2f}" for price in cents)
    opened, closed = draw.choice([(first, then), (then, first)])
    volume = str(draw.randint(0, 99) / 4).removesuffix(".0")
    counted = draw.choice([(None, None), (draw.randint(0, 9), str(draw.randint(0, 9_999)))])
    return Bar(START + minute * MINUTE_NS, opened, high, low, closed, volume, *counted)


@pytest.mark.parametrize("partition", ["day", "month", "year"])
@pytest.mark.parametrize("seed", range(6))
def test_random_work_loses_and_invents_nothing(tmp_path, seed, partition):
    draw = random.Random(seed)
    model = {}
    writer = BarStore(tmp_path, partition)
    reader = BarStore(tmp_path)
    minute = 0
    for _ in range(300):
        work = draw.random()
        if work < 0.75:
            minute += draw.choice([1, 1, 1, 2, 30, 700])
            bar = random_bar(draw, minute)
            writer.append("A/B", bar)
            model[bar.time_ns] = bar
        elif work < 0.82:
            again = random_bar(draw, minute)
            writer.append("A/B", again)
            model[again.time_ns] = again
        elif work < 0.87:
            writer.close()
            writer = BarStore(tmp_path, partition)
        elif work < 0.90:
            past = [random_bar(draw, draw.randint(0, minute)) for _ in range(5)]
            past = [bar for bar in past if bar.time_ns not in model]
            writer.backfill("A/B", sorted(past))
            model |= {bar.time_ns: bar for bar in past}
        else:
            check(draw, reader, model, minute)
    check(draw, reader, model, minute)
    writer.close()


def check(draw, reader, model, minute):
    bars = sorted(model.values())
    assert reader.read("A/B", limit=10_000) == bars
    timeframe = draw.choice(["1m", "5m", "1h", "1d"])
    assert reader.read("A/B", timeframe, limit=10_000) == aggregate(bars, timeframe)
    start = START + draw.randint(0, max(minute, 1)) * MINUTE_NS
    limit = draw.randint(1, 20)
    wanted = [bar for bar in bars if bar.time_ns >= start][:limit]
    assert reader.read("A/B", "1m", start, None, limit) == wanted
    wanted = [bar for bar in bars if bar.time_ns < start][-limit:]
    assert reader.read("A/B", "1m", None, start, limit) == wanted

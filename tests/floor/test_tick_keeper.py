"""Quotes and prints are written as they were told, and a full disk stops nobody."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event

from floor.small_exchange import LISTING, START_NS, quote
from papertape.engine import World
from papertape.floor import tick_keeper
from papertape.floor.market_news import MarketNews
from papertape.floor.tick_keeper import Kind, TickKeeper
from papertape.markets.ticks import TickStore

EVER = (0, 2**63 - 1, 1_000)


def test_quotes_and_prints_are_kept_as_they_were_told(tmp_path: Path) -> None:
    world = World("main")
    world.apply([(START_NS, command) for command in [*LISTING, quote()]])
    store = TickStore(tmp_path, 100)
    keeper = TickKeeper(store)
    news = MarketNews("main", None, keeper)
    news.listed(world)
    told = news.prints([("ACME", START_NS, "10.00", str(n), "buy") for n in (1, 2, 3)])
    told += news.conflated(world, START_NS, own_bars=True)
    world.apply([(START_NS + 1, quote(bid="9.98"))])
    told += news.conflated(world, START_NS + 1, own_bars=True)
    keeper.close()

    prints = store.read("ACME", "trades", *EVER)
    assert [(one["qty"], one["id"] - START_NS // 1_000) for one in prints] == [
        ("1", 0),
        ("2", 1),
        ("3", 2),
    ]
    assert [one["bid"] for one in store.read("ACME", "quotes", *EVER)] == ["9.99", "9.98"]
    assert {message.type for message in told} == {"trade", "quote", "book", "bar"}


class FullDisk:
    """A body of `TickSink` that cannot write."""

    def __init__(self) -> None:
        self.asked = Event()
        self.closed = False

    def append(self, symbol: str, kind: Kind, lines: Sequence[bytes]) -> None:
        self.asked.set()
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.closed = True


def test_what_cannot_be_written_is_counted_and_said_once(caplog) -> None:
    disk = FullDisk()
    keeper = TickKeeper(disk)
    news = MarketNews("main", None, keeper)
    for n in range(3):
        news.prints([("ACME", START_NS + n, "10.00", "1", ""), ("BETA", START_NS, "1", "1", "")])
    keeper.close()
    assert disk.asked.is_set()
    assert keeper.lost == 6
    assert disk.closed
    assert len([it for it in caplog.records if "are not kept" in it.message]) == 1


def test_a_disk_that_cannot_follow_makes_nobody_wait(monkeypatch) -> None:
    monkeypatch.setattr(tick_keeper, "BATCHES_WAITING_MAX", 2)

    class SlowDisk(FullDisk):
        go_on = Event()

        def append(self, symbol: str, kind: Kind, lines: Sequence[bytes]) -> None:
            self.asked.set()
            self.go_on.wait(10)

    disk = SlowDisk()
    keeper = TickKeeper(disk)
    news = MarketNews("main", None, keeper)
    news.prints([("ACME", START_NS, "10.00", "1", "")])
    assert disk.asked.wait(5)
    for n in range(1, 6):
        news.prints([("ACME", START_NS + n, "10.00", "1", "")])
    assert keeper.lost == 3
    monkeypatch.setattr(tick_keeper, "CLOSE_MAX_S", 0.05)
    keeper.close()
    assert not disk.closed, "the thread still writes there"
    disk.go_on.set()
    keeper._thread.join(5)
    assert not keeper._thread.is_alive()

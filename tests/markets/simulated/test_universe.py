"""The universe that comes with Papertape: what is listed, and that an engine takes it."""

import json

from papertape.engine import World
from papertape.markets.simulated import SimulatedSource, load_universe

SECOND_NS = 1_000_000_000
START_NS = 1_795_168_800 * SECOND_NS


def start(state: bytes | None = None, time_ns: int = START_NS) -> tuple[World, SimulatedSource]:
    world, source = World("main"), SimulatedSource(seed=7)
    world.apply([(time_ns, command) for command in source.listing()])
    source.resume(0, time_ns, state)
    return world, source


def test_there_are_a_dozen_stocks_of_many_sectors_and_three_coins() -> None:
    instruments = load_universe().instruments
    stocks = [one for one in instruments if one.asset_class == "us_equity"]
    coins = [one for one in instruments if one.asset_class == "crypto"]
    assert len(stocks) >= 10
    assert "AAPL" in {one.symbol for one in stocks}
    assert {one.symbol for one in coins} == {"BTC/USD", "ETH/USD", "SOL/USD"}
    assert len({one.sector for one in stocks}) >= 6
    assert {one.exchange for one in instruments} == {"XNAS", "XNYS", "CRYPTO"}


def test_an_engine_accepts_every_listing_and_a_second_start_changes_nothing() -> None:
    world, source = start()
    replies = world.apply([(START_NS + 1, command) for command in source.listing()]).replies
    assert {reply[0] for reply in replies if reply} == {"existing"}
    assert [one["symbol"] for one in world.instruments()] == sorted(source.symbols)


def test_every_instrument_lives_within_seconds() -> None:
    world, source = start()
    source.act(world, START_NS + 5 * SECOND_NS)
    assert source.next_due_ns is not None
    assert source.next_due_ns > START_NS + 5 * SECOND_NS
    for one in load_universe().instruments:
        book = json.loads(world.book(one.symbol, 20))
        assert len(book["bids"]) >= 10, one.symbol
        assert len(book["asks"]) >= 10, one.symbol
        assert abs(float(book["bids"][0][0]) / float(one.price) - 1) < 0.01


def test_it_goes_on_from_its_state() -> None:
    world, source = start()
    source.act(world, START_NS + 20 * SECOND_NS)
    price = float(json.loads(world.book("AAPL"))["bids"][0][0])
    for then in (START_NS + 86_400 * SECOND_NS, START_NS - 86_400 * SECOND_NS):
        world, again = start(source.state(), then)
        assert again.next_due_ns is not None
        assert again.next_due_ns <= then, "it does not wait for the time of its state"
        again.act(world, then + 4 * SECOND_NS)
        assert abs(float(json.loads(world.book("AAPL"))["bids"][0][0]) / price - 1) < 0.005


def test_a_first_start_has_bars_up_to_the_present() -> None:
    _, source = start()
    backfill = dict(source.backfill(START_NS, 60))
    assert list(backfill) == source.symbols
    for one in load_universe().instruments:
        bars = backfill[one.symbol]
        assert len(bars) == 60
        assert bars[-1].close == one.price

"""The simulated market driving a real world: prices that look like prices, a book that lives."""

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine.worlds import ALICE, SECOND_NS, START_NS, Driver, command, listing, order
from papertape.engine import Outcome, SimulatedMarket, World

MINUTE_NS = 60 * SECOND_NS


def instrument(symbol: str, price: str, **fields: object) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "symbol": symbol,
        "name": symbol,
        "asset_class": "us_equity",
        "exchange": "XTST",
        "sector": "Technology",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "price_scale": 6,
        "qty_scale": 6,
        "price": price,
        "volatility": 0.3,
        "daily_volume": 4_000_000,
        "prints_per_second": 1.2,
    }
    return terms | fields


COIN = {
    "asset_class": "crypto",
    "sector": "Digital Assets",
    "lot_size": "0.0001",
    "price_scale": 8,
    "qty_scale": 8,
    "daily_volume": 18_000,
}
INSTRUMENTS = [
    instrument("APEX", "190.50"),
    instrument("BOLT", "42.00"),
    instrument("COIN/USD", "65000.00", **COIN),
]
SIMULATED = [json.dumps(terms).encode() for terms in INSTRUMENTS]
ONLY_SIMULATED = {"price", "volatility", "daily_volume", "prints_per_second"}


def open_world() -> Driver:
    """A world that lists the instruments with agents as their source."""
    driver = Driver(World("main"))
    listed = [
        command(
            "list_instrument",
            **{key: value for key, value in terms.items() if key not in ONLY_SIMULATED},
            source="agents",
            trigger="last",
        )
        for terms in INSTRUMENTS
    ]
    driver.send(*listing(), *listed)
    return driver


def open_market(seed: int = 1) -> SimulatedMarket:
    return SimulatedMarket(seed, SIMULATED, START_NS)


def run(world: World, market: SimulatedMarket, start_s: int, end_s: int) -> list[Outcome]:
    """Drive second by second."""
    seconds = range(start_s + 1, end_s + 1)
    return [world.drive(market, START_NS + second * SECOND_NS) for second in seconds]


def book(world: World, symbol: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(world.book(symbol, 50))
    return shown


def mid(world: World, symbol: str) -> float:
    shown = book(world, symbol)
    return (float(shown["bids"][0][0]) + float(shown["asks"][0][0])) / 2


def on_tick(price: str) -> bool:
    return len(price.partition(".")[2]) == 2


def test_the_same_seed_gives_the_same_bytes() -> None:
    def prints(seed: int) -> tuple[list[Any], bytes, bytes]:
        driver, market = open_world(), open_market(seed)
        outcomes = run(driver.world, market, 0, 20)
        told = [one for outcome in outcomes for one in outcome.prints]
        return told, market.state(), driver.world.book("APEX", 50)

    assert prints(1) == prints(1)
    assert prints(1)[0] != prints(2)[0]


def test_how_often_the_floor_calls_changes_nothing() -> None:
    books = []
    for step_ns in (50_000_000, SECOND_NS, 10 * SECOND_NS):
        driver, market = open_world(), open_market()
        for now_ns in range(START_NS + step_ns, START_NS + 10 * SECOND_NS + 1, step_ns):
            driver.world.drive(market, now_ns)
        books.append((driver.world.book("APEX", 50), driver.world.book("COIN/USD", 50)))
    assert books[0] == books[1] == books[2]


def test_both_sides_keep_ten_levels_on_tick_and_never_cross() -> None:
    driver, market = open_world(), open_market()
    run(driver.world, market, 0, 4)
    for second in range(4, 300):
        run(driver.world, market, second, second + 1)
        for terms in INSTRUMENTS:
            shown = book(driver.world, terms["symbol"])
            for side in ("bids", "asks"):
                assert len(shown[side]) >= 10, (second, terms["symbol"], side)
                assert all(on_tick(price) and float(price) > 0 for price, *_ in shown[side])
            assert float(shown["bids"][0][0]) < float(shown["asks"][0][0])


def test_a_driven_world_prints_but_tapes_nothing() -> None:
    driver, market = open_world(), open_market()
    before = driver.world.state_hash(), driver.world.seq
    outcomes = run(driver.world, market, 0, 120)
    prints = [one for outcome in outcomes for one in outcome.prints]
    per_symbol = {terms["symbol"]: 0 for terms in INSTRUMENTS}
    for symbol, time_ns, price, qty, side in prints:
        per_symbol[symbol] += 1
        assert on_tick(price)
        assert float(qty) > 0
        assert side in {"buy", "sell"}
        assert START_NS <= time_ns <= START_NS + 120 * SECOND_NS
    assert all(60 <= count <= 500 for count in per_symbol.values()), per_symbol
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(prints))
    assert (driver.world.state_hash(), driver.world.seq) == before
    assert driver.world.market_seq > 0


def test_a_user_trades_with_the_house_and_the_tape_rebuilds_it() -> None:
    driver, market = open_world(), open_market()
    driver.keep(run(driver.world, market, 0, 5)[-1])
    driver.now_ns = START_NS + 5 * SECOND_NS
    outcome, body = driver.reply(order("buy", symbol="APEX", qty="100"))
    assert (outcome, body["status"]) == ("created", "filled")
    (fill,) = {row[10] for row in driver.rows["fills"].values()}
    assert fill == "house"
    resting = order("rest", symbol="APEX", type="limit", limit_price="190.40", qty="50")
    driver.reply(resting)
    for outcome_ in run(driver.world, market, 5, 200):
        driver.keep(outcome_)
    twin = World("main")
    twin.evolve(driver.turns)
    assert twin.state_hash() == driver.world.state_hash()


def test_a_side_that_a_user_ate_comes_back() -> None:
    driver, market = open_world(), open_market()
    rich = command(
        "open_account",
        account_id=ALICE.replace("a11c", "71c4"),
        owner="rich",
        account_kind="cash",
        currency="USD",
        starting_cash="1000000000.00",
        request_id="rich",
    )
    driver.send(rich)
    run(driver.world, market, 0, 10)
    driver.now_ns = START_NS + 10 * SECOND_NS
    asks = book(driver.world, "BOLT")["asks"]
    everything = str(sum(int(qty) for _, qty, _ in asks))
    eats = order(
        "eat",
        account_id=ALICE.replace("a11c", "71c4"),
        symbol="BOLT",
        qty=everything,
        type="limit",
        limit_price=asks[-1][0],
        time_in_force="ioc",
    )
    _, body = driver.reply(eats)
    assert body["status"] == "filled", body
    before = float(asks[0][0])
    run(driver.world, market, 10, 16)
    after = book(driver.world, "BOLT")["asks"]
    assert len(after) >= 10
    assert float(after[0][0]) > before, "buying everything has moved the price"


def test_after_a_restart_prices_go_on_and_the_book_comes_back() -> None:
    driver, market = open_world(), open_market()
    run(driver.world, market, 0, 60)
    before = {terms["symbol"]: mid(driver.world, terms["symbol"]) for terms in INSTRUMENTS}
    twin, again = World.restore(driver.world.snapshot()), SimulatedMarket.restore(market.state())
    assert again.next_due_ns == market.next_due_ns
    assert again.state() == market.state()
    assert not json.loads(twin.book("APEX"))["bids"], "what bots had in the book is gone"
    run(twin, again, 60, 64)
    for symbol, price in before.items():
        assert math.isclose(mid(twin, symbol), price, rel_tol=0.003), symbol
        assert len(book(twin, symbol)["asks"]) >= 10


def test_a_long_sleep_is_skipped_and_a_call_is_bounded() -> None:
    driver, market = open_world(), open_market()
    run(driver.world, market, 0, 10)
    price, inputs = mid(driver.world, "APEX"), driver.world.market_seq
    tomorrow = START_NS + 86_400 * SECOND_NS
    driver.world.drive(market, tomorrow)
    assert market.next_due_ns > tomorrow
    assert driver.world.market_seq - inputs < 1_000
    assert math.isclose(mid(driver.world, "APEX"), price, rel_tol=0.003)
    driver.world.drive(market, tomorrow + 20 * SECOND_NS, most=10)
    assert market.next_due_ns < tomorrow + 20 * SECOND_NS


def test_a_closed_instrument_leaves_the_book_and_comes_back_at_its_price() -> None:
    driver, market = open_world(), open_market()
    run(driver.world, market, 0, 30)
    price = mid(driver.world, "APEX")
    market.set_closed(["APEX"])
    driver.world.drive(market, START_NS + 30 * SECOND_NS)
    assert book(driver.world, "APEX")["bids"] == book(driver.world, "APEX")["asks"] == []
    outcomes = run(driver.world, market, 30, 60)
    assert {one[0] for outcome in outcomes for one in outcome.prints} == {"BOLT", "COIN/USD"}
    market.set_closed([])
    run(driver.world, market, 60, 63)
    assert math.isclose(mid(driver.world, "APEX"), price, rel_tol=0.005)
    with pytest.raises(ValueError, match="NONE"):
        market.set_closed(["NONE"])


def test_driving_an_unlisted_instrument_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="APEX"):
        World("main").drive(open_market(), START_NS + SECOND_NS)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"price": "-1"}, "price"),
        ({"tick_size": "0"}, "tick_size"),
        ({"volatility": -0.1}, "volatility"),
        ({"lot_size": "x"}, "lot_size"),
        ({"price": 190.5}, "invalid type"),
    ],
)
def test_a_wrong_instrument_is_refused_with_its_field(fields: dict[str, Any], why: str) -> None:
    wrong = json.dumps(instrument("APEX", "190.50") | fields).encode()
    with pytest.raises(ValueError, match=why):
        SimulatedMarket(1, [wrong], START_NS)


def test_a_wrong_state_is_refused() -> None:
    for state in (b"", b"{}", open_market().state()[:-5]):
        with pytest.raises(ValueError, match="state of the simulated market"):
            SimulatedMarket.restore(state)


def closes(symbol: int, minutes: int) -> np.ndarray:
    bars = SimulatedMarket.history(3, SIMULATED[symbol], START_NS, minutes)
    return np.log([float(bar[4]) for bar in bars])


def test_history_ends_at_the_start_price_and_bars_are_sound() -> None:
    for listed, terms in zip(SIMULATED, INSTRUMENTS, strict=True):
        bars = SimulatedMarket.history(3, listed, START_NS, 240)
        assert len(bars) == 240
        assert bars[-1][4] == terms["price"]
        assert bars[-1][0] + MINUTE_NS == START_NS
        for before, after in pairwise(bars):
            assert after[0] - before[0] == MINUTE_NS
            assert after[1] == before[4]
        for _, opened, high, low, close, volume in bars:
            values = [float(opened), float(close)]
            assert 0 < float(low) <= min(values) <= max(values) <= float(high)
            assert float(volume) > 0


def test_returns_have_fat_tails_and_volatility_that_clusters() -> None:
    minutes = 10 * 1_440
    returns = np.diff(closes(0, minutes))
    kurtosis = float(np.mean(returns**4) / np.mean(returns**2) ** 2)
    assert kurtosis > 4
    sizes = np.abs(returns)
    assert np.corrcoef(sizes[:-5], sizes[5:])[0, 1] > 0.08
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05
    assert 0.1 < np.corrcoef(returns, np.diff(closes(1, minutes)))[0, 1] < 0.8
    daily = float(np.sqrt(np.mean(returns**2) * 1_440))
    assert 0.5 < daily / (0.3 / math.sqrt(252)) < 2.0

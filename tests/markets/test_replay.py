"""A market file becomes a market: on time, in order, and again after a restart."""

import json

import pytest

from papertape.engine import World
from papertape.markets.bars import Bar
from papertape.markets.files import BrokenFile
from papertape.markets.replay import ReplayMarket

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
MONDAY = 19_723 * DAY_NS
"""2024-01-01."""

DAILY = """date,open,high,low,close,volume
2024-01-01,10.00,10.50,9.50,10.25,1000
2024-01-02,10.25,11.00,10.00,10.75,2000
2024-01-05,10.75,11.25,10.50,11.00,1500
"""
PRINTS = """time,price,quantity,side
2024-01-01T00:00:00,100.10,1.5,buy
2024-01-01T00:00:01,100.05,2,sell
2024-01-01T00:00:01,100.07,1,
"""
TICKS = """20240101 000000000,1.10000,1.10010,0
20240101 000000500,1.10001,1.10011,0
20240101 000002000,1.10002,1.10012,0
"""


@pytest.fixture
def file_of(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def told(inputs):
    """Inputs as `(time, kind, fields...)`, easier on the eye."""
    rows = []
    for time_ns, body in inputs:
        row = json.loads(body)
        rows.append((time_ns, row.pop("kind"), row.pop("symbol"), row))
    return rows


def bar(open_, high, low, close, volume):
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


def quote(bid, ask, bid_size, ask_size):
    return {"bid": bid, "ask": ask, "bid_size": bid_size, "ask_size": ask_size}


FIRST_BAR = (MONDAY, "bar", "ACME", bar("10.00", "10.50", "9.50", "10.25", "1000"))
SECOND_BAR = (MONDAY + DAY_NS, "bar", "ACME", bar("10.25", "11.00", "10.00", "10.75", "2000"))
THIRD_BAR = (MONDAY + 4 * DAY_NS, "bar", "ACME", bar("10.75", "11.25", "10.50", "11.00", "1500"))


def test_the_first_bar_is_there_at_once_and_one_more_each_second(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    assert told(market.act(None, market.now_ns(0))) == [FIRST_BAR]
    assert market.act(None, market.now_ns(SECOND_NS - 1)) == []
    assert told(market.act(None, market.now_ns(SECOND_NS))) == [SECOND_BAR]
    assert market.next_due_ns == THIRD_BAR[0]
    assert told(market.act(None, market.now_ns(2 * SECOND_NS))) == [THIRD_BAR]


def test_between_bars_the_clock_runs_and_at_the_end_it_stands(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    assert market.now_ns(SECOND_NS // 2) == MONDAY + DAY_NS // 2
    assert market.now_ns(3 * SECOND_NS // 2) == MONDAY + DAY_NS + 3 * DAY_NS // 2
    assert market.now_ns(2 * SECOND_NS) == MONDAY + 4 * DAY_NS
    assert market.now_ns(100 * SECOND_NS) == MONDAY + 4 * DAY_NS
    assert len(market.act(None, market.now_ns(100 * SECOND_NS))) == 3
    assert market.next_due_ns is None
    assert market.act(None, market.now_ns(101 * SECOND_NS)) == []


@pytest.mark.parametrize(("speed", "bars"), [(0.5, 1), (1, 2), (2, 3), (1000, 3)])
def test_speed_counts_bars_a_second(file_of, speed, bars):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY), speed=speed)
    assert len(market.act(None, market.now_ns(SECOND_NS))) == bars


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(file_of, speed):
    with pytest.raises(ValueError, match="above zero"):
        ReplayMarket(file_of("ACME-1d.csv", DAILY), speed=speed)


def test_played_bars_are_handed_over_once(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    market.act(None, market.now_ns(SECOND_NS))
    assert market.closed_bars() == [
        ("ACME", Bar(MONDAY, "10.00", "10.50", "9.50", "10.25", "1000")),
        ("ACME", Bar(MONDAY + DAY_NS, "10.25", "11.00", "10.00", "10.75", "2000")),
    ]
    assert market.closed_bars() == []
    assert market.bar_partition == "year"


def test_quotes_make_bars_of_the_mid_price_that_can_be_watched_while_they_form(file_of):
    rows = [
        "20240101 000001000,1.10000,1.10010,0",
        "20240101 000009000,1.10002,1.10011,0",
        "20240101 000011000,1.09990,1.10000,0",
        "20240101 000101000,1.10100,1.10110,0",
    ]
    market = ReplayMarket(file_of("EURUSD-quotes-tick.csv", "\n".join(rows)))
    market.act(None, market.now_ns(20 * SECOND_NS))
    first = Bar(MONDAY, "1.10005", "1.100065", "1.10005", "1.100065", "0", 0, "0")
    whole = Bar(MONDAY, "1.10005", "1.100065", "1.09995", "1.09995", "0", 0, "0")
    assert market.closed_bars() == [("EURUSD", first), ("EURUSD", whole)]
    market.act(None, market.now_ns(100 * SECOND_NS))
    next_minute = Bar(MONDAY + 60 * SECOND_NS, *["1.10105"] * 4, "0", 0, "0")
    assert market.closed_bars() == [("EURUSD", whole), ("EURUSD", next_minute)]


def test_prints_make_bars_and_a_restart_in_the_middle_does_not_tear_them(file_of):
    path = file_of("BTCUSD-trades.csv", PRINTS)
    whole = ReplayMarket(path)
    whole.act(None, whole.now_ns(SECOND_NS))
    (bar,) = whole.closed_bars()
    assert bar == (
        "BTCUSD",
        Bar(MONDAY, "100.10", "100.10", "100.05", "100.07", "4.5", 3, "450.32"),
    )

    before = ReplayMarket(path)
    before.act(None, before.now_ns(0))
    after = ReplayMarket(path)
    after.resume(1, MONDAY, before.state())
    after.act(None, after.now_ns(SECOND_NS))
    assert after.closed_bars()[-1] == bar


def test_after_a_restart_the_latest_bars_come_again_in_case_they_were_not_kept(file_of):
    path = file_of("ACME-1d.csv", DAILY)
    before = ReplayMarket(path)
    before.act(None, before.now_ns(SECOND_NS))
    after = ReplayMarket(path)
    after.resume(2, SECOND_BAR[0], before.state())
    assert after.closed_bars() == before.closed_bars()
    assert after.closed_bars() == []


def test_a_world_that_is_loaded_again_starts_the_same_source_again(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    market.act(None, market.now_ns(2 * SECOND_NS))
    market.resume(0, 0, None)
    assert told(market.act(None, market.now_ns(0))) == [FIRST_BAR]


def test_what_the_tape_has_seen_after_the_state_was_saved_is_not_played_again(file_of):
    path = file_of("ACME-1d.csv", DAILY)
    before = ReplayMarket(path)
    before.act(None, before.now_ns(0))
    saved = before.state()

    after = ReplayMarket(path)
    after.resume(2, SECOND_BAR[0] + 5, saved)
    inputs = told(after.act(None, after.now_ns(SECOND_NS)))
    assert [(row[0], row[1]) for row in inputs] == [
        (SECOND_BAR[0] + 5, "quote"),
        (THIRD_BAR[0], "bar"),
    ]


def test_a_print_without_quotes_gets_a_street_around_it(file_of):
    market = ReplayMarket(file_of("BTCUSD-trades.csv", PRINTS))
    assert told(market.act(None, market.now_ns(SECOND_NS))) == [
        (MONDAY, "quote", "BTCUSD", quote("100.09", "100.10", "1", "1")),
        (MONDAY, "trade", "BTCUSD", {"price": "100.10", "qty": "1.5", "side": "buy"}),
        (MONDAY + SECOND_NS, "quote", "BTCUSD", quote("100.05", "100.06", "1", "1")),
        (MONDAY + SECOND_NS, "trade", "BTCUSD", {"price": "100.05", "qty": "2", "side": "sell"}),
        (MONDAY + SECOND_NS, "quote", "BTCUSD", quote("100.07", "100.08", "1", "1")),
        (MONDAY + SECOND_NS, "trade", "BTCUSD", {"price": "100.07", "qty": "1"}),
    ]


def test_ticks_run_at_the_pace_of_their_time(file_of):
    market = ReplayMarket(file_of("EURUSD-quotes-tick.csv", TICKS))
    size = "1000000"
    assert told(market.act(None, market.now_ns(SECOND_NS))) == [
        (MONDAY, "quote", "EURUSD", quote("1.10000", "1.10010", size, size)),
        (MONDAY + SECOND_NS // 2, "quote", "EURUSD", quote("1.10001", "1.10011", size, size)),
    ]
    assert market.now_ns(SECOND_NS) == MONDAY + SECOND_NS
    assert market.now_ns(9 * SECOND_NS) == MONDAY + 2 * SECOND_NS
    assert len(market.act(None, market.now_ns(9 * SECOND_NS))) == 1


def test_the_volume_of_a_currency_pair_counts_price_changes_and_is_no_liquidity(file_of):
    market = ReplayMarket(file_of("EURUSD-1d.csv", DAILY))
    (only,) = told(market.act(None, market.now_ns(0)))
    assert only[3]["volume"] == "10000000"
    assert market.closed_bars()[0][1].volume == "1000"


def test_the_volume_of_a_perpetual_is_in_whatever_units_and_is_no_liquidity(file_of):
    market = ReplayMarket(file_of("BTC-PERP-1d.csv", DAILY))
    (only,) = told(market.act(None, market.now_ns(0)))
    assert only[3]["volume"] == "10"
    assert market.closed_bars()[0][1].volume == "1000"


def test_after_a_restart_the_last_record_is_shown_again_and_nothing_is_played_twice(file_of):
    path = file_of("ACME-1d.csv", DAILY)
    before = ReplayMarket(path)
    now = before.now_ns(SECOND_NS * 3 // 2)
    before.act(None, now)

    after = ReplayMarket(path)
    after.resume(2, now, before.state())

    assert after.now_ns(0) == now
    assert after.next_due_ns <= now
    assert told(after.act(None, now)) == [
        (now, "quote", "ACME", quote("10.75", "10.76", "1000", "1000"))
    ]
    assert told(after.act(None, after.now_ns(SECOND_NS // 2))) == [THIRD_BAR]


def test_without_a_saved_state_the_time_of_the_tape_tells_where_to_go_on(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    market.resume(2, MONDAY + DAY_NS, None)
    assert told(market.act(None, market.now_ns(0)))[0][1] == "quote"
    assert told(market.act(None, market.now_ns(SECOND_NS))) == [THIRD_BAR]


def test_a_first_start_begins_at_the_first_record_whatever_time_it_is(file_of):
    market = ReplayMarket(file_of("ACME-1d.csv", DAILY))
    market.resume(0, 1_790_000_000 * SECOND_NS, None)
    assert told(market.act(None, market.now_ns(0))) == [FIRST_BAR]


def test_a_replay_that_had_ended_stands_after_a_restart(file_of):
    path = file_of("ACME-1d.csv", DAILY)
    before = ReplayMarket(path)
    before.act(None, before.now_ns(60 * SECOND_NS))
    after = ReplayMarket(path)
    after.resume(3, before.now_ns(60 * SECOND_NS), before.state())
    assert [row[1] for row in told(after.act(None, after.now_ns(0)))] == ["quote"]
    assert after.next_due_ns is None
    assert after.now_ns(60 * SECOND_NS) == THIRD_BAR[0]


def test_at_most_about_five_hundred_inputs_come_at_once(file_of):
    rows = "".join(f"20240101 00{m:02}{s:02}000,1.1,1.2,0\n" for m in range(20) for s in range(60))
    market = ReplayMarket(file_of("EURUSD-tick.csv", rows))
    now = market.now_ns(3_600 * SECOND_NS)
    counts = []
    while market.next_due_ns is not None and market.next_due_ns <= now:
        counts.append(len(market.act(None, now)))
    assert counts == [500, 500, 200]


def test_the_world_has_the_name_of_the_file_and_lists_its_instrument(file_of):
    market = ReplayMarket(file_of("6EH4-1m.csv", DAILY))
    world, exchange, instrument = (json.loads(row) for row in market.listing())

    assert world == {"kind": "create_world", "world": market.world, "seed": 0, "sharing": "shared"}
    isolated = ReplayMarket(file_of("6EH4-1m.csv", DAILY), sharing="isolated")
    assert json.loads(isolated.listing()[0]) == world | {"sharing": "isolated"}
    assert market.world.startswith("replay-6eh4-")
    assert len(market.world) <= 40
    assert exchange["exchange"] == instrument["exchange"] == "XCME"
    assert instrument["asset_class"] == "future"
    assert (instrument["tick_size"], instrument["lot_size"]) == ("0.01", "1")
    assert (instrument["price_scale"], instrument["source"]) == (6, "street")


@pytest.mark.parametrize(
    ("name", "contract"),
    [
        ("ACME-1d.csv", None),
        ("6EH4-1m.csv", None),
        ("BTC-PERP-1d.csv", {"initial_margin_rate": "0.1", "maintenance_margin_rate": "0.05"}),
        (
            "EURUSD-1d.csv",
            {
                "base": "EUR",
                "initial_margin_rate": "0.02",
                "maintenance_margin_rate": "0.02",
            },
        ),
        (
            "USDMXN-1d.csv",
            {
                "base": "USD",
                "initial_margin_rate": "0.05",
                "maintenance_margin_rate": "0.05",
            },
        ),
    ],
)
def test_perpetuals_and_pairs_are_replayed_as_contracts(file_of, name, contract):
    market = ReplayMarket(file_of(name, DAILY))
    assert json.loads(market.listing()[2])["contract"] == contract
    assert market.world.endswith("-m") == (contract is not None)
    assert len(market.world) <= 40
    listed_by_the_engine(market)


def listed_by_the_engine(market):
    world = World(market.world)
    outcome = world.apply([(market.now_ns(0), command) for command in market.listing()])
    assert [reply[0] for reply in outcome.replies] == ["created"] * 3


def test_another_file_is_another_world(file_of):
    first = ReplayMarket(file_of("ACME-1d.csv", DAILY)).world
    assert ReplayMarket(file_of("ACME-1d.csv", DAILY)).world == first
    assert ReplayMarket(file_of("ACME-1d.csv", DAILY.replace("1500", "1501"))).world != first


def test_a_broken_file_is_refused_before_anything_starts(file_of):
    with pytest.raises(BrokenFile, match=r"line 2: high 9\.00 is below low 9\.50"):
        ReplayMarket(file_of("ACME-1d.csv", DAILY.replace("10.50,9.50", "9.00,9.50")))


def test_a_file_older_than_the_clocks_of_computers_is_refused(file_of):
    with pytest.raises(BrokenFile, match="cannot run before 1970"):
        ReplayMarket(file_of("ACME-1d.csv", DAILY.replace("2024-", "1962-")))


ALL_FILES = [
    ("GOOG-1d.csv", 2_148),
    ("EURUSD-1h.csv", 5_000),
    ("BTCUSD-1mo.csv", 156),
    ("6EH4-1m-202401.csv.gz", 29_996),
    ("BTC-PERP-1m-202201.csv.gz", 45_031),
    ("EURUSD-quotes-tick.csv", 9_500),
    ("BTCUSDT-trades.parquet", 2 * 2_001),
    ("BTCUSDT-quotes.parquet", 451),
]


@pytest.mark.parametrize(("name", "inputs"), ALL_FILES)
def test_every_real_file_plays_to_its_end_in_order(market_data, name, inputs):
    market = ReplayMarket(market_data(name), speed=1e9)
    now = market.now_ns(86_400 * SECOND_NS)
    times = []
    while market.next_due_ns is not None:
        times += [time_ns for time_ns, _ in market.act(None, now)]
    assert len(times) == inputs
    assert times == sorted(times)
    assert now == times[-1]

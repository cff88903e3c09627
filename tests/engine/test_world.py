"""A world through the facade: what comes out of `apply`, and that `evolve` rebuilds it."""

import json
from typing import Any

import pytest

from engine.worlds import (
    ALICE,
    BOB,
    SECOND_NS,
    START_NS,
    Driver,
    command,
    listing,
    order,
    quote,
    upsert,
)
from papertape.engine import EnginePanic, TapeError, World

COLUMNS = {
    "accounts": 13,
    "positions": 8,
    "orders": 19,
    "fills": 16,
    "ledger": 9,
    "equity": 5,
    "alerts": 12,
    "checks": 11,
}


def busy(driver: Driver) -> Driver:
    """A world in which much has happened: fills, rests, cancels, a replace, a rejection."""
    driver.send(order("a1"), order("a2", type="limit", limit_price="9.50"))
    driver.send(order("b1", account_id=BOB, type="limit", limit_price="10.00", qty="40"))
    driver.send(order("a3", side="sell", qty="5", type="limit", limit_price="10.00"))
    driver.send(order("b2", account_id=BOB, qty="1000000"))
    driver.send(quote("10.49", "10.51"), command("time"))
    driver.send(order("a4", side="sell", qty="2", time_in_force="ioc"))
    driver.send(order("b3", account_id=BOB, type="stop", stop_price="11.00", qty="3"))
    driver.send(quote("10.99", "11.01"), command("time"), command("checkpoint"))
    driver.send(command("cancel_all", account_id=ALICE))
    return driver


def test_a_command_is_answered_and_leaves_a_turn_rows_and_messages(driver: Driver) -> None:
    outcome = driver.send(order("first"))
    (reply,) = outcome.replies
    assert reply is not None
    assert reply[0] == "created"
    body = json.loads(reply[1])
    assert (body["status"], body["filled_qty"], body["filled_avg_price"]) == (
        "filled",
        "10",
        "10.01",
    )
    ((seq, time_ns, market_seq, turn),) = outcome.turns
    assert (seq, time_ns, market_seq) == (driver.world.seq, driver.now_ns, 1)
    assert turn.startswith('{"v":1,"kind":"submit","events":[')
    assert {channel for _, _, channel, _, _ in outcome.messages} >= {"orders", "fills"}
    for name, width in COLUMNS.items():
        assert all(len(row) == width for row in getattr(outcome.rows, name)), name
    assert len(outcome.rows.fills) == 1
    assert not outcome.more_due


def test_market_inputs_have_no_reply_and_raise_market_seq(driver: Driver) -> None:
    before = driver.world.market_seq, driver.world.seq
    outcome = driver.send(quote("9.98", "10.02"), quote("9.97", "10.03"))
    assert outcome.replies == [None, None]
    assert outcome.turns == []
    assert (driver.world.market_seq, driver.world.seq) == (before[0] + 2, before[1])


def test_time_is_the_time_of_the_last_input(driver: Driver) -> None:
    driver.send(command("time"))
    assert driver.world.time_ns == driver.now_ns
    driver.world.apply([(START_NS, quote())])
    assert driver.world.time_ns == driver.now_ns, "it never goes back"


def test_evolving_the_tape_gives_the_same_state_and_the_same_rows(driver: Driver) -> None:
    busy(driver)
    for group in (1, 7, len(driver.turns)):
        twin, tables = World("main"), dict[str, dict[Any, tuple[Any, ...]]]()
        for start in range(0, len(driver.turns), group):
            upsert(tables, twin.evolve(driver.turns[start : start + group]))
        assert twin.state_hash() == driver.world.state_hash(), group
        assert tables == driver.rows, group
        assert (twin.seq, twin.world) == (driver.world.seq, "main")


def test_a_snapshot_is_the_durable_state(driver: Driver) -> None:
    busy(driver)
    data = driver.world.snapshot()
    twin = World.restore(data)
    assert twin.snapshot() == data
    assert twin.state_hash() == driver.world.state_hash()
    assert (twin.seq, twin.world) == (driver.world.seq, "main")


def test_the_same_inputs_give_the_same_bytes() -> None:
    def run() -> list[tuple[int, int, int, str]]:
        driver = Driver(World("main"))
        driver.send(*listing())
        driver.send(quote())
        return busy(driver).turns

    assert run() == run()


BAD_COMMANDS = [
    (b"", "malformed"),
    (b"{", "malformed"),
    (b"null", "malformed"),
    (b"[]", "malformed"),
    (b"\xff\xfe", "malformed"),
    (b'{"kind":"fly"}', "malformed"),
    (order("x", qty="NaN"), "malformed"),
    (order("x", qty="-1"), "malformed"),
    (order("x", qty="0"), "malformed"),
    (order("x", qty="1e400"), "malformed"),
    (order("x", qty="9" * 400), "malformed"),
    (order("x", qty=None), "malformed"),
    (order("x", qty=float("nan")), "malformed"),
    (order("x", symbol="NOPE"), "malformed"),
    (order("x", side="hold"), "malformed"),
    (order("x", type="limit"), "malformed"),
    (order("x", limit_price="-5", type="limit"), "malformed"),
    (order("x", qty="1.5"), "rejected"),
    (order("x", qty="1000000"), "rejected"),
    (order("x", account_id="nobody"), "malformed not_found"),
    (order("x", account_id=ALICE.replace("a11c", "ffff")), "not_found"),
    (command("cancel", account_id=ALICE, order_id=BOB), "not_found"),
    (command("value", account_id=ALICE.replace("a11c", "ffff")), "not_found"),
    (command("book", symbol="NOPE", depth=10), "malformed not_found"),
]


@pytest.mark.parametrize(("bad", "expected"), BAD_COMMANDS)
def test_a_bad_command_is_a_reply_with_a_reason(driver: Driver, bad: bytes, expected: str) -> None:
    outcome, body = driver.reply(bad)
    assert outcome in expected.split()
    assert body["reason"]
    assert body["detail"]
    assert driver.reply(order("after"))[0] == "created"


@pytest.mark.parametrize(
    "bad",
    [
        quote("NaN", "10"),
        quote("-1", "10"),
        quote("10", "9"),
        command("quote", symbol="NOPE", bid="1", ask="2", bid_size="1", ask_size="1"),
        command("bar", symbol="ACME", open="1", high="0", low="2", close="1", volume="1"),
        command("trade", symbol="ACME", price="0", qty="1"),
    ],
)
def test_a_bad_market_input_does_no_harm(driver: Driver, bad: bytes) -> None:
    driver.send(bad)
    outcome, body = driver.reply(order("after"))
    assert (outcome, body["status"]) == ("created", "filled")


@pytest.mark.parametrize(
    "bad", [[1], [(1,)], [("1", b"{}")], [(1, "{}")], [(1, b"{}", 2)], 7, None, [(2**70, b"{}")]]
)
def test_wrong_types_raise_before_anything_happens(driver: Driver, bad: Any) -> None:
    before = driver.world.state_hash()
    with pytest.raises((TypeError, ValueError, OverflowError)):
        driver.world.apply(bad)
    assert driver.world.state_hash() == before


def test_questions_leave_no_trace(driver: Driver) -> None:
    driver.send(order("held"))
    before = driver.world.state_hash()
    questions = [
        command("value", account_id=ALICE),
        command("book", symbol="ACME", depth=5),
        json.dumps({**json.loads(order("p")), "kind": "preview"}).encode(),
    ]
    outcome = driver.send(*questions)
    assert [reply[0] for reply in outcome.replies if reply] == ["ok", "ok", "ok"]
    assert (outcome.turns, outcome.messages) == ([], [])
    assert driver.world.state_hash() == before
    value = json.loads(outcome.replies[0][1])  # type: ignore[index]
    assert value["positions"][0]["symbol"] == "ACME"


def test_only_exchanges_that_were_told_a_session_have_sessions(driver: Driver) -> None:
    assert driver.world.sessions() == {}
    for state in ("closed", "pre_market", "open"):
        driver.send(command("session", exchange="XTST", state=state, next_ns=driver.now_ns * 2))
        ((exchange, (told, next_ns)),) = driver.world.sessions().items()
        assert (exchange, told, next_ns > driver.now_ns) == ("XTST", state, True)
    again = World("main")
    again.evolve(driver.turns)
    assert again.sessions() == driver.world.sessions()


def test_quotes_are_told_once_when_they_change(driver: Driver) -> None:
    assert [symbol for symbol, _ in driver.world.quotes()] == ["ACME"]
    assert driver.world.quotes() == []
    driver.send(quote("9.90", "10.10"))
    ((symbol, data),) = driver.world.quotes()
    shown = json.loads(data)
    assert (symbol, shown["bid"], shown["ask"]) == ("ACME", "9.90", "10.10")
    assert driver.world.quotes() == []
    assert len(driver.world.quotes(changed_only=False)) == 1


def test_the_book_and_the_listing_can_be_read(driver: Driver) -> None:
    book = json.loads(driver.world.book("ACME", 5))
    assert (book["bids"][0][:2], book["asks"][0][:2]) == (["9.99", "100"], ["10.01", "100"])
    with pytest.raises(ValueError, match="NOPE"):
        driver.world.book("NOPE")
    (instrument,) = driver.world.instruments()
    assert (instrument["symbol"], instrument["tick_size"]) == ("ACME", "0.01")
    assert [exchange["exchange"] for exchange in driver.world.exchanges()] == ["XTST"]


def test_a_broken_tape_is_refused_at_its_turn(driver: Driver) -> None:
    busy(driver)
    gap = driver.turns[:2] + driver.turns[3:]
    garbage = [*driver.turns[:2], (*driver.turns[2][:3], '{"v":1,"kind":"submit"'), driver.turns[3]]
    for broken in (gap, garbage, [driver.turns[4]]):
        with pytest.raises(TapeError) as caught:
            World("main").evolve(broken)
        assert caught.value.why
    with pytest.raises(TapeError) as caught:
        World("main").evolve(garbage)
    assert caught.value.seq == driver.turns[2][0]


def test_a_broken_snapshot_is_refused(driver: Driver) -> None:
    data = driver.world.snapshot()
    for broken in (b"", b"{}", data[: len(data) // 2], data + b"x"):
        with pytest.raises(ValueError, match="snapshot"):
            World.restore(broken)


def test_a_panic_names_the_input_and_poisons_the_world(driver: Driver) -> None:
    driver.world._panic_on("poison")
    harmless, guilty = order("harmless"), order("poison")
    with pytest.raises(EnginePanic) as caught:
        driver.world.apply(
            [(driver.now_ns, harmless), (driver.now_ns, guilty), (driver.now_ns, harmless)]
        )
    assert caught.value.index == 1
    for call in (
        lambda: driver.send(quote()),
        lambda: driver.world.evolve([]),
        driver.world.snapshot,
        driver.world.state_hash,
        driver.world.quotes,
        lambda: driver.world.book("ACME"),
    ):
        with pytest.raises(EnginePanic, match="poisoned"):
            call()


def test_after_a_panic_the_tape_rebuilds_the_world_without_the_guilty_input(
    driver: Driver,
) -> None:
    driver.world._panic_on("poison")
    with pytest.raises(EnginePanic):
        driver.world.apply([(driver.now_ns, order("ok")), (driver.now_ns, order("poison"))])
    twin = World("main")
    twin.evolve(driver.turns)
    driver.world = twin
    driver.send(quote())
    assert driver.reply(order("ok"))[0] == "created"


def test_many_inputs_in_one_call_equal_many_calls() -> None:
    commands = [quote("9.99", "10.01", "1000000")]
    commands += [order(f"o{i}", qty="1", type="limit", limit_price="9.00") for i in range(50)]
    worlds = [Driver(World("main")) for _ in range(2)]
    for one in worlds:
        one.send(*listing())
    together = worlds[0].world.apply([(START_NS + 5 * SECOND_NS, one) for one in commands])
    apart = [worlds[1].world.apply([(START_NS + 5 * SECOND_NS, one)]) for one in commands]
    assert together.turns == [turn for outcome in apart for turn in outcome.turns]
    assert together.replies == [reply for outcome in apart for reply in outcome.replies]
    assert worlds[0].world.state_hash() == worlds[1].world.state_hash()

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from floor.small_exchange import (
    ALICE,
    BOB,
    CollectingLink,
    HandClock,
    SmallExchange,
    Street,
    buy,
    command,
    open_account,
    quote,
    value,
)
from papertape.domain.errors import FencedError
from papertape.engine import EnginePanic, World
from papertape.floor.queue import Limits
from papertape.storage.reads import Reads
from papertape.storage.sqlite.storage import SqliteStorage


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[SmallExchange]:
    opened = SmallExchange(tmp_path)
    opened.ask(open_account())
    yield opened
    opened.close()


# --- answers and commits ----------------------------------------------------------------------


def test_no_reply_leaves_before_its_turn_is_committed(tmp_path: Path) -> None:
    seen: list[int] = []
    link = CollectingLink(before_answer=lambda: seen.append(reads.head_seq()))
    exchange = SmallExchange(tmp_path, link=link)
    with Reads(tmp_path / "exchange.db", "main") as reads:
        exchange.ask(open_account())
        for number in range(5):
            ((outcome, order),) = exchange.ask(buy(f"order-{number}"))
            assert outcome == "created"
            assert seen[-1] >= order["as_of_seq"] > 0
            assert reads.order(order["id"]) is not None
    exchange.close()


def test_what_waits_is_one_batch_and_one_transaction(exchange: SmallExchange) -> None:
    before = exchange.status()["commits"]
    replies = exchange.ask(*[buy(f"order-{number}", qty="1") for number in range(200)])
    assert {outcome for outcome, _ in replies} == {"created"}
    assert exchange.status()["commits"] == before + 1


def test_at_most_five_hundred_are_taken_at_once(exchange: SmallExchange) -> None:
    tickets = exchange.offer(*[value()] * 700)
    exchange.step()
    assert sum(ticket in exchange.link.replies for ticket in tickets) == 500
    exchange.step()
    assert all(ticket in exchange.link.replies for ticket in tickets)


def test_turns_are_numbered_without_gap_whatever_was_asked(exchange: SmallExchange) -> None:
    exchange.ask(buy("a"), b"rubbish", value(), buy("a"), buy("b", qty="-1"), buy("c"))
    seqs = exchange.seqs()
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_question_sees_what_came_before_it_in_its_batch(exchange: SmallExchange) -> None:
    _, (outcome, seen) = exchange.ask(buy("a", qty="10"), value())
    assert outcome == "ok"
    assert [(p["symbol"], p["qty"]) for p in seen["positions"]] == [("ACME", "10")]


def test_a_question_leaves_nothing_on_the_tape(exchange: SmallExchange) -> None:
    before = exchange.seqs()
    exchange.ask(value(), command("book", symbol="ACME", depth=10), command("instruments"))
    assert exchange.seqs() == before


def test_the_floor_itself_tells_its_instruments_and_its_state(exchange: SmallExchange) -> None:
    (_, listed), (_, status) = exchange.ask(command("instruments"), command("floor_status"))
    assert [item["symbol"] for item in listed["items"]] == ["ACME"]
    assert status["world"] == "main"
    assert status["seq"] == exchange.seqs()[-1]
    assert status["clock_jump"] is False


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"kind":7}', b"\xff\xfe", b'{"kind":"what"}'])
def test_what_is_no_command_is_malformed_and_changes_nothing(
    exchange: SmallExchange, data: bytes
) -> None:
    before = exchange.seqs()
    outcome, body = exchange.ask_one(data)
    assert outcome == "malformed"
    assert body["reason"]
    assert exchange.seqs() == before


# --- bounds -----------------------------------------------------------------------------------


def test_an_account_with_too_much_waiting_is_refused_and_others_are_not(tmp_path: Path) -> None:
    exchange = SmallExchange(tmp_path, limits=Limits(waiting_per_account_max=3))
    exchange.ask(open_account(), open_account(BOB))
    replies = exchange.ask(*[buy(f"order-{n}") for n in range(5)], value(BOB))
    assert [outcome for outcome, _ in replies] == ["created"] * 3 + ["too_many"] * 2 + ["ok"]
    assert exchange.ask_one(buy("order-4"))[0] == "created"
    exchange.close()


def test_a_full_queue_refuses_and_remembers_nothing(tmp_path: Path) -> None:
    exchange = SmallExchange(tmp_path, limits=Limits(waiting_max=2))
    exchange.ask(open_account())
    replies = exchange.ask(buy("a"), buy("b"), buy("c"))
    assert [outcome for outcome, _ in replies] == ["created", "created", "not_accepted"]
    assert exchange.ask_one(buy("c"))[0] == "created"
    exchange.close()


# --- commits that fail --------------------------------------------------------------------------


def test_a_failed_commit_is_not_accepted_and_forgotten(exchange: SmallExchange) -> None:
    before = exchange.ask_one(value())[1]
    exchange.storage.faults = ["fails"]
    replies = exchange.ask(buy("a"), buy("b"))
    assert [(outcome, body["reason"]) for outcome, body in replies] == [
        ("not_accepted", "not_accepted")
    ] * 2
    assert exchange.ask_one(value())[1]["account"]["cash"] == before["account"]["cash"]
    assert exchange.status()["reloads"] == 1
    assert [outcome for outcome, _ in exchange.ask(buy("a"), buy("b"))] == ["created"] * 2


def test_an_order_whose_commit_was_cut_off_is_there_once_when_it_was_written(
    exchange: SmallExchange,
) -> None:
    exchange.storage.faults = ["cut off after"]
    assert exchange.ask_one(buy("a"))[0] == "outcome_unknown"
    outcome, order = exchange.ask_one(buy("a"))
    assert (outcome, order["status"], order["filled_qty"]) == ("existing", "filled", "10")
    assert exchange.ask_one(buy("a"))[1]["id"] == order["id"]
    assert exchange.ask_one(value())[1]["positions"][0]["qty"] == "10"


def test_an_order_whose_commit_was_cut_off_is_made_by_the_repeat_when_it_was_not(
    exchange: SmallExchange,
) -> None:
    exchange.storage.faults = ["cut off before"]
    assert exchange.ask_one(buy("a"))[0] == "outcome_unknown"
    assert exchange.ask_one(buy("a"))[0] == "created"
    assert exchange.ask_one(value())[1]["positions"][0]["qty"] == "10"


def test_a_floor_that_cannot_write_refuses_and_comes_back_by_itself(
    exchange: SmallExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.storage.faults = ["fails"] * 6
    with caplog.at_level(logging.ERROR):
        outcomes = [exchange.ask_one(buy("a"))[0]]
        while exchange.storage.faults:
            exchange.say(quote())
            exchange.clock.pass_seconds(0.5)
            outcomes.append(exchange.ask_one(buy("a"))[0])
    assert set(outcomes) <= {"not_accepted", "created"}
    exchange.clock.pass_seconds(5)
    exchange.step()
    assert exchange.ask_one(buy("a"))[0] in {"created", "existing"}
    assert "cannot write" in caplog.text
    assert exchange.ask_one(value())[1]["positions"][0]["qty"] == "10"


def test_nothing_is_published_of_a_batch_that_failed(exchange: SmallExchange) -> None:
    exchange.link.batches.clear()
    exchange.storage.faults = ["fails"]
    exchange.ask(buy("a"))
    assert exchange.link.private("orders") == []


def test_a_floor_that_was_taken_over_from_answers_no_more(
    exchange: SmallExchange, tmp_path: Path
) -> None:
    other = SqliteStorage(tmp_path / "exchange.db")
    other.take_over("main", "another floor")
    (ticket,) = exchange.offer(buy("a"))
    with pytest.raises(FencedError):
        exchange.step()
    assert exchange.link.replies[ticket].outcome == "not_accepted"
    assert list(other.tail("main", exchange.seqs()[-1])) == []
    other.close()


# --- panics -------------------------------------------------------------------------------------


def panic_after_every_load(exchange: SmallExchange, client_order_id: str) -> None:
    """Make the engine panic on an order, also in the worlds that are loaded from now on."""
    load = exchange.loop._load

    def load_and_arm() -> None:
        load()
        exchange.loop._world._panic_on(client_order_id)

    exchange.loop._load = load_and_arm  # type: ignore[method-assign]
    exchange.loop._world._panic_on(client_order_id)


def test_a_command_that_breaks_the_engine_is_quarantined_and_its_neighbours_go_on(
    exchange: SmallExchange, caplog: pytest.LogCaptureFixture
) -> None:
    panic_after_every_load(exchange, "guilty")
    with caplog.at_level(logging.ERROR):
        replies = exchange.ask(buy("a", qty="1"), buy("guilty", qty="2"), buy("b", qty="3"))
    assert [outcome for outcome, _ in replies] == ["created", "internal_error", "created"]
    assert "a command is quarantined" in caplog.text
    assert exchange.status()["quarantined"] == 1
    assert exchange.ask_one(value())[1]["positions"][0]["qty"] == "4"
    seqs = exchange.seqs()
    assert seqs == list(range(1, len(seqs) + 1))


def test_the_log_names_the_requests_of_a_quarantined_command_and_of_a_slow_batch(
    exchange: SmallExchange, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    panic_after_every_load(exchange, "guilty")
    monkeypatch.setattr("papertape.floor.world_loop.SLOW_BATCH_S", 0.0)
    with caplog.at_level(logging.WARNING):
        exchange.loop.offer("one", buy("a", qty="1"), "request-a")
        exchange.loop.offer("two", buy("guilty", qty="2"), "request-guilty")
        exchange.loop.offer("three", buy("b", qty="3"))
        exchange.loop.step()
    told = {
        record.getMessage().split(" (")[0]: getattr(record, "request_id", None)
        for record in caplog.records
        if record.getMessage().startswith("a ")
    }
    [slow] = [message for message in told if message.startswith("a batch of 3 inputs took")]
    assert told == {"a command is quarantined": "request-guilty", slow: "request-a,request-guilty"}


def test_a_quarantined_command_is_refused_at_once_when_it_comes_again(
    exchange: SmallExchange,
) -> None:
    panic_after_every_load(exchange, "guilty")
    exchange.ask(buy("guilty"))
    reloads = exchange.status()["reloads"]
    assert exchange.ask_one(buy("guilty"))[0] == "internal_error"
    assert exchange.status()["reloads"] == reloads


def test_a_panic_that_does_not_come_again_costs_nobody_anything(exchange: SmallExchange) -> None:
    exchange.loop._world._panic_on("unlucky")
    replies = exchange.ask(buy("a", qty="1"), buy("unlucky", qty="2"), buy("b", qty="3"))
    assert [outcome for outcome, _ in replies] == ["created"] * 3
    assert exchange.status()["reloads"] == 1
    assert exchange.ask_one(value())[1]["positions"][0]["qty"] == "6"


class PanickingStreet(Street):
    """A market whose inputs make the engine panic, as often as it is told to."""

    def __init__(self, panics: int) -> None:
        super().__init__()
        self.panics = panics

    def act(self, world: World, now_ns: int) -> list[tuple[int, bytes]]:
        inputs = super().act(world, now_ns)
        if self.panics:
            self.panics -= 1
            raise EnginePanic("the market did it")
        return inputs


@pytest.mark.parametrize(("panics", "market"), [(1, "running"), (3, "halted"), (9, "halted")])
def test_a_market_that_panics_again_and_again_is_halted_and_orders_are_still_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, panics: int, market: str
) -> None:
    with caplog.at_level(logging.CRITICAL):
        exchange = SmallExchange(tmp_path, street=PanickingStreet(panics))
        for _ in range(10):
            exchange.step()
        assert exchange.ask_one(open_account())[0] == "created"
        assert exchange.ask_one(buy("rests", limit_price="1.00"))[0] == "created"
    status = exchange.status()
    assert status["market_falls"] == min(panics, 3)
    assert ("is halted" in caplog.text) == (market == "halted")
    assert (status["market"] == "halted") == (market == "halted")
    exchange.close()


# --- streams --------------------------------------------------------------------------------------


def test_private_messages_name_the_one_before_in_their_channel(exchange: SmallExchange) -> None:
    exchange.ask(open_account(BOB))
    for number in range(4):
        exchange.ask(buy(f"a{number}"), buy(f"b{number}", account_id=BOB))
    for account_id in (ALICE, BOB):
        for channel in ("orders", "fills", "account", "positions"):
            sent = exchange.link.private(channel, account_id)
            assert len(sent) >= 4
            assert sent[0][1] is None
            assert [prev for _, prev in sent[1:]] == [seq for seq, _ in sent[:-1]]


def test_the_first_message_after_a_restart_names_where_the_world_was(
    exchange: SmallExchange, tmp_path: Path
) -> None:
    exchange.ask(buy("a"), buy("rests", limit_price="1.00"))
    head = exchange.storage.head("main")
    assert head is not None
    exchange.close()
    again = SmallExchange(tmp_path, clock=exchange.clock)
    again.ask(buy("b"))
    again.ask(buy("c"))
    for channel in ("orders", "fills", "account"):
        told = again.link.private(channel)
        assert told[0][1] == head.seq
        assert [prev for _, prev in told[1:]] == [seq for seq, _ in told[:-1]]
    again.close()


def test_quotes_and_books_are_told_twenty_times_a_second_and_only_when_changed(
    exchange: SmallExchange,
) -> None:
    exchange.step(1.0)
    exchange.link.batches.clear()
    for cents in range(100):
        exchange.say(quote(ask=f"10.{cents + 10}"))
    told = [m for batch in exchange.link.batches for m in batch.market]
    quotes = [message for message in told if message.channel == "quotes:ACME"]
    assert 18 <= len(quotes) <= 20
    assert len([message for message in told if message.channel == "book:ACME"]) == len(quotes)
    exchange.step(0.1)
    exchange.link.batches.clear()
    for _ in range(100):
        exchange.step()
    assert [m.channel for batch in exchange.link.batches for m in batch.market] == []


def test_prints_and_bars_are_told(exchange: SmallExchange) -> None:
    exchange.link.batches.clear()
    exchange.say(command("trade", symbol="ACME", price="10.00", qty="5", side="buy"))
    exchange.step(60)
    told = {m.channel: m for batch in exchange.link.batches for m in batch.market}
    assert b'"price":"10.00"' in told["trades:ACME"].data
    assert b'"volume":"5"' in told["bars:ACME:1m"].data


# --- time and restart --------------------------------------------------------------------


def test_a_restarted_world_is_where_it_was(exchange: SmallExchange, tmp_path: Path) -> None:
    exchange.ask(buy("a", qty="7"), buy("rests", limit_price="1.00", qty="3"))
    before = exchange.ask_one(value())[1]
    head = exchange.seqs()[-1]
    exchange.close()
    again = SmallExchange(tmp_path, clock=exchange.clock)
    after = again.ask_one(value())[1]
    assert after["positions"][0]["qty"] == before["positions"][0]["qty"] == "7"
    assert after["account"]["cash"] == before["account"]["cash"]
    assert after["account"]["buying_power"] == before["account"]["buying_power"]
    assert again.status()["epoch"] == 2
    assert again.seqs()[:head] == list(range(1, head + 1))
    assert again.ask_one(buy("rests", limit_price="1.00", qty="3"))[0] == "existing"
    again.close()


def test_listing_again_at_a_start_leaves_no_turns(exchange: SmallExchange, tmp_path: Path) -> None:
    before = exchange.seqs()
    exchange.close()
    again = SmallExchange(tmp_path, clock=exchange.clock)
    assert again.seqs() == before
    again.close()


def test_a_source_resumes_from_the_state_it_left(exchange: SmallExchange, tmp_path: Path) -> None:
    exchange.step(10)
    exchange.close()
    again = SmallExchange(tmp_path, clock=exchange.clock)
    market_seq, time_ns, state = again.street.resumed[0]
    assert market_seq > 0
    assert time_ns >= exchange.clock.wall_ns - 10_000_000
    assert state == b"street"
    again.close()


def test_time_on_the_tape_never_goes_back_even_when_the_wall_clock_did(
    exchange: SmallExchange, tmp_path: Path
) -> None:
    exchange.ask(buy("a"))
    exchange.close()
    earlier = HandClock()
    earlier.wall_ns -= 86_400 * 1_000_000_000
    again = SmallExchange(tmp_path, clock=earlier)
    again.ask(buy("b"))
    times = [row.time_ns for row in again.storage.tail("main", 0)]
    assert times == sorted(times)
    again.close()


def test_a_jump_of_the_wall_clock_expires_no_order(
    exchange: SmallExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.ask(buy("day", limit_price="1.00", time_in_force="day"))
    exchange.clock.wall_ns += 2 * 86_400 * 1_000_000_000
    with caplog.at_level(logging.CRITICAL):
        for _ in range(10):
            exchange.step(1.0)
    assert exchange.status()["clock_jump"] is True
    assert "clock_jump" in caplog.text
    outcome, order = exchange.ask_one(buy("day", limit_price="1.00", time_in_force="day"))
    assert (outcome, order["status"]) == ("existing", "new")
    exchange.clock.wall_ns -= 2 * 86_400 * 1_000_000_000
    exchange.step()
    assert exchange.status()["clock_jump"] is False


def test_a_day_that_really_passes_expires_the_order(exchange: SmallExchange) -> None:
    exchange.ask(buy("day", limit_price="1.00", time_in_force="day"))
    for _ in range(3):
        exchange.step(86_400)
    _, order = exchange.ask_one(buy("day", limit_price="1.00", time_in_force="day"))
    assert order["status"] == "expired"


def test_a_world_that_ends_leaves_a_checkpoint_and_answers_what_waits(
    exchange: SmallExchange,
) -> None:
    tickets = exchange.offer(*[buy(f"order-{n}", qty="1") for n in range(600)])
    exchange.loop.end()
    assert all(exchange.link.replies[ticket].outcome == "created" for ticket in tickets)
    last = list(exchange.storage.tail("main", 0))[-1]
    assert '"kind":"checkpoint"' in last.body


def quotes_told_in_a_second(exchange: SmallExchange) -> int:
    """How often a quote that changes a hundred times a second is told."""
    link = exchange.link
    before = len(link.batches)
    for number in range(100):
        exchange.say(quote(bid="9.99", ask=f"10.{10 + number % 50}"))
    told = [one for batch in link.batches[before:] for one in batch.market]
    return len([one for one in told if one.channel == "quotes:ACME"])


def test_a_market_that_has_nothing_due_lets_its_world_sleep(exchange: SmallExchange) -> None:
    exchange.street.say(quote(bid="9.98"))
    assert exchange.loop.idle_s() == 0.0
    exchange.step()
    assert exchange.loop.idle_s() > 0.0


def test_telling_that_takes_long_is_done_less_often(
    exchange: SmallExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = exchange.loop._news.conflated

    def slowly(*told: object, **more: object) -> object:
        exchange.clock.pass_seconds(0.01)
        return tell(*told, **more)

    monkeypatch.setattr(exchange.loop._news, "conflated", slowly)
    assert 3 <= quotes_told_in_a_second(exchange) <= 6

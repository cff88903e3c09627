import json

import pytest

from floor.small_exchange import ALICE, BOB, buy, command, value
from papertape.floor.queue import Limits, WaitingQueue


def commands_of(queue: WaitingQueue) -> list[bytes]:
    return [waiting.command for waiting in queue.take()]


def test_commands_leave_in_the_order_they_came() -> None:
    queue = WaitingQueue(Limits(batch_max=3))
    sent = [value(str(number)) for number in range(5)]
    assert [queue.offer(None, data) for data in sent] == [None] * 5
    assert commands_of(queue) == sent[:3]
    assert len(queue) == 2
    assert commands_of(queue) == sent[3:]
    assert commands_of(queue) == []


def test_what_the_floor_must_know_is_read_from_the_command() -> None:
    queue = WaitingQueue(Limits())
    queue.offer("ticket", buy("request-1"))
    (waiting,) = queue.take()
    assert (waiting.ticket, waiting.kind) == ("ticket", "submit")
    assert (waiting.account_id, waiting.client_order_id) == (ALICE, "request-1")
    assert waiting.for_engine


@pytest.mark.parametrize("kind", ["floor_status", "instruments", "exchanges"])
def test_questions_to_the_floor_itself_are_not_for_the_engine(kind: str) -> None:
    queue = WaitingQueue(Limits())
    queue.offer(None, command(kind))
    assert not queue.take()[0].for_engine


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"[1,2]", b'{"kind":1}', b'{"account_id":null}', b"\xff"]
)
def test_what_cannot_be_read_is_left_to_the_engine(data: bytes) -> None:
    queue = WaitingQueue(Limits())
    assert queue.offer(None, data) is None
    (waiting,) = queue.take()
    assert waiting.for_engine
    assert waiting.command == data


def test_an_accounts_share_is_free_again_once_its_commands_were_taken() -> None:
    queue = WaitingQueue(Limits(waiting_per_account_max=2, batch_max=1))
    assert [queue.offer(None, value()) is None for _ in range(3)] == [True, True, False]
    assert queue.offer(None, value(BOB)) is None
    queue.take()
    assert queue.offer(None, value()) is None
    assert queue.offer(None, value()) is not None


def test_refusals_say_what_to_do() -> None:
    queue = WaitingQueue(Limits(waiting_max=1))
    queue.offer(None, value())
    refused = queue.offer(None, value())
    assert refused is not None
    assert refused.outcome == "not_accepted"
    body = json.loads(refused.body)
    assert body["reason"] == "not_accepted"
    assert "try again" in body["detail"]

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from floor.small_exchange import ALICE, BOB, SmallExchange, buy, open_account
from papertape.floor.ports import Reply
from papertape.floor.queue import Limits, WaitingQueue
from papertape.floor.repeats import ForgottenRequests

ORDERS = 5


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[SmallExchange]:
    opened = SmallExchange(tmp_path)
    opened.ask(open_account(), *[buy(f"order-{number}") for number in range(ORDERS)])
    yield opened
    opened.close()


def answered(forgotten: ForgottenRequests, data: bytes) -> Reply | None:
    waiting = WaitingQueue(Limits())
    waiting.offer("ticket", data)
    (taken,) = waiting.take()
    return forgotten.answer(taken)


def test_an_account_with_few_orders_is_left_to_the_engine(exchange: SmallExchange) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS + 1)
    assert answered(forgotten, buy("order-1")) is None


def test_a_repeat_the_engine_may_have_forgotten_is_answered_from_the_tables(
    exchange: SmallExchange,
) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS)
    reply = answered(forgotten, buy("order-1"))
    assert reply is not None
    assert reply.outcome == "existing"
    assert json.loads(reply.body) == exchange.ask_one(buy("order-1"))[1]


@pytest.mark.parametrize(
    "other",
    [
        buy("order-1", qty="11"),
        buy("order-1", limit_price="10.02"),
        buy("order-1", limit_price=None),
        buy("order-1", side="sell"),
        buy("order-1", time_in_force="day"),
    ],
)
def test_another_order_with_a_forgotten_id_is_refused(
    exchange: SmallExchange, other: bytes
) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS)
    reply = answered(forgotten, other)
    assert reply is not None
    assert reply.outcome == "id_reused"
    assert json.loads(reply.body)["reason"] == "id_reused"


@pytest.mark.parametrize("text", ["10.010", "10.01", "010.01"])
def test_the_same_number_written_otherwise_is_the_same_order(
    exchange: SmallExchange, text: str
) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS)
    reply = answered(forgotten, buy("order-1", limit_price=text))
    assert reply is not None
    assert reply.outcome == "existing"


def listed(*orders: bytes) -> bytes:
    return json.dumps(
        {"kind": "submit_all", "orders": [json.loads(one) for one in orders]}
    ).encode()


def test_a_list_that_came_before_is_answered_and_one_with_a_used_id_is_refused(
    exchange: SmallExchange,
) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS)
    again = answered(forgotten, listed(buy("order-1"), buy("order-2")))
    assert again is not None
    assert again.outcome == "existing"
    items = json.loads(again.body)["items"]
    assert [item["order"]["client_order_id"] for item in items] == ["order-1", "order-2"]
    assert [item["outcome"] for item in items] == ["existing"] * 2
    for mixed, place in (
        ([buy("new"), buy("order-1")], 1),
        ([buy("order-1"), buy("order-2", qty="11")], 1),
    ):
        reply = answered(forgotten, listed(*mixed))
        assert reply is not None
        told = json.loads(reply.body)
        assert (reply.outcome, told["reason"], told["item"]) == ("id_reused", "id_reused", place)
    assert answered(forgotten, listed(buy("new"), buy("newer"))) is None
    for broken in (b'{"kind":"submit_all"}', b'{"kind":"submit_all","orders":[1,{}]}'):
        assert answered(forgotten, broken) is None


def test_a_new_id_and_another_account_are_left_to_the_engine(exchange: SmallExchange) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS)
    assert answered(forgotten, buy("new")) is None
    assert answered(forgotten, buy("order-1", account_id=BOB)) is None
    assert answered(forgotten, b'{"kind":"value","account_id":"' + ALICE.encode() + b'"}') is None


def test_an_account_is_looked_up_once_it_has_had_enough_orders(exchange: SmallExchange) -> None:
    forgotten = ForgottenRequests("main", exchange.storage, remembered=ORDERS + 2)
    assert answered(forgotten, buy("order-1")) is None
    assert answered(forgotten, buy("order-1")) is None
    assert answered(forgotten, buy("order-1")) is not None

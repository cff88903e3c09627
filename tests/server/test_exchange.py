"""What the floor answers, as HTTP."""

import json
from collections.abc import AsyncIterator

import pytest

from papertape.floor.ports import Reply, StreamBatch
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange
from papertape.server.measures import Measures
from papertape.server.problems import Problem
from papertape.server.replies import passed_on
from papertape.server.symbols import Symbols


class ToldFloor:
    """A floor that answers what it is told, and keeps what it was asked."""

    def __init__(self, outcome: str, body: bytes = b"{}") -> None:
        self.reply = Reply(outcome, body)
        self.asked: list[tuple[str, dict]] = []

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        self.asked.append((world, json.loads(command)))
        return self.reply

    async def streams(self) -> AsyncIterator[StreamBatch]:
        yield StreamBatch()


def exchange_on(floor: ToldFloor) -> Exchange:
    return Exchange(floor, "main", Measures())


TABLE = [
    ("created", 201),
    ("existing", 200),
    ("ok", 200),
    ("rejected", 422),
    ("malformed", 422),
    ("not_found", 404),
    ("id_reused", 409),
    ("not_cancelable", 409),
    ("not_replaceable", 409),
    ("not_permitted", 403),
    ("too_many", 429),
    ("internal_error", 500),
    ("never_heard_of", 500),
]


def test_every_outcome_of_the_contract_has_a_status() -> None:
    assert dict(TABLE[:-1]) == STATUS_OF_OUTCOME


@pytest.mark.parametrize(("outcome", "status"), TABLE)
async def test_an_outcome_becomes_its_status(outcome: str, status: int) -> None:
    reply = await exchange_on(ToldFloor(outcome, b'{"id":"1"}')).send("submit")
    if status < 400:
        response = passed_on(reply)
        assert (response.status_code, response.body) == (status, b'{"id":"1"}')
    else:
        with pytest.raises(Problem) as refused:
            passed_on(reply)
        assert refused.value.status == status


async def test_a_refusal_tells_all_that_the_floor_said() -> None:
    told = {
        "reason": "insufficient_buying_power",
        "detail": "buy less",
        "field": "qty",
        "value": "1050.00",
        "limit": "1000.00",
        "order_id": "1",
        "order": {"id": "1"},
    }
    floor = ToldFloor("rejected", json.dumps(told).encode())
    with pytest.raises(Problem) as refused:
        await exchange_on(floor).ask("submit")
    body = json.loads(refused.value.response().body)
    assert told.items() <= body.items()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null"])
async def test_a_refusal_without_words_is_named_by_its_outcome(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        await exchange_on(ToldFloor("too_many", body)).ask("submit")
    assert (refused.value.reason, refused.value.status) == ("too_many", 429)
    assert refused.value.response().headers["retry-after"] == "1"


async def test_fields_that_are_not_given_stay_out_of_the_command() -> None:
    floor = ToldFloor("ok")
    await exchange_on(floor).ask("book", {"symbol": "ACME", "depth": None})
    assert floor.asked == [("main", {"kind": "book", "symbol": "ACME"})]


# --- symbols -------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def listing(*symbols: str) -> Reply:
    return Reply("ok", json.dumps({"items": [{"symbol": one} for one in symbols]}).encode())


async def test_symbols_are_asked_for_when_an_unknown_one_comes_by() -> None:
    clock, floor = Clock(), ToldFloor("ok")
    floor.reply = listing("BTC/USD", "ACME")
    symbols = Symbols(exchange_on(floor), clock)
    table = [
        # (seconds later, name, symbol, times asked so far)
        (0, "ACME", "ACME", 1),
        (0, "BTCUSD", "BTC/USD", 1),
        (0, "BTC/USD", "BTC/USD", 1),
        (0, "NOPE", None, 1),
        (0.5, "NOPE", None, 1),
        (1, "NOPE", None, 2),
        (100, "ACME", "ACME", 2),
    ]
    for later, name, symbol, asked in table:
        clock.now += later
        assert await symbols.find(name) == symbol
        assert len(floor.asked) == asked, name
    floor.reply = listing("BTC/USD", "ACME", "NOPE")
    assert await symbols.require("NOPE") == "NOPE"


async def test_a_symbol_of_its_own_is_not_taken_for_a_pair_without_its_slash() -> None:
    floor = ToldFloor("ok")
    floor.reply = listing("AB/C", "ABC")
    symbols = Symbols(exchange_on(floor))
    assert await symbols.find("ABC") == "ABC"
    assert await symbols.find("AB/C") == "AB/C"
    with pytest.raises(Problem) as refused:
        await symbols.require("XYZ")
    assert refused.value.status == 404

"""A stream's conversation: what is heard, what is passed on, what is said."""

import json
from typing import Any

import pytest

from papertape.client import BadReplyError, NotAcceptedError, RefusedError
from papertape.client.conversation import Conversation

POSITION = {
    "symbol": "AAPL",
    "qty": "1",
    "avg_entry_price": "1.00",
    "market_value": None,
    "cost_basis": "1.00",
    "unrealized_pl": None,
    "current_price": None,
    "side": "long",
}


def state(seq: int, account: str = "a", kind: str = "snapshot") -> str:
    return said("positions", kind, {"items": [POSITION], "next_cursor": None}, seq, None, account)


def news(seq: int, prev: int, qty: str = "1", account: str = "a") -> str:
    return said("positions", "position", POSITION | {"qty": qty}, seq, prev, account)


def said(
    channel: str, kind: str, data: Any, seq: int | None = None, prev: int | None = None, account="a"
) -> str:
    message = {"channel": channel, "type": kind, "data": data}
    if seq is not None:
        message |= {"seq": seq, "prev": prev, "account_id": account}
    return json.dumps(message)


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(["positions", "quotes:AAPL"], None)


def heard(conversation: Conversation, *texts: str) -> list[int | None]:
    """The seqs that are passed on."""
    messages = [conversation.hear(text)[0] for text in texts]
    return [message.seq for message in messages if message is not None]


def opening(conversation: Conversation) -> list[dict[str, Any]]:
    return [json.loads(text) for text in conversation.opening()]


def test_it_begins_with_the_state():
    assert opening(Conversation(["positions", "quotes:AAPL"], None)) == [
        {"action": "subscribe", "channels": ["positions", "quotes:AAPL"]}
    ]


def test_it_can_begin_behind_a_seq_that_is_known():
    assert opening(Conversation(["positions", "quotes:AAPL"], 7)) == [
        {"action": "subscribe", "channels": ["positions"], "since": 7},
        {"action": "subscribe", "channels": ["quotes:AAPL"]},
    ]


def test_after_a_break_it_asks_for_the_last_turn_again_and_drops_what_it_knows(conversation):
    assert heard(conversation, state(5), news(8, 5), news(8, 5, "2")) == [5, 8, 8]
    assert opening(conversation)[0] == {
        "action": "subscribe",
        "channels": ["positions"],
        "since": 7,
    }
    again = [news(8, 5), news(8, 5, "2"), news(8, 5, "3"), news(9, 8)]
    assert heard(conversation, *again) == [8, 9]


def test_after_a_state_alone_it_asks_for_what_is_newer(conversation):
    heard(conversation, state(5))
    assert opening(conversation)[0]["since"] == 5


def test_of_two_accounts_the_one_that_is_behind_counts(conversation):
    heard(conversation, state(5), state(5, "b"), news(9, 5), news(7, 5, account="b"))
    assert opening(conversation)[0]["since"] == 6
    assert heard(conversation, news(9, 5), news(8, 7, account="b")) == [8]


def test_a_gap_is_asked_for_once_and_nothing_behind_it_is_passed_on(conversation):
    heard(conversation, state(5))
    message, answers = conversation.hear(news(9, 7))
    assert message is None
    assert [json.loads(text) for text in answers] == [
        {"action": "subscribe", "channels": ["positions"], "since": 5}
    ]
    assert conversation.hear(news(10, 9)) == (None, [])
    assert heard(conversation, news(7, 5), news(9, 7), news(10, 9)) == [7, 9, 10]
    assert conversation.hear(news(13, 12))[1], "the next gap is asked for again"


def test_a_state_anew_counts_more_than_what_was_known(conversation):
    heard(conversation, state(50), news(60, 50))
    assert heard(conversation, state(3, kind="resync"), news(4, 3)) == [3, 4]


def test_channels_come_and_go(conversation):
    heard(conversation, state(5))
    [text] = conversation.subscribe(["quotes:AAPL", "book:AAPL"])
    assert json.loads(text) == {"action": "subscribe", "channels": ["book:AAPL"]}
    [text] = conversation.unsubscribe(["positions", "never"])
    assert json.loads(text) == {"action": "unsubscribe", "channels": ["positions"]}
    assert heard(conversation, news(6, 5)) == []
    assert opening(conversation) == [
        {"action": "subscribe", "channels": ["quotes:AAPL", "book:AAPL"]}
    ]


def test_channels_that_are_not_known_here_come_as_they_are():
    conversation = Conversation(["risk"], None)
    message, _ = conversation.hear(said("risk", "limit", {"used": "1"}, 3, None))
    assert message is not None
    assert message.data == {"used": "1"}


def test_words_about_the_session_are_no_news(conversation):
    assert conversation.hear(said("session", "heartbeat", {})) == (None, [])


def test_what_the_server_refuses_is_raised(conversation):
    error = {"channel": "session", "type": "error", "detail": "as it says", "data": {"value": "x"}}
    with pytest.raises(RefusedError) as refused:
        conversation.hear(json.dumps(error | {"reason": "unknown_channel"}))
    assert refused.value.value == "x"
    with pytest.raises(NotAcceptedError):
        conversation.hear(json.dumps(error | {"reason": "not_accepted"}))


@pytest.mark.parametrize("text", ["", "[]", "{", b"\xff", said("positions", "position", {})])
def test_what_cannot_be_read_is_said_so(conversation, text):
    with pytest.raises(BadReplyError):
        conversation.hear(text)

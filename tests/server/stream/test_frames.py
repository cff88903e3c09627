"""Messages as WebSocket frames."""

import json

import pytest
from websockets.frames import Frame
from websockets.protocol import CLIENT, Protocol

from papertape.floor.ports import MarketMessage, PrivateMessage
from papertape.server.stream import frames


def read(frame: bytes) -> str:
    """The text that a WebSocket client reads out of a frame."""
    protocol = Protocol(CLIENT, max_size=None)
    protocol.receive_data(frame)
    (event,) = protocol.events_received()
    assert isinstance(event, Frame)
    return event.data.decode()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_of_any_length_is_read_by_a_client(length: int) -> None:
    assert read(frames.frame(b"x" * length)) == "x" * length


@pytest.mark.parametrize("prev", [None, 7])
def test_private_messages_are_numbered(prev: int | None) -> None:
    message = PrivateMessage(9, prev, "main", "account", "orders", "order", b'{"id":"1"}')
    assert json.loads(read(frames.private_frame(message))) == {
        "channel": "orders",
        "type": "order",
        "seq": 9,
        "prev": prev,
        "account_id": "account",
        "data": {"id": "1"},
    }


def test_market_messages_are_not() -> None:
    message = MarketMessage("main", "quotes:BTC/USD", "quote", b'{"bid":"1"}')
    assert json.loads(read(frames.market_frame(message))) == {
        "channel": "quotes:BTC/USD",
        "type": "quote",
        "data": {"bid": "1"},
    }


def test_errors_say_reason_and_detail() -> None:
    frame = frames.session_frame("error", {"value": "x"}, reason="malformed", detail="say more")
    assert json.loads(read(frame)) == {
        "channel": "session",
        "type": "error",
        "reason": "malformed",
        "detail": "say more",
        "data": {"value": "x"},
    }

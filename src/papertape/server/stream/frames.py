"""Stream messages as bytes, made once however many clients read them.

A frame here is a whole WebSocket frame: a server's frames are not masked, so the same bytes go to
every client.
"""

from typing import Any

import msgspec

from papertape.floor.ports import MarketMessage, PrivateMessage

_TEXT = 0x81
"""A final frame that holds text."""
_BINARY = 0x82


def frame(payload: bytes) -> bytes:
    """One WebSocket text frame."""
    return _frame(_TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    """One WebSocket binary frame."""
    return _frame(_BINARY, payload)


def _frame(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes((kind, length))
    elif length < 65_536:
        head = bytes((kind, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((kind, 127)) + length.to_bytes(8, "big")
    return head + payload


def private_frame(message: PrivateMessage) -> bytes:
    """News of an account."""
    prev = "null" if message.prev is None else message.prev
    return _private(message.channel, message.type, message.seq, f'"prev":{prev},', message)


def _private(channel: str, kind: str, seq: int, prev: str, message: PrivateMessage) -> bytes:
    head = (
        f'{{"channel":"{channel}","type":"{kind}","seq":{seq},{prev}'
        f'"account_id":"{message.account_id}","data":'
    )
    return frame(head.encode() + message.data + b"}")


def snapshot_frame(channel: str, kind: str, seq: int, account_id: str, data: bytes) -> bytes:
    """The state of a private channel as of `seq`; `kind` is snapshot or resync."""
    head = (
        f'{{"channel":"{channel}","type":"{kind}","seq":{seq},"account_id":"{account_id}","data":'
    )
    return frame(head.encode() + data + b"}")


def state_frame(channel: str, kind: str, seq: int, account_id: str | None, data: bytes) -> bytes:
    """A state as of `seq`, of an account or of the world."""
    if account_id is not None:
        return snapshot_frame(channel, kind, seq, account_id, data)
    head = f'{{"channel":"{channel}","type":"{kind}","seq":{seq},"data":'
    return frame(head.encode() + data + b"}")


def market_frame(message: MarketMessage) -> bytes:
    """News of the market."""
    return market_data_frame(message.channel, message.type, message.data)


def market_data_frame(channel: str, kind: str, data: bytes) -> bytes:
    """A market message of any kind, a snapshot too."""
    return frame(f'{{"channel":"{channel}","type":"{kind}","data":'.encode() + data + b"}")


def session_frame(kind: str, data: Any, **more: str) -> bytes:
    """A word about the session itself; errors carry `reason` and `detail` besides."""
    return frame(msgspec.json.encode({"channel": "session", "type": kind, **more, "data": data}))

"""Bars, quotes, trades and books in Alpaca's short keys, and how they become bytes.

The objects hold decimals and `Instant`s. As JSON numbers keep their digits and times are RFC 3339;
as MessagePack numbers are doubles and times are its timestamps.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from papertape.domain.time_text import parse_time
from papertape.markets.bars import Bar
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.words import exchange_code, tape_letter

Shape = dict[str, Any]

_SECOND_NS = 1_000_000_000
_TIMESTAMP = -1
"""MessagePack's own extension type."""
_NOTHING = Decimal(0)
_REGULAR = ("@",)
"""The condition of a regular sale."""


class Instant:
    """A time in nanoseconds since 1970. No data class: those msgspec would write as objects."""

    __slots__ = ("time_ns",)

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns

    @property
    def text(self) -> str:
        """RFC 3339, without needless digits."""
        seconds, rest = divmod(self.time_ns, _SECOND_NS)
        head = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{rest:09d}".rstrip("0") if rest else ""
        return f"{head}{fraction}Z"

    @property
    def timestamp(self) -> msgspec.msgpack.Ext:
        """MessagePack's timestamp of 64 or, far away, 96 bits."""
        seconds, rest = divmod(self.time_ns, _SECOND_NS)
        if 0 <= seconds < 2**34:
            data = (rest << 34 | seconds).to_bytes(8, "big")
        else:
            data = rest.to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True)
        return msgspec.msgpack.Ext(_TIMESTAMP, data)


def _as_text(value: object) -> object:
    assert isinstance(value, Instant)
    return value.text


def _as_timestamp(value: object) -> object:
    assert isinstance(value, Instant)
    return value.timestamp


as_json = msgspec.json.Encoder(decimal_format="number", enc_hook=_as_text).encode
as_msgpack = msgspec.msgpack.Encoder(decimal_format="number", enc_hook=_as_timestamp).encode


def bar_of(bar: Bar) -> Shape:
    """A bar; number of trades and their average price are null where nobody counted them."""
    return {
        "t": Instant(bar.time_ns),
        "o": Decimal(bar.open),
        "h": Decimal(bar.high),
        "l": Decimal(bar.low),
        "c": Decimal(bar.close),
        "v": Decimal(bar.volume),
        "n": bar.trades,
        "vw": bar.vwap,
    }


def quote_of(asset: Asset, quote: Mapping[str, Any]) -> Shape:
    """A native quote; a side that is empty has price and size zero."""
    shape = {
        "t": Instant(parse_time(quote["time"])),
        "bp": _number(quote["bid"]),
        "bs": _number(quote["bid_size"]),
        "ap": _number(quote["ask"]),
        "as": _number(quote["ask_size"]),
    }
    if asset.is_crypto:
        return shape
    code = exchange_code(asset.exchange)
    return shape | {"bx": code, "ax": code, "c": ["R"], "z": tape_letter(asset.exchange)}


def trade_of(asset: Asset, trade: Mapping[str, Any]) -> Shape:
    """A native print, with its id."""
    shape = {
        "t": Instant(parse_time(trade["time"])),
        "p": Decimal(trade["price"]),
        "s": Decimal(trade["qty"]),
        "i": trade["id"],
    }
    if asset.is_crypto:
        return shape | {"tks": {"buy": "B", "sell": "S"}.get(trade["side"] or "", "")}
    return shape | {
        "x": exchange_code(asset.exchange),
        "c": list(_REGULAR),
        "z": tape_letter(asset.exchange),
    }


def book_of(book: Mapping[str, Any], time_ns: int) -> Shape:
    """A native book, whole: each message replaces the one before."""
    return {
        "t": Instant(time_ns),
        "b": _levels(book["bids"]),
        "a": _levels(book["asks"]),
        "r": True,
    }


def _levels(levels: Sequence[Sequence[Any]]) -> list[Shape]:
    return [{"p": Decimal(level[0]), "s": Decimal(level[1])} for level in levels]


def _number(text: str | None) -> Decimal:
    return _NOTHING if text is None else Decimal(text)

"""The quote out of a book's answer, in one shape whether there is one yet or not."""

from typing import Any

import msgspec

from papertape.server.models.market import QuoteReply


class _Book(msgspec.Struct):
    symbol: str
    quote: dict[str, Any] | None


_BOOK = msgspec.json.Decoder(_Book)


def quote_in(book: bytes) -> dict[str, Any]:
    """The quote of a `book` reply; every field but the symbol is None before the first one."""
    read = _BOOK.decode(book)
    none_yet = dict.fromkeys(QuoteReply.model_fields) | {"symbol": read.symbol}
    return read.quote or none_yet

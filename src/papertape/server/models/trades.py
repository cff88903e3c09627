"""Trades: fills with the note of their owner."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from papertape.server.models.accounts import FillReply
from papertape.server.models.base import Body, Example

Note = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class TradeReply(FillReply):
    """One execution, with its receipt and with what its owner wrote on it."""

    example: ClassVar[Example] = {
        **FillReply.example,
        "note": "bought the dip",
        "strategy": "breakout",
        "tags": ["earnings"],
    }

    note: str | None
    strategy: str | None = None
    tags: list[str] | None = None


class TradePatch(Body):
    """A note on a trade; null takes it away."""

    example: ClassVar[Example] = {"note": "bought the dip"}

    note: Note | None = Field(examples=["bought the dip"])

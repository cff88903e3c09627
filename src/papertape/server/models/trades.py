"""Trades: fills with the note of their owner."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from papertape.server.bodies import DecimalText
from papertape.server.models.accounts import FillReply
from papertape.server.models.base import EXAMPLE_ACCOUNT, Body, Example, Side, Symbol, Uuid

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
    busted: bool | None = Field(None, description="whether it was taken back")
    corrected_by: Uuid | None = Field(None, description="the trade in its place, if there is one")


class TradeTerms(Body):
    """What a trade should have been."""

    example: ClassVar[Example] = {"qty": "9", "price": "190.40", "fee": "0.05"}

    qty: DecimalText = Field(examples=["9"])
    price: DecimalText = Field(examples=["190.40"])
    fee: DecimalText | None = Field(default=None, description="none when left out")


class TradeRequest(TradeTerms):
    """A trade that was made elsewhere, for a journal."""

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "qty": "10",
        "price": "190.48",
        "note": "bought the dip",
    }

    account_id: Uuid = Field(examples=[EXAMPLE_ACCOUNT])
    symbol: Symbol
    side: Side
    note: Note | None = None


class TradePatch(Body):
    """A note on a trade; null takes it away."""

    example: ClassVar[Example] = {"note": "bought the dip"}

    note: Note | None = Field(examples=["bought the dip"])

"""The short form of a journal of trades."""

from typing import Any, ClassVar

from pydantic import Field, RootModel, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_TIME,
    Body,
    Example,
    Reply,
    Side,
    Symbol,
    Uuid,
)

_SAID: Example = {"ticker": "AAPL", "price": "190.48", "quantity": "10", "side": "buy"}


class EntryRequest(Body):
    """A trade that was made elsewhere, in the caller's journal."""

    example: ClassVar[Example] = _SAID

    ticker: Symbol
    price: DecimalText = Field(examples=["190.48"])
    quantity: DecimalText = Field(examples=["10"])
    side: Side


class EntryPatch(Body):
    """What the trade should have been; what is left out or null stays."""

    example: ClassVar[Example] = {"price": "190.40"}

    ticker: Symbol | None = None
    price: DecimalText | None = None
    quantity: DecimalText | None = None
    side: Side | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "EntryPatch":
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        return self


class EntryReply(Reply):
    """A trade of the journal as it stands, by an id that corrections leave alone."""

    example: ClassVar[Example] = {
        "id": "0b0a7a3e-59a4-5d0b-8a0e-3f9d7c2f1a55",
        **_SAID,
        "time": EXAMPLE_TIME,
        "trade_id": "6e340b9c-ffb3-8003-8000-000000000001",
        "account_id": EXAMPLE_ACCOUNT,
    }

    id: Uuid
    ticker: str
    price: str
    quantity: str
    side: Side
    time: str = Field(description="when it was entered")
    trade_id: Uuid = Field(description="the trade of `/api/v1/trades` that it stands for now")
    account_id: Uuid = Field(description="the journal")


class EntryList(RootModel[list[EntryReply]], Reply):
    """Trades of the journal, the newest first."""

    example: ClassVar[Any] = [EntryReply.example]

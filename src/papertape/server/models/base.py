"""What all bodies and replies share: words, ids, examples."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Side = Literal["buy", "sell"]
OrderType = Literal[
    "market",
    "limit",
    "stop",
    "stop_limit",
    "trailing_stop",
    "market_if_touched",
    "limit_if_touched",
]
TimeInForce = Literal["day", "gtc", "gtd", "ioc", "fok", "opg", "cls"]
SessionState = Literal["pre_market", "open", "post_market", "closed", "auction"]
AuctionKind = Literal["open", "close", "halt"]
OrderClass = Literal["simple", "bracket", "oco", "oto", "mleg"]
Trigger = Literal["bid_ask", "last", "mid"]
SelfTrade = Literal["none", "cancel_newest", "cancel_oldest", "decrement"]
WhenClosed = Literal["wait", "refuse"]
PositionIntent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
OrderStatus = Literal[
    "pending_new",
    "new",
    "partially_filled",
    "filled",
    "canceled",
    "expired",
    "replaced",
    "rejected",
    "held",
    "done_for_day",
]
RequestId = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")
]
Uuid = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
Symbol = Annotated[
    str, StringConstraints(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9./_\-]+$")
]

EXAMPLE_USER = "0f8b4a52-7c1e-4d3a-9a55-2f6d7b1c9e04"
EXAMPLE_ACCOUNT = "5f0c4c62-4d2c-5d4a-9b7e-0b8f5a4e2f10"
EXAMPLE_ORDER = "6e340b9c-ffb3-8001-8000-000000000001"
EXAMPLE_TIME = "2026-11-20T10:46:00.000000000Z"


Example = dict[str, Any]


class Travelling(BaseModel):
    """What travels, with an example of it in the document."""

    example: ClassVar[Example]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema with the example."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)["examples"] = [cls.example]
        return schema


class Body(Travelling):
    """A request body: unknown fields are refused, so that a typing error is not silently lost."""

    model_config = ConfigDict(extra="forbid")


class Reply(Travelling):
    """A reply body."""


class ProblemReply(Reply):
    """RFC 9457 problem details. `reason` is stable; `detail` is for people."""

    example: ClassVar[Example] = {
        "type": "urn:papertape:problem:insufficient_buying_power",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "the order needs 190500.00 and 100000.00 is free; lower the quantity",
        "instance": "/api/v1/orders",
        "reason": "insufficient_buying_power",
        "value": "190500.00",
        "limit": "100000.00",
        "order_id": EXAMPLE_ORDER,
    }

    type: str
    title: str
    status: int
    detail: str
    reason: str
    instance: str | None = None
    field: str | None = None
    value: str | None = None
    limit: str | None = None
    next_open: str | None = Field(None, description="when a closed exchange opens, if known")
    order_id: str | None = None
    corrected_by: str | None = Field(None, description="the trade in place of one taken back")

"""What travels over REST: bodies that are checked, and replies that are documented.

Replies of the floor pass through as bytes; their models here describe them for the OpenAPI, and a
test compares them with what really comes.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from papertape.server.auth.names import USERNAME_LENGTH_MAX, Username
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from papertape.server.bodies import DecimalText

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce = Literal["day", "gtc", "ioc", "fok"]
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

_EXAMPLE_ACCOUNT = "5f0c4c62-4d2c-5d4a-9b7e-0b8f5a4e2f10"
_EXAMPLE_ORDER = "6e340b9c-ffb3-8001-8000-000000000001"
_EXAMPLE_TIME = "2026-11-20T10:46:00.000000000Z"


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a typing error is not silently lost."""

    model_config = ConfigDict(extra="forbid")


class Reply(BaseModel):
    """A reply body."""


# --- users ----------------------------------------------------------------------------------------


class RegisterRequest(Body):
    """A new user. A password has at least ten characters."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "alice", "password": "correct horse", "email": "a@b.example"}]
        }
    )

    username: Username
    password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    email: str | None = Field(default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")


class LoginRequest(Body):
    """Name and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "alice", "password": "correct horse"}]}
    )

    username: str = Field(max_length=USERNAME_LENGTH_MAX)
    password: str = Field(max_length=PASSWORD_LENGTH_MAX)


class LoginReply(Reply):
    """A token for the Authorization header; `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int


class UserReply(Reply):
    """A user."""

    id: Uuid
    username: str
    email: str | None
    role: Literal["user", "instructor", "admin"]
    created_at: str = Field(examples=[_EXAMPLE_TIME])


class DemoReply(Reply):
    """The login that everybody on this machine may use."""

    enabled: bool
    username: str
    password: str


# --- orders ---------------------------------------------------------------------------------------


class PreviewRequest(Body):
    """An order to be weighed, not sent."""

    account_id: Uuid = Field(examples=[_EXAMPLE_ACCOUNT])
    symbol: Symbol = Field(examples=["AAPL"])
    side: Side
    type: OrderType
    qty: DecimalText = Field(examples=["10"])
    limit_price: DecimalText | None = Field(default=None, examples=["190.50"])
    stop_price: DecimalText | None = None
    time_in_force: TimeInForce = "day"
    client_order_id: RequestId | None = None


class OrderRequest(PreviewRequest):
    """A new order. The same `client_order_id` with the same body is the same order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": _EXAMPLE_ACCOUNT,
                    "symbol": "AAPL",
                    "side": "buy",
                    "type": "limit",
                    "qty": "10",
                    "limit_price": "190.50",
                    "time_in_force": "day",
                    "client_order_id": "my-first-order",
                }
            ]
        }
    )


class ReplaceRequest(Body):
    """What changes in a working order; at least one of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit_price": "190.25"}]})

    qty: DecimalText | None = None
    limit_price: DecimalText | None = None
    stop_price: DecimalText | None = None
    time_in_force: TimeInForce | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "ReplaceRequest":
        if not self.model_fields_set or not any(self.model_dump().values()):
            raise ValueError("give at least one of qty, limit_price, stop_price, time_in_force")
        return self


class OrderReply(Reply):
    """An order as it stands at `as_of_seq` of its world."""

    id: Uuid = Field(examples=[_EXAMPLE_ORDER])
    account_id: Uuid
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: str = Field(examples=["10"])
    filled_qty: str = Field(examples=["10"])
    filled_avg_price: str | None = Field(examples=["190.50"])
    limit_price: str | None
    stop_price: str | None
    status: OrderStatus
    reason: str | None
    created_at: str = Field(examples=[_EXAMPLE_TIME])
    updated_at: str = Field(examples=[_EXAMPLE_TIME])
    as_of_seq: int


class Objection(Reply):
    """Why a previewed order would be refused, or what to think of before sending it."""

    reason: str
    detail: str
    value: str | None = None
    limit: str | None = None


class PreviewReply(Reply):
    """What an order would cost now; nothing was sent."""

    cost: str
    fees: str
    buying_power_after: str
    expected_slippage: str | None
    rejections: list[Objection]
    warnings: list[Objection]


class CanceledOrder(Reply):
    """One order of a cancel-all, with the status that its own cancel would have had."""

    id: Uuid
    status: int
    order: OrderReply


class CancelAllReply(Reply):
    """The canceled orders; `remaining` more are being canceled."""

    items: list[CanceledOrder]
    remaining: int


# --- accounts -------------------------------------------------------------------------------------


class AccountReply(Reply):
    """An account, valued at the present market."""

    id: Uuid
    name: str
    kind: str = Field(examples=["cash"])
    currency: str = Field(examples=["USD"])
    cash: str = Field(examples=["100000.00"])
    equity: str = Field(examples=["100000.00"])
    buying_power: str = Field(examples=["100000.00"])
    unrealized_pl: str = Field(examples=["0.00"])
    realized_pl: str = Field(examples=["0.00"])
    status: str = Field(examples=["active"])
    as_of_seq: int


class PositionReply(Reply):
    """What an account holds of one instrument."""

    symbol: str
    qty: str
    avg_entry_price: str
    market_value: str | None
    cost_basis: str
    unrealized_pl: str | None
    current_price: str | None
    side: str = Field(examples=["long"])


class FillReply(Reply):
    """One fill of an order."""

    id: Uuid
    order_id: Uuid
    account_id: Uuid
    symbol: str
    side: Side
    price: str
    qty: str
    notional: str
    fee: str
    liquidity: Literal["maker", "taker"]
    counterparty: Literal["house", "user"]
    realized_pl: str
    time: str = Field(examples=[_EXAMPLE_TIME])
    seq: int


class LedgerLine(Reply):
    """One line of the double-entry ledger; the lines of an entry sum to zero for each asset."""

    seq: int
    account_id: str
    asset: str = Field(examples=["USD"])
    amount: str = Field(examples=["-1905.00"])
    kind: str = Field(examples=["trade"])
    order_id: Uuid | None
    time: str = Field(examples=[_EXAMPLE_TIME])


class EquityPoint(Reply):
    """The account's equity at the end of a minute."""

    time: str = Field(examples=[_EXAMPLE_TIME])
    equity: str
    cash: str


# --- the market -----------------------------------------------------------------------------------


class InstrumentReply(Reply):
    """What can be traded."""

    symbol: str
    name: str
    asset_class: str = Field(examples=["us_equity"])
    exchange: str
    sector: str | None
    currency: str
    tick_size: str
    lot_size: str
    status: str = Field(examples=["active"])


class QuoteReply(Reply):
    """The best prices now; null where there is none yet."""

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    last: str | None
    time: str | None


class BarReply(Reply):
    """Open, high, low, close and volume of the span that starts at `time`."""

    time: str = Field(examples=[_EXAMPLE_TIME])
    open: str
    high: str
    low: str
    close: str
    volume: str


class BookReply(Reply):
    """Levels as [price, quantity, orders], the best first."""

    symbol: str
    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
    as_of_seq: int


class ProblemReply(Reply):
    """RFC 9457 problem details. `reason` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    instance: str | None = None
    field: str | None = None
    value: str | None = None
    limit: str | None = None
    order_id: str | None = None

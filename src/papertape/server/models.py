"""What travels over REST: bodies that are checked, and replies that are documented.

Replies of the floor pass through as bytes; their models here describe them for the OpenAPI, and a
test compares them with what really comes.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from papertape.server.auth.names import USERNAME_LENGTH_MAX, Username
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from papertape.server.bodies import DecimalText

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

_EXAMPLE_USER = "0f8b4a52-7c1e-4d3a-9a55-2f6d7b1c9e04"
_EXAMPLE_ACCOUNT = "5f0c4c62-4d2c-5d4a-9b7e-0b8f5a4e2f10"
_EXAMPLE_ORDER = "6e340b9c-ffb3-8001-8000-000000000001"
_EXAMPLE_TIME = "2026-11-20T10:46:00.000000000Z"


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


# --- users ----------------------------------------------------------------------------------------


class RegisterRequest(Body):
    """A new user. A password has at least ten characters."""

    example: ClassVar[Example] = {
        "username": "alice",
        "password": "correct horse",
        "email": "a@b.example",
    }

    username: Username
    password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    email: str | None = Field(default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")


class LoginRequest(Body):
    """Name and password."""

    example: ClassVar[Example] = {"username": "alice", "password": "correct horse"}

    username: str = Field(max_length=USERNAME_LENGTH_MAX)
    password: str = Field(max_length=PASSWORD_LENGTH_MAX)


class LoginReply(Reply):
    """A token for the Authorization header; `expires_in` is in seconds."""

    example: ClassVar[Example] = {
        "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2ZiJ9.c2lnbmF0dXJl",
        "token_type": "bearer",
        "expires_in": 86400,
    }

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int


class UserReply(Reply):
    """A user."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_USER,
        "username": "alice",
        "email": "a@b.example",
        "role": "user",
        "created_at": _EXAMPLE_TIME,
    }

    id: Uuid
    username: str
    email: str | None
    role: Literal["user", "instructor", "admin"]
    created_at: str = Field(examples=[_EXAMPLE_TIME])


class DemoReply(Reply):
    """The login that everybody on this machine may use."""

    example: ClassVar[Example] = {"enabled": True, "username": "demo", "password": "papertape-demo"}

    enabled: bool
    username: str
    password: str


# --- orders ---------------------------------------------------------------------------------------


class TakeProfit(Body):
    """The limit order that closes the position with a profit."""

    example: ClassVar[Example] = {"limit_price": "200.00"}

    limit_price: DecimalText = Field(examples=["200.00"])


class StopLoss(Body):
    """The stop, stop-limit or trailing order that closes the position with a loss.

    It has a `stop_price`, a `trail_price` or a `trail_percent`.
    """

    example: ClassVar[Example] = {"stop_price": "180.00"}

    stop_price: DecimalText | None = Field(default=None, examples=["180.00"])
    limit_price: DecimalText | None = None
    trail_price: DecimalText | None = None
    trail_percent: DecimalText | None = None


class Leg(Body):
    """One leg of a multi-leg order: how many of it for one strategy, a whole number."""

    example: ClassVar[Example] = {"symbol": "AAPL", "side": "buy", "ratio_qty": "1"}

    symbol: Symbol = Field(examples=["AAPL"])
    side: Side
    ratio_qty: DecimalText = Field(default="1", examples=["1"])


class OrderTerms(Body):
    """The terms that not every order has; those left out are off."""

    trail_price: DecimalText | None = Field(default=None, description="distance of the stop")
    trail_percent: DecimalText | None = Field(default=None, description="the same in percent")
    trigger: Trigger | None = Field(default=None, description="which price fires the order")
    display_qty: DecimalText | None = Field(default=None, description="shown part of an iceberg")
    hidden: bool | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    notional: DecimalText | None = Field(default=None, description="money instead of qty")
    expire_time: str | None = Field(default=None, max_length=40, examples=[_EXAMPLE_TIME])
    extended_hours: bool | None = None
    self_trade: SelfTrade | None = None
    do_not_reduce: bool | None = None
    lot_ids: list[str] | None = Field(default=None, max_length=100)
    order_class: OrderClass | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    legs: list[Leg] | None = Field(default=None, max_length=4)


class PreviewRequest(OrderTerms):
    """An order to be weighed, not sent. It has a `qty`, or a `notional` in money.

    A multi-leg order (`order_class` mleg) has `legs` instead of `symbol` and `side`; its
    `limit_price` is the net price of one strategy, negative for a credit.
    """

    example: ClassVar[Example] = {
        "account_id": _EXAMPLE_ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "qty": "10",
        "limit_price": "190.50",
        "time_in_force": "day",
    }

    account_id: Uuid = Field(examples=[_EXAMPLE_ACCOUNT])
    symbol: Symbol | None = Field(default=None, examples=["AAPL"])
    side: Side | None = None
    type: OrderType
    qty: DecimalText | None = Field(default=None, examples=["10"])
    limit_price: DecimalText | None = Field(default=None, examples=["190.50"])
    stop_price: DecimalText | None = None
    time_in_force: TimeInForce = "day"
    client_order_id: RequestId | None = None

    def fields(self) -> dict[str, Any]:
        """What was given, for the floor."""
        return self.model_dump(exclude_none=True)


class OrderRequest(PreviewRequest):
    """A new order. The same `client_order_id` with the same body is the same order."""

    example: ClassVar[Example] = {**PreviewRequest.example, "client_order_id": "my-first-order"}


class ReplaceRequest(Body):
    """What changes in a working order; at least one of them."""

    example: ClassVar[Example] = {"limit_price": "190.25"}

    qty: DecimalText | None = None
    limit_price: DecimalText | None = None
    stop_price: DecimalText | None = None
    time_in_force: TimeInForce | None = None
    trail_price: DecimalText | None = None
    trail_percent: DecimalText | None = None
    display_qty: DecimalText | None = None
    expire_time: str | None = Field(default=None, max_length=40)

    @model_validator(mode="after")
    def _changes_something(self) -> "ReplaceRequest":
        if not self.model_fields_set or not any(self.model_dump().values()):
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        return self


class OrderReply(Reply):
    """An order as it stands at `as_of_seq` of its world, without the terms it does not have."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_ORDER,
        "account_id": _EXAMPLE_ACCOUNT,
        "client_order_id": "my-first-order",
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "qty": "10",
        "filled_qty": "10",
        "filled_avg_price": "190.48",
        "limit_price": "190.50",
        "stop_price": None,
        "status": "filled",
        "reason": None,
        "created_at": _EXAMPLE_TIME,
        "updated_at": _EXAMPLE_TIME,
        "as_of_seq": 4711,
    }

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
    trail_price: str | None = None
    trail_percent: str | None = None
    trigger: Trigger | None = None
    display_qty: str | None = None
    hidden: bool | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    notional: str | None = None
    expire_time: str | None = None
    extended_hours: bool | None = None
    self_trade: SelfTrade | None = None
    do_not_reduce: bool | None = None
    lot_ids: list[str] | None = None
    order_class: OrderClass | None = None
    parent_id: Uuid | None = None
    legs: list[Any] | None = None
    recorded: bool | None = None


class Objection(Reply):
    """Why a previewed order would be refused, or what to think of before sending it."""

    example: ClassVar[Example] = {
        "reason": "insufficient_buying_power",
        "detail": "the order needs 190500.00 and 100000.00 is free; lower the quantity",
        "value": "190500.00",
        "limit": "100000.00",
    }

    reason: str
    detail: str
    value: str | None = None
    limit: str | None = None


class PreviewReply(Reply):
    """What an order would cost now; nothing was sent."""

    example: ClassVar[Example] = {
        "cost": "1904.80",
        "fees": "0.05",
        "buying_power_after": "98095.15",
        "expected_slippage": "0.01",
        "rejections": [],
        "warnings": [],
    }

    cost: str
    fees: str
    buying_power_after: str
    expected_slippage: str | None
    rejections: list[Objection]
    warnings: list[Objection]


class CanceledOrder(Reply):
    """One order of a cancel-all, with the status that its own cancel would have had."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_ORDER,
        "status": 200,
        "order": {
            **OrderReply.example,
            "filled_qty": "0",
            "filled_avg_price": None,
            "status": "canceled",
            "reason": "requested",
        },
    }

    id: Uuid
    status: int
    order: OrderReply


class CancelAllReply(Reply):
    """The canceled orders; `remaining` more are being canceled."""

    example: ClassVar[Example] = {"items": [CanceledOrder.example], "remaining": 0}

    items: list[CanceledOrder]
    remaining: int


# --- accounts -------------------------------------------------------------------------------------


class AccountReply(Reply):
    """An account, valued at the present market."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_ACCOUNT,
        "name": "Paper account",
        "kind": "cash",
        "currency": "USD",
        "cash": "98095.15",
        "equity": "99999.95",
        "buying_power": "98095.15",
        "unrealized_pl": "0.00",
        "realized_pl": "-0.05",
        "status": "active",
        "as_of_seq": 4711,
    }

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
    multiplier: str | None = None
    long_market_value: str | None = None
    short_market_value: str | None = None
    initial_margin: str | None = None
    maintenance_margin: str | None = None
    cost_method: str | None = None
    currencies: dict[str, Any] | None = None
    unsettled_cash: str | None = None
    resets: int | None = None


class PositionReply(Reply):
    """What an account holds of one instrument; below zero what it owes."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "qty": "10",
        "avg_entry_price": "190.48",
        "market_value": "1904.80",
        "cost_basis": "1904.80",
        "unrealized_pl": "0.00",
        "current_price": "190.48",
        "side": "long",
    }

    symbol: str
    qty: str
    avg_entry_price: str
    market_value: str | None
    cost_basis: str
    unrealized_pl: str | None
    current_price: str | None
    side: str = Field(examples=["long"])
    lot_count: int | None = None
    lots: list[Any] | None = None


class FillReply(Reply):
    """One fill of an order."""

    example: ClassVar[Example] = {
        "id": "6e340b9c-ffb3-8002-8000-000000000001",
        "order_id": _EXAMPLE_ORDER,
        "account_id": _EXAMPLE_ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "price": "190.48",
        "qty": "10",
        "notional": "1904.80",
        "fee": "0.05",
        "liquidity": "taker",
        "counterparty": "house",
        "realized_pl": "-0.05",
        "time": _EXAMPLE_TIME,
        "seq": 4711,
    }

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
    receipt: dict[str, Any] | None = Field(default=None, description="why it got its price")


class LedgerLine(Reply):
    """One line of the double-entry ledger; the lines of an entry sum to zero for each asset."""

    example: ClassVar[Example] = {
        "seq": 4711,
        "account_id": _EXAMPLE_ACCOUNT,
        "asset": "USD",
        "amount": "-1904.80",
        "kind": "trade",
        "order_id": _EXAMPLE_ORDER,
        "time": _EXAMPLE_TIME,
    }

    seq: int
    account_id: str
    asset: str = Field(examples=["USD"])
    amount: str = Field(examples=["-1905.00"])
    kind: str = Field(examples=["trade"])
    order_id: Uuid | None
    time: str = Field(examples=[_EXAMPLE_TIME])


class EquityPoint(Reply):
    """The account's equity at the end of a minute."""

    example: ClassVar[Example] = {"time": _EXAMPLE_TIME, "equity": "99999.95", "cash": "98095.15"}

    time: str = Field(examples=[_EXAMPLE_TIME])
    equity: str
    cash: str


# --- the market -----------------------------------------------------------------------------------


class InstrumentReply(Reply):
    """What can be traded."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "name": "Apple Inc.",
        "asset_class": "us_equity",
        "exchange": "XNAS",
        "sector": "Technology",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "status": "active",
    }

    symbol: str
    name: str
    asset_class: str = Field(examples=["us_equity"])
    exchange: str
    sector: str | None
    currency: str
    tick_size: str
    lot_size: str
    status: str = Field(
        examples=["active"], description="active, or halted while it does not trade"
    )
    industry: str | None = None
    halt_reason: str | None = Field(None, description="why it is halted")
    band: str | None = Field(None, description="limit prices lie within so many percent")
    tick_table: list[list[str]] | None = Field(
        None, description="price steps by price: from this price on, this step"
    )


class ExchangeReply(Reply):
    """Where instruments trade, and the part of the day it is in."""

    example: ClassVar[Example] = {
        "exchange": "XNAS",
        "name": "Nasdaq",
        "currency": "USD",
        "calendar": "XNAS",
        "state": "closed",
        "fees": {"maker_rate": "0", "taker_rate": "0", "per_share": "0", "minimum": "0"},
        "profile": {"name": "realistic"},
        "rules_version": 0,
        "next_change": _EXAMPLE_TIME,
        "next_open": _EXAMPLE_TIME,
    }

    exchange: str
    name: str
    currency: str
    calendar: str
    state: SessionState
    fees: dict[str, Any]
    profile: dict[str, Any]
    rules_version: int = Field(description="how often fees or profile were set anew")
    auction: AuctionKind | None = Field(None, description="what its auction is for")
    halt_reason: str | None = Field(None, description="why it is halted")
    next_change: str | None = Field(None, description="when the part of the day ends, if known")
    next_open: str | None = Field(None, description="when the regular hours begin, if known")
    mic: str | None = None
    band: str | None = Field(None, description="limit prices lie within so many percent")


class QuoteReply(Reply):
    """The best prices now; null where there is none yet."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "bid": "190.47",
        "ask": "190.48",
        "bid_size": "300",
        "ask_size": "500",
        "last": "190.48",
        "time": _EXAMPLE_TIME,
    }

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    last: str | None
    time: str | None
    auction: AuctionKind | None = Field(None, description="the auction that collects orders now")
    indicative_price: str | None = Field(None, description="the price that it would have now")
    paired_qty: str | None = Field(None, description="how much would trade at that price")
    imbalance_qty: str | None = Field(None, description="how much more the longer side wants")
    imbalance_side: Side | None = None


class BarReply(Reply):
    """Open, high, low, close and volume of the span that starts at `time`."""

    example: ClassVar[Example] = {
        "time": _EXAMPLE_TIME,
        "open": "190.40",
        "high": "190.52",
        "low": "190.38",
        "close": "190.48",
        "volume": "12400",
    }

    time: str = Field(examples=[_EXAMPLE_TIME])
    open: str
    high: str
    low: str
    close: str
    volume: str


class BookReply(Reply):
    """Levels as [price, quantity, orders], the best first."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "bids": [["190.47", "300", 2], ["190.46", "700", 4]],
        "asks": [["190.48", "500", 3], ["190.49", "200", 1]],
        "as_of_seq": 4711,
    }

    symbol: str
    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
    as_of_seq: int


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
        "order_id": _EXAMPLE_ORDER,
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


# --- for those who run the product ----------------------------------------------------------------


class AliveReply(Reply):
    """The process works."""

    example: ClassVar[Example] = {"status": "ok"}

    status: Literal["ok"]


class ReadyReply(Reply):
    """The floor answers for its world."""

    example: ClassVar[Example] = {"status": "ready", "world": "main"}

    status: Literal["ready"]
    world: str

"""Orders: what is sent, what comes back."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StrictBool, StringConstraints, field_validator, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ORDER,
    EXAMPLE_TIME,
    Body,
    Example,
    OrderClass,
    OrderStatus,
    OrderType,
    PositionIntent,
    Reply,
    RequestId,
    SelfTrade,
    Side,
    Symbol,
    TimeInForce,
    Trigger,
    Uuid,
    WhenClosed,
)


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
    position_intent: PositionIntent | None = Field(
        default=None, description="what the leg does to the position; checked"
    )


class OrderTerms(Body):
    """The terms that not every order has; those left out are off."""

    trail_price: DecimalText | None = Field(default=None, description="distance of the stop")
    trail_percent: DecimalText | None = Field(default=None, description="the same in percent")
    trigger: Trigger | None = Field(default=None, description="which price fires the order")
    display_qty: DecimalText | None = Field(default=None, description="shown part of an iceberg")
    hidden: StrictBool | None = None
    post_only: StrictBool | None = None
    reduce_only: StrictBool | None = None
    notional: DecimalText | None = Field(default=None, description="money instead of qty")
    expire_time: str | None = Field(default=None, max_length=40, examples=[EXAMPLE_TIME])
    extended_hours: StrictBool | None = None
    when_closed: WhenClosed | None = Field(
        default=None,
        description="outside the hours: wait for the opening (as when left out), or be rejected",
    )
    position_intent: PositionIntent | None = Field(
        default=None,
        description="what it does to the position; rejected when it would do otherwise",
    )
    self_trade: SelfTrade | None = None
    do_not_reduce: StrictBool | None = None
    lot_ids: list[str] | None = Field(default=None, max_length=100)
    order_class: OrderClass | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    legs: list[Leg] | None = Field(default=None, max_length=4)


Strategy = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f|]+$")
]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f|]+$")
]


class PreviewRequest(OrderTerms):
    """An order to be weighed, not sent. It has a `qty`, or a `notional` in money.

    A multi-leg order (`order_class` mleg) has `legs` instead of `symbol` and `side`; its
    `limit_price` is the net price of one strategy, negative for a credit.
    """

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "qty": "10",
        "limit_price": "190.50",
        "time_in_force": "day",
    }

    account_id: Uuid = Field(examples=[EXAMPLE_ACCOUNT])
    symbol: Symbol | None = Field(default=None, examples=["AAPL"])
    side: Side | None = None
    type: OrderType
    qty: DecimalText | None = Field(default=None, examples=["10"])
    limit_price: DecimalText | None = Field(default=None, examples=["190.50"])
    stop_price: DecimalText | None = None
    time_in_force: TimeInForce = "day"
    client_order_id: RequestId | None = None

    advanced_instructions: dict[str, Any] | None = Field(
        default=None, description="execution algorithms are not available: such orders are refused"
    )

    strategy: Strategy | None = Field(default=None, examples=["breakout"])
    tags: list[Tag] | None = Field(default=None, max_length=10, examples=[["earnings"]])

    @field_validator("tags")
    @classmethod
    def _each_once(cls, tags: list[str] | None) -> list[str] | None:
        if tags is not None and len(set(tags)) < len(tags):
            raise ValueError("give each tag once")
        return tags

    def fields(self) -> dict[str, Any]:
        """What was given, for the floor."""
        return self.model_dump(exclude_none=True, exclude=_NOT_FOR_THE_FLOOR)


_NOT_FOR_THE_FLOOR = {"strategy", "tags", "advanced_instructions"}


class OrderRequest(PreviewRequest):
    """A new order. The same `client_order_id` with the same body is the same order.

    `strategy` and `tags` are yours: they are shown on the order and found again, and no market
    hears of them.
    """

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
        "id": EXAMPLE_ORDER,
        "account_id": EXAMPLE_ACCOUNT,
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
        "created_at": EXAMPLE_TIME,
        "updated_at": EXAMPLE_TIME,
        "as_of_seq": 4711,
    }

    id: Uuid = Field(examples=[EXAMPLE_ORDER])
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
    created_at: str = Field(examples=[EXAMPLE_TIME])
    updated_at: str = Field(examples=[EXAMPLE_TIME])
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
    when_closed: WhenClosed | None = None
    position_intent: PositionIntent | None = None
    self_trade: SelfTrade | None = None
    do_not_reduce: bool | None = None
    lot_ids: list[str] | None = None
    order_class: OrderClass | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    leg_terms: list[Leg] | None = Field(None, description="the legs of a multi-leg order")
    parent_id: Uuid | None = None
    sibling_id: Uuid | None = Field(None, description="the order that ends when this one fills")
    waits_for: Literal["parent", "group"] | None = None
    water_mark: str | None = Field(None, description="best price that a trailing stop saw")
    legs: list[Uuid] | None = Field(None, description="the orders of its group")
    forced: Literal["liquidation", "risk_stop", "kill_switch"] | None = Field(
        None, description="why the exchange itself sent it to close a position"
    )
    recorded: bool | None = None
    strategy: str | None = Field(None, description="what its owner sent it for")
    tags: list[str] | None = None


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
        "id": EXAMPLE_ORDER,
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

"""The paper-trading surface: an alert that is an order, and how the whole stands."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.models.base import (
    Body,
    Example,
    OrderType,
    Reply,
    RequestId,
    Side,
    Symbol,
    TimeInForce,
    Uuid,
)
from papertape.server.models.orders import Strategy, Tag

_OTHER_NAMES = {
    "ticker": "symbol",
    "action": "side",
    "quantity": "qty",
    "order_type": "type",
    "price": "limit_price",
    "order_id": "client_order_id",
}


class AlertRequest(Body):
    """An alert that asks for an order, in either of the usual names of each field.

    Without a type it is a limit order when it has a price, else a market order. Without an account
    the caller's first one trades.
    """

    example: ClassVar[Example] = {"ticker": "AAPL", "action": "buy", "quantity": 10}

    account_id: Uuid | None = None
    symbol: Symbol | None = Field(default=None, examples=["AAPL"])
    ticker: Symbol | None = Field(default=None, description="another name of symbol")
    side: Side | None = None
    action: Side | None = Field(default=None, description="another name of side")
    qty: DecimalText | None = None
    quantity: DecimalText | None = Field(default=None, description="another name of qty")
    notional: DecimalText | None = Field(default=None, description="money instead of qty")
    type: OrderType | None = None
    order_type: OrderType | None = Field(default=None, description="another name of type")
    limit_price: DecimalText | None = None
    price: DecimalText | None = Field(default=None, description="another name of limit_price")
    stop_price: DecimalText | None = None
    trail_price: DecimalText | None = None
    trail_percent: DecimalText | None = None
    time_in_force: TimeInForce = "day"
    client_order_id: RequestId | None = None
    order_id: RequestId | None = Field(default=None, description="another name of client_order_id")
    strategy: Strategy | None = None
    tags: list[Tag] | None = Field(default=None, max_length=10)

    @model_validator(mode="after")
    def _says_everything_once(self) -> "AlertRequest":
        for other, name in _OTHER_NAMES.items():
            if None not in (getattr(self, other), getattr(self, name)):
                raise ValueError(f"{name} and {other} are one field; give one of them")
        for name, other in (("symbol", "ticker"), ("side", "action")):
            if getattr(self, name) is None and getattr(self, other) is None:
                raise ValueError(f"give a {name} (or {other})")
        return self

    def order(self, account_id: str) -> dict[str, Any]:
        """The body of the order that it asks for."""
        given = self.model_dump(exclude_none=True)
        order = {_OTHER_NAMES.get(name, name): value for name, value in given.items()}
        usual = "limit" if "limit_price" in order else "market"
        return {"type": usual} | order | {"account_id": account_id}


class StatusReply(Reply):
    """What the caller has on this surface, and whether the world takes orders."""

    example: ClassVar[Example] = {
        "status": "running",
        "world": "main",
        "accounts": 1,
        "open_orders": 2,
        "positions": 1,
        "as_of_seq": 4711,
    }

    status: Literal["running"]
    world: str
    accounts: int
    open_orders: int
    positions: int
    as_of_seq: int

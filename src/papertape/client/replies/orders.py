"""Orders, and what becomes of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from papertape.client.replies import Reply


class TakeProfit(Reply, frozen=True, kw_only=True):
    """The limit order that closes a position with a profit."""

    limit_price: Decimal


class StopLoss(Reply, frozen=True, kw_only=True):
    """The order that closes a position with a loss."""

    stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None


class Leg(Reply, frozen=True, kw_only=True):
    """One leg of a multi-leg order."""

    symbol: str
    side: str
    ratio_qty: Decimal = Decimal(1)
    position_intent: str | None = None


class Order(Reply, frozen=True, kw_only=True):
    """An order as it stands at `as_of_seq` of its world; the terms it does not have are None."""

    id: str
    account_id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: str
    reason: str | None
    created_at: datetime
    updated_at: datetime
    as_of_seq: int = 0
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    trigger: str | None = None
    display_qty: Decimal | None = None
    hidden: bool | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    notional: Decimal | None = None
    expire_time: datetime | None = None
    extended_hours: bool | None = None
    when_closed: str | None = None
    position_intent: str | None = None
    self_trade: str | None = None
    do_not_reduce: bool | None = None
    lot_ids: list[str] | None = None
    order_class: str | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    leg_terms: list[Leg] | None = None
    parent_id: str | None = None
    sibling_id: str | None = None
    waits_for: str | None = None
    water_mark: Decimal | None = None
    legs: list[str] | None = None
    forced: str | None = None
    recorded: bool | None = None
    strategy: str | None = None
    tags: list[str] | None = None

    @property
    def is_working(self) -> bool:
        """Whether it can still trade."""
        return self.status in {"pending_new", "new", "partially_filled", "held"}


class Objection(Reply, frozen=True, kw_only=True):
    """Why an order would be refused, or what to think of before it is sent."""

    reason: str
    detail: str
    value: str | None = None
    limit: str | None = None


class Preview(Reply, frozen=True, kw_only=True):
    """What an order would cost now."""

    cost: Decimal
    fees: Decimal
    buying_power_after: Decimal
    expected_slippage: Decimal | None
    rejections: list[Objection]
    warnings: list[Objection]


class CanceledOrder(Reply, frozen=True, kw_only=True):
    """One order of a cancel-all, with the status that its own cancel would have had."""

    id: str
    status: int
    order: Order


class CancelAll(Reply, frozen=True, kw_only=True):
    """The canceled orders; `remaining` more are being canceled."""

    items: list[CanceledOrder]
    remaining: int


class Problem(Reply, frozen=True, kw_only=True):
    """Why a part of a request was refused."""

    status: int
    reason: str
    detail: str
    type: str | None = None
    title: str | None = None
    instance: str | None = None
    field: str | None = None
    value: str | None = None
    limit: str | None = None
    next_open: str | None = None
    order_id: str | None = None
    corrected_by: str | None = None
    order: dict[str, Any] | None = None


class BulkItem(Reply, frozen=True, kw_only=True):
    """One of many: the status that it alone would have had, and the order or the problem."""

    status: int
    order: Order | None = None
    problem: Problem | None = None
    id: str | None = None


class Bulk(Reply, frozen=True, kw_only=True):
    """What became of each, in the order of the request."""

    items: list[BulkItem]

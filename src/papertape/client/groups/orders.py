"""Orders: send, look at, replace, cancel."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Required, TypedDict, Unpack

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Instant,
    Moment,
    Page,
    change,
    command,
    endpoint,
    for_account,
    get,
    given,
    new_request_id,
    pages,
    part,
    table,
)
from papertape.client.replies.orders import Bulk, CancelAll, Order, Preview

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


class TakeProfitTerms(TypedDict):
    """The limit order that closes the position with a profit."""

    limit_price: Amount


class StopLossTerms(TypedDict, total=False):
    """The order that closes the position with a loss: a stop price, or a trail."""

    stop_price: Amount
    limit_price: Amount
    trail_price: Amount
    trail_percent: Amount


class LegTerms(TypedDict, total=False):
    """One leg of a multi-leg order."""

    symbol: Required[str]
    side: Required[Side]
    ratio_qty: Amount
    position_intent: Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]


class Terms(TypedDict, total=False):
    """The terms of an order that are not always given.

    Without a `type` it follows from the prices: a trail makes a trailing stop, two prices a
    stop-limit, one a limit or a stop, none a market order.
    """

    account_id: str | None
    client_order_id: str
    type: OrderType
    limit_price: Amount | None
    stop_price: Amount | None
    time_in_force: TimeInForce
    trail_price: Amount | None
    trail_percent: Amount | None
    trigger: Literal["bid_ask", "last", "mid"]
    display_qty: Amount
    hidden: bool
    post_only: bool
    reduce_only: bool
    notional: Amount | None
    expire_time: Instant
    extended_hours: bool
    when_closed: Literal["wait", "refuse"]
    position_intent: Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
    self_trade: Literal["none", "cancel_newest", "cancel_oldest", "decrement"]
    do_not_reduce: bool
    lot_ids: Sequence[str]
    order_class: Literal["simple", "bracket", "oco", "oto", "mleg"]
    take_profit: TakeProfitTerms
    stop_loss: StopLossTerms
    legs: Sequence[LegTerms]
    strategy: str
    tags: Sequence[str]


class NewOrder(Terms, total=False):
    """A whole order. It has a `qty` or a `notional`; a multi-leg one has `legs`, no `symbol`."""

    symbol: str
    side: Side
    qty: Amount | None


class OrderFilters(TypedDict, total=False):
    """Which orders. `status` is open, closed, all, or statuses; `end` is the first moment after."""

    account_id: str | None
    status: str | Sequence[str]
    symbol: str | None
    side: Side | None
    type: str | Sequence[str] | None
    strategy: str | None
    tag: str | None
    start: Moment | None
    end: Moment | None
    limit: int
    cursor: str | None


class Changes(TypedDict, total=False):
    """What changes in a working order."""

    qty: Amount
    limit_price: Amount
    stop_price: Amount
    time_in_force: TimeInForce
    trail_price: Amount
    trail_percent: Amount
    display_qty: Amount
    expire_time: Instant


class Orders(Group[Face]):
    """`client.orders`. Every order has an id of the client's, so a repeat is the same order."""

    @endpoint
    def submit(self, **order: Unpack[NewOrder]) -> Call[Order]:
        """Send an order; what comes back is durable, and stands as it is after matching.

        Raises `RefusedError` for one that is rejected; its `order_id` finds it again.
        """
        return _submission(order)

    @endpoint
    def buy(self, symbol: str, qty: Amount | None = None, **terms: Unpack[Terms]) -> Call[Order]:
        """Buy a quantity, or for an amount of money (`notional`)."""
        return _submission({**terms, "symbol": symbol, "side": "buy", "qty": qty})

    @endpoint
    def sell(self, symbol: str, qty: Amount | None = None, **terms: Unpack[Terms]) -> Call[Order]:
        """Sell a quantity, or for an amount of money (`notional`)."""
        return _submission({**terms, "symbol": symbol, "side": "sell", "qty": qty})

    @endpoint
    def preview(self, **order: Unpack[NewOrder]) -> Call[Preview]:
        """What an order would cost and why it might be refused; nothing is sent."""
        call = change("POST", "/orders/preview", Preview, **_order_body(order))
        return replace(for_account(call, order.get("account_id")), is_harmless=True)

    @endpoint
    def page(self, **filters: Unpack[OrderFilters]) -> Call[Page[Order]]:
        """Orders, the newest first; where no `status` is given those that work.

        With `strategy`, `tag`, `start` or `end` all are meant.
        """
        return for_account(order_page("/orders", filters), filters.get("account_id"))

    each = pages(page)

    @endpoint
    def csv(self, **filters: Unpack[OrderFilters]) -> Call[str]:
        """Orders as CSV."""
        return for_account(table(order_page("/orders", filters)), filters.get("account_id"))

    @endpoint
    def get(self, order_id: str) -> Call[Order]:
        """One order."""
        return get(f"/orders/{part(order_id)}", Order)

    @endpoint
    def replace(
        self, order_id: str, *, request_id: str | None = None, **changes: Unpack[Changes]
    ) -> Call[Order]:
        """Change a working order, which keeps its id."""
        path = f"/orders/{part(order_id)}"
        return command("PATCH", path, Order, request_id, **changes)

    @endpoint
    def cancel(self, order_id: str, *, request_id: str | None = None) -> Call[None]:
        """Cancel a working order."""
        return command("DELETE", f"/orders/{part(order_id)}", type(None), request_id)

    @endpoint
    def cancel_all(
        self, *, account_id: str | None = None, request_id: str | None = None
    ) -> Call[CancelAll]:
        """Cancel all working orders of an account."""
        return for_account(command("DELETE", "/orders", CancelAll, request_id), account_id)

    @endpoint
    def submit_many(
        self,
        orders: Sequence[NewOrder],
        *,
        atomic: bool = False,
        account_id: str | None = None,
        request_id: str | None = None,
    ) -> Call[Bulk]:
        """Send up to 500 orders, each answered for itself.

        With `atomic` all are checked first, and none is sent when one would be refused. An order
        without an `account_id` is for the one of the call.
        """
        bodies = [{"account_id": order.get("account_id"), **_new(order)} for order in orders]
        path = "/orders/bulk"
        call = command("POST", path, Bulk, request_id, orders=bodies, atomic=atomic)
        return replace(for_account(call, account_id), account_into="orders")

    @endpoint
    def cancel_many(
        self, order_ids: Sequence[str], *, atomic: bool = False, request_id: str | None = None
    ) -> Call[Bulk]:
        """Cancel up to 500 orders; with `atomic` all in one turn, or none when one has ended."""
        path = "/orders/bulk-cancel"
        return command("POST", path, Bulk, request_id, order_ids=list(order_ids), atomic=atomic)


def order_page(path: str, filters: OrderFilters) -> Call[Page[Order]]:
    """A list of orders, filtered."""
    return get(
        path,
        Page[Order],
        status=filters.get("status"),
        symbol=filters.get("symbol"),
        side=filters.get("side"),
        type=filters.get("type"),
        strategy=filters.get("strategy"),
        tag=filters.get("tag"),
        limit=filters.get("limit"),
        cursor=filters.get("cursor"),
        **{"from": filters.get("start"), "to": filters.get("end")},
    )


def _submission(order: Any) -> Call[Order]:
    body = _new(order)
    name = body["client_order_id"]
    call: Call[Order] = Call("POST", "/orders", Order, body=body, request_id=name)
    return for_account(call, order.get("account_id"))


def _new(order: Any) -> dict[str, Any]:
    return {"client_order_id": new_request_id(), **_order_body(order)}


def _order_body(order: Any) -> dict[str, Any]:
    """An order as it travels, its type filled in."""
    fields = given(order)
    fields.pop("account_id", None)
    return {"type": _type_of(fields), **fields}


def _type_of(fields: Any) -> OrderType:
    if "trail_price" in fields or "trail_percent" in fields:
        return "trailing_stop"
    has_limit, has_stop = "limit_price" in fields, "stop_price" in fields
    if has_limit:
        return "stop_limit" if has_stop else "limit"
    return "stop" if has_stop else "market"

"""The terms of a group: bracket, oco, oto, multi-leg."""

from twin.amounts import PRICE_MAX
from twin.combos import check_form
from twin.prices import OTHER
from twin.state import Order
from twin.terms import WHOLE, wrong

NEEDS = {
    "simple": [(False, False)],
    "bracket": [(True, True)],
    "oco": [(True, True), (False, True)],
    "oto": [(True, False), (False, True)],
}
"""Whether a group has an order that takes the profit, and one that stops the loss."""


def check_group(order: Order) -> None:
    """Whether the terms of a group make sense."""
    more = order.more
    if order.is_combo:
        check_form(order)
        return
    if "legs" in more:
        raise wrong("legs")
    kind, loss = more.get("order_class", "simple"), more.get("stop_loss")
    if ("take_profit" in more, loss is not None) not in NEEDS.get(kind, []):
        raise wrong("stop_loss" if kind == "oco" else "order_class")
    if kind == "simple":
        return
    if order.time_in_force in {"ioc", "fok"}:
        raise wrong("time_in_force")
    if kind == "oco" and order.type != "limit":
        raise wrong("type")
    if loss is not None:
        check_loss(loss)
    check_sides(order)


def check_loss(loss: dict[str, int]) -> None:
    """A loss is stopped at a price, or at a distance."""
    given = [name for name in ("stop_price", "trail_price", "trail_percent") if name in loss]
    if len(given) != 1 or ("limit_price" in loss and given != ["stop_price"]):
        raise wrong("stop_loss")
    fits = all(1 <= one <= PRICE_MAX for one in loss.values())
    if not fits or loss.get("trail_percent", 0) >= WHOLE:
        raise wrong("stop_loss")


def check_sides(order: Order) -> None:
    """The profit lies on the better side of the loss."""
    more = order.more
    profit = more.get("take_profit", {}).get("limit_price")
    if more["order_class"] == "oco":
        profit = order.limit_price
    if profit is not None and not 1 <= profit <= PRICE_MAX:
        raise wrong("take_profit")
    loss = more.get("stop_loss", {}).get("stop_price")
    if profit is None or loss is None:
        return
    if not (profit > loss if exit_side(order) == "sell" else profit < loss):
        raise wrong("stop_loss")


def exit_side(order: Order) -> str:
    """The side of the legs: an oco is an exit itself, the others enter first."""
    return order.side if order.more["order_class"] == "oco" else OTHER[order.side]

"""Several orders of which all are taken or none."""

from copy import deepcopy
from typing import Any

from twin import members, orders
from twin.fields import Fields
from twin.risk_work import work
from twin.state import Order, Refused, World, malformed
from twin.trading import let_arrive

ORDERS_MAX = 500

Taken = tuple[str, list[tuple[str, int]]]


def read(fields: Fields, order_terms: Any) -> dict[str, Any]:
    """The orders of a command; a refusal names the one that is wrong."""
    given = fields.get("orders")
    if not isinstance(given, list) or not 1 <= len(given) <= ORDERS_MAX:
        raise malformed("orders")
    if not all(isinstance(one, dict) for one in given):
        raise malformed("orders")
    found = []
    for item, one in enumerate(given):
        try:
            members.check("submit", one)
            is_named = one.get("kind") != "preview"
            found.append(order_terms(Fields(fields.world, one), must_be_named=is_named))
        except Refused as refused:
            refused.item = item
            raise
    return {"orders": found}


def submit_all(world: World, orders: list[Order]) -> tuple[str, Taken]:
    """Takes all orders, or none of them when one would be refused."""
    next_order = world.next_order
    try:
        take_each(*deepcopy((world, orders)))
    except Refused as refused:
        if refused.order is not None and refused.order >= next_order:
            refused.order = None
        raise
    taken = take_each(world, orders)
    is_new = any(outcome == "created" for outcome, _ in taken)
    return ("created" if is_new else "existing"), ("orders", taken)


def take_each(world: World, given: list[Order]) -> list[tuple[str, int]]:
    """Takes the orders one after another, up to the first that is refused."""
    taken = []
    for item, order in enumerate(given):
        try:
            taken.append(orders.submit(world, order))
        except Refused as refused:
            refused.item = item
            raise
        settle_down(world)
    return taken


def settle_down(world: World) -> None:
    """What a command brought to life meets the market, then risk looks at everybody."""
    let_arrive(world)
    work(world)
    let_arrive(world)

"""Several orders of which all are taken or none, or all canceled or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from twin import combo_life, members, orders
from twin.fields import Fields
from twin.ids import Digest
from twin.risk_work import work
from twin.state import Account, Order, Refused, World, malformed
from twin.trading import let_arrive

ORDERS_MAX = 500

Taken = tuple[str, list[tuple[str, int]]]


def read(fields: Fields, order_terms: Any) -> dict[str, Any]:
    """The orders of a command."""

    def one(part: Fields) -> Order:
        members.check("submit", part.members)
        return order_terms(part, must_be_named=part.members.get("kind") != "preview")

    return {"orders": read_each(fields, one)}


def read_cancels(fields: Fields) -> dict[str, Any]:
    """What a command cancels."""

    def one(part: Fields) -> tuple[Account, int]:
        members.check("cancel", part.members)
        if part.get("request_id") is not None:
            raise malformed("request_id")
        return part.account(), part.order_number()

    return {"listed": read_each(fields, one), "request": fields.request_id()}


def read_each(fields: Fields, read_one: Any) -> list[Any]:
    """What a command lists; a refusal names the one that is wrong."""
    given = fields.get("orders")
    if not isinstance(given, list) or not 1 <= len(given) <= ORDERS_MAX:
        raise malformed("orders")
    if not all(isinstance(one, dict) for one in given):
        raise malformed("orders")
    found = []
    for item, one in enumerate(given):
        with place_of(item):
            found.append(read_one(Fields(fields.world, one)))
    return found


@contextmanager
def place_of(item: int) -> Iterator[None]:
    """A refusal names the place in the list."""
    try:
        yield
    except Refused as refused:
        refused.item = item
        raise


def cancel_list(
    world: World, listed: list[tuple[Account, int]], request: str | None
) -> tuple[str, Taken]:
    """Cancels all orders of a list, or none of them."""
    digest = Digest("cancel_list")
    for _, number in listed:
        digest.number(number)
    is_known = orders.answered(world, listed[0][0], request, digest.state) is not None
    for item, (account, number) in enumerate(listed):
        with place_of(item):
            (orders.find_order if is_known else orders.may_cancel)(world, account, number)
    for _, number in [] if is_known else listed:
        if world.orders[number].is_open:
            orders.send_cancel(world, world.orders[number], request, digest.state)
            request = None
    outcome = "existing" if is_known else "ok"
    return outcome, ("orders", [(outcome, number) for _, number in listed])


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
        with place_of(item):
            taken.append(orders.submit(world, order))
        settle_down(world)
    return taken


def settle_down(world: World) -> None:
    """What a command brought to life meets the market, then risk looks at everybody."""
    let_arrive(world)
    combo_life.work_all(world)
    work(world)
    let_arrive(world)

"""Orders that belong together: bracket, oco, oto.

A group is one command. Its legs are orders with the next numbers; those of a bracket or oto are
held until their parent fills, and of two that cancel each other one loses what the other fills.
Multi-leg orders are in `combo_life`.
"""

from dataclasses import replace
from typing import Any

from twin import orders, review, trails
from twin.checks import (
    Failure,
    beyond_bounds,
    cannot_pay,
    failures,
    hold_of,
    off_the_steps,
    past_its_date,
    without_price,
)
from twin.group_terms import exit_side
from twin.ids import ORDER, make_id
from twin.state import Order, Refused, World
from twin.terms import kept
from twin.trading import arrive


def take(world: World, order: Order, digest: int) -> tuple[str, int]:
    """Takes a group or rejects it as a whole."""
    order.number = world.next_order
    legs = tie(world, order)
    is_live = order.more["order_class"] == "oco"
    if any(leg.client_order_id in order.account.requests for leg in legs):
        raise Refused("id_reused", "id_reused")
    failed, hold, rest = judge(world, order, legs, is_live=is_live)
    failed, verdict = (failed, None) if failed else review.judge(world, order)
    is_under_way = not failed and orders.set_off(world, order)
    orders.take(world, order, 0 if failed else hold, digest, failed, verdict)
    if failed:
        raise failed.refused(order.number)
    for leg in legs:
        leg_is_under_way = is_live and orders.set_off(world, leg)
        orders.take(world, leg, rest, digest, None)
        if is_live and not leg_is_under_way:
            world.arrivals.append(leg)
    orders.tell_alerts(world, order, verdict)
    if not is_under_way:
        arrive(world, order)
    return "created", order.number


def tie(world: World, order: Order) -> list[Order]:
    """Makes the legs of a group, and ties what cancels each other."""
    more, number, legs = order.more, order.number, list[Order]()
    if more["order_class"] != "oco" and "take_profit" in more:
        leg = leg_of(order, "limit", {})
        leg.limit_price = more["take_profit"]["limit_price"]
        legs.append(leg)
    if "stop_loss" in more:
        legs.append(loss_leg(order, more["stop_loss"]))
    if more["order_class"] == "oco":
        order.more = kept({**more, "sibling": number + 1})
        legs[0].more = kept({**legs[0].more, "sibling": number})
    elif len(legs) == 2:
        for leg, sibling in zip(legs, (number + 2, number + 1), strict=True):
            leg.more = kept({**leg.more, "sibling": sibling})
    for index, leg in enumerate(legs):
        leg.client_order_id = make_id(world.name, ORDER, number + 1 + index)
    return legs


def leg_of(order: Order, kind: str, more: dict[str, Any]) -> Order:
    """A leg without prices; it lives as long as its parent."""
    is_held = order.more["order_class"] != "oco"
    tied = {
        "parent": order.number,
        "held": "parent" if is_held else None,
        "expires_ns": order.more.get("expires_ns"),
        "extended_hours": order.more.get("extended_hours"),
    }
    return replace(
        order,
        side=exit_side(order),
        type=kind,
        limit_price=None,
        stop_price=None,
        more=kept(tied | more),
        legs=[],
    )


def loss_leg(order: Order, loss: dict[str, int]) -> Order:
    """The leg that stops the loss: a stop, a stop-limit, or a trailing stop."""
    kind = "stop_limit" if "limit_price" in loss else "stop"
    if "stop_price" not in loss:
        kind = "trailing_stop"
    trail = {name: loss.get(name) for name in ("trail_price", "trail_percent")}
    leg = leg_of(order, kind, trail)
    leg.stop_price, leg.limit_price = loss.get("stop_price"), loss.get("limit_price")
    if kind == "trailing_stop" and order.more["order_class"] == "oco":
        trails.begin(leg)
    return leg


def judge(
    world: World, order: Order, legs: list[Order], *, is_live: bool
) -> tuple[Failure | None, int, int]:
    """The first failed check of a group, and what its parent and a live leg set aside."""
    failed = next(past_its_date(world, order), None) or next(failures(world, order), None)
    if failed:
        return failed, 0, 0
    hold, rest = hold_of(world, order), 0
    for leg in legs:
        failed = next(off_the_grid(leg), None) or next(beyond_bounds(world, leg), None)
        if not failed and is_live and leg.type == "trailing_stop":
            failed = next(without_price(leg), None)
        if failed:
            return failed, 0, 0
        rest = hold_of(world, leg) if is_live else 0
    failed = next(cannot_pay(world, order, hold + rest), None) if rest > 0 else None
    return failed, hold, rest


def off_the_grid(leg: Order) -> Any:
    """The prices of a leg lie on the grid; its quantity is that of its parent."""
    return (failure for failure in off_the_steps(leg) if failure.reason == "invalid_tick")

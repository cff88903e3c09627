"""Multi-leg orders come: what they must pass, what they set aside, how they are replaced."""

from collections.abc import Iterator
from typing import Any

from twin import aftermath, orders, review
from twin.checks import (
    beyond_bounds,
    not_as_meant,
    not_borrowed,
    not_now,
    past_its_date,
    without_price,
)
from twin.combo_books import plan
from twin.combo_paying import Payment, estimate
from twin.combos import Combo
from twin.failures import Failure
from twin.state import Order, Refused, World
from twin.trading import arrive

# Checks ---------------------------------------------------------------------------------------


def failures(world: World, combo: Combo) -> Iterator[Failure]:
    """What fails: every leg for itself, then the order as a whole."""
    yield from failures_of_form(world, combo)
    yield from failures_of_intent(combo, combo.strategies)
    yield from would_not_fill(world, combo)
    failed, _ = hold_of(world, combo)
    if failed:
        yield failed


def failures_of_form(world: World, combo: Combo) -> Iterator[Failure]:
    """What fails whatever stands in the books and in the account; of two legs told once."""
    told = list[Failure]()
    for leg in combo.leg_orders():
        new = [one for one in failures_of_leg(world, leg) if one not in told]
        yield from new
        told += new
    if combo.strategies % combo.step:
        yield Failure("invalid_lot", "qty", str(combo.strategies), str(combo.step))
    pricing, limit = combo.pricing, combo.order.limit_price
    scale = pricing.terms["price_scale"]
    listed = [part.instrument for part in combo.parts]
    tick = min(one.tick for one in listed if one.terms["price_scale"] == scale)
    if limit is not None and limit % tick:
        texts = (pricing.price_text(limit), pricing.price_text(tick))
        yield Failure("invalid_tick", "limit_price", *texts)


def failures_of_leg(world: World, leg: Order) -> Iterator[Failure]:
    """What fails of a leg for itself."""
    yield from not_now(world, leg)
    yield from beyond_bounds(world, leg)
    yield from without_price(leg)
    if leg.side == "sell" and leg.account.margin is not None:
        yield from not_borrowed(world, leg)


def failures_of_intent(combo: Combo, strategies: int) -> Iterator[Failure]:
    """Legs of so many strategies that do not what they say that they do to the position."""
    for part, leg in zip(combo.parts, combo.leg_orders(), strict=True):
        leg.qty = part.ratio * strategies
        yield from not_as_meant(leg)


def would_not_fill(world: World, combo: Combo) -> Iterator[Failure]:
    """A fill-or-kill order that does not trade whole at once."""
    if combo.order.time_in_force == "fok":
        filled = plan(world, combo, combo.strategies).strategies
        if filled < combo.strategies:
            yield Failure("would_not_fill", "qty", str(combo.strategies), str(filled))


def hold_of(world: World, combo: Combo) -> tuple[Failure | None, int]:
    """What a new order sets aside, or why the account has it not."""
    there = plan(world, combo, combo.strategies)
    return Payment(world, combo).hold(combo.strategies, there, 0)


def judge(
    world: World, legs: list[Order], replaces: list[Order] | None = None
) -> tuple[Failure | None, review.Verdict | None]:
    """Judges every leg by the risk policy, those before it counted in."""
    all_: review.Verdict | None = None
    for at, leg in enumerate(legs):
        old = replaces[at] if replaces else None
        failed, verdict = review.judge(world, leg, old, legs[:at])
        if failed:
            return failed, None
        if all_ and verdict:
            all_.passed["checks"] |= verdict.passed["checks"]
            all_.alerts += verdict.alerts
        else:
            all_ = verdict
    return None, all_


def preview(world: World, order: Order) -> dict[str, Any]:
    """Cost and fees of the strategy as a whole, failed checks, whether a part waits."""
    combo = Combo(world, order)
    combo.check()
    failed, legs = list(failures(world, combo)), combo.leg_orders()
    for at, leg in enumerate(legs):
        failed += review.failures_of_risk(world, leg, legs[:at])
    there, payment = plan(world, combo, combo.strategies), Payment(world, combo)
    outlay = estimate(combo, combo.strategies, there)
    return {
        "cost": outlay.cash,
        "fees": outlay.fees,
        "after": payment.power - payment.need(outlay),
        "failed": failed,
        "waits": there.strategies < combo.strategies,
    }


# Commands -------------------------------------------------------------------------------------


def take(world: World, order: Order, digest: int) -> tuple[str, int]:
    """Accepts or rejects a multi-leg order that makes sense by its form."""
    order.number = world.next_order
    combo = Combo(world, order)
    combo.check()
    legs = combo.tied_legs(order.number)
    if any(leg.client_order_id in order.account.requests for leg in legs):
        raise Refused("id_reused", "id_reused")
    failed = next(past_its_date(world, order), None) or next(failures(world, combo), None)
    failed, verdict = (failed, None) if failed else judge(world, legs)
    hold = 0 if failed else hold_of(world, combo)[1]
    is_under_way = not failed and orders.set_off(world, order)
    orders.take(world, order, hold, digest, failed, verdict)
    if failed:
        raise failed.refused(order.number)
    for leg in legs:
        orders.take(world, leg, 0, digest, None)
    orders.tell_alerts(world, order, verdict)
    if not is_under_way:
        arrive(world, order)
    return "created", order.number


def check_replaced(world: World, order: Order, new: Order) -> tuple[Failure | None, int]:
    """The first failed check of the new terms, and the new hold."""
    combo = Combo(world, new)
    combo.check()
    failed = next(past_its_date(world, new), None) or next(failures_of_form(world, combo), None)
    failed = failed or next(failures_of_intent(combo, combo.left), None)
    failed = failed or judge(world, combo.leg_orders(), combo.legs)[0]
    if failed:
        return failed, 0
    return Payment(world, combo).hold(combo.left, plan(world, combo, combo.left), order.hold)


def verdict_of_replaced(world: World, new: Order) -> review.Verdict | None:
    """What the risk policy says about the new terms."""
    combo = Combo(world, new)
    return judge(world, combo.leg_orders(), combo.legs)[1]


def resize_legs(world: World, order: Order) -> None:
    """The legs follow the quantity of their parent."""
    combo = Combo(world, order)
    for leg, new in zip(combo.legs, combo.leg_orders(), strict=True):
        aftermath.resize(world, leg, new.qty, 0, 0)

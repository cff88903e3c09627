"""The receipt of a fill: how the two sides met, the market at that moment, what was paid and why.

It is compared as it stands on the tape: prices and quantities as integers, what is zero or empty
left out.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Any

from twin import chance, fees, profile
from twin.delays import latency
from twin.prices import outside
from twin.state import Order, World

STEPS_TOLD = 4
Step = tuple[int, int]
"""Price and quantity of one fill of a sweep."""


@dataclass
class Met:
    """How an order met the other side, and what only they know who let it trade."""

    how: str = ""
    reach: int | None = None
    """The price that came to the order."""
    offered: int | None = None
    """How much stood at the price."""
    slippage: int = 0
    impact: int = 0
    before: list[Step] = field(default_factory=list)
    """What the same order has just taken before."""


def note_step(sweep: list[Step], price: int, qty: int) -> None:
    """Notes a fill of a sweep: one price counts once, and only the first few are told."""
    if sweep and sweep[-1][0] == price:
        sweep[-1] = (price, sweep[-1][1] + qty)
    elif len(sweep) < STEPS_TOLD:
        sweep.append((price, qty))


def receipt_of(
    world: World, order: Order, traded: tuple[int, int], liquidity: str, met: Met
) -> dict[str, Any]:
    """The receipt of a fill at a price, of a quantity, before anything has moved."""
    instrument, (price, qty) = order.instrument, traded
    how = met.how or ("rested" if liquidity == "maker" else "crossed")
    bid, ask = outside(instrument, "buy"), outside(instrument, "sell")
    lines = fees.lines_of_fill(
        instrument,
        order.account,
        order.side,
        liquidity,
        (qty, instrument.notional(price, qty)),
        (order.filled, order.filled_value),
        world.now_ns,
    )
    told = {
        "bid": bid and bid[0],
        "ask": ask and ask[0],
        "last": instrument.market.last,
        "reach": reach_of(order, how, met),
        "offered": met.offered,
        "ahead": ahead_of(order, liquidity),
        "slippage": slippage_of(order, price, liquidity, met) or None,
        "impact": met.impact or None,
        "latency_ns": order.latency_ns or None,
        "report_ns": report_latency(world, order) or None,
        "fees": lines or None,
        "before": [list(step) for step in met.before] if how == "crossed" and met.before else None,
    }
    known = {name: value for name, value in told.items() if value is not None}
    return {"how": how, "profile": instrument.profile["name"], **known}


def reach_of(order: Order, how: str, met: Met) -> int | None:
    """The price that came to the order: one that waited for a price crosses because of that."""
    if met.reach is None and how == "crossed" and order.triggered:
        return order.stop_price
    return met.reach


def ahead_of(order: Order, liquidity: str) -> int | None:
    """What of the street stood before a resting order when it came, where that was known."""
    if liquidity == "taker" or order.stood_behind in {None, inf}:
        return None
    return int(order.stood_behind or 0)


def slippage_of(order: Order, price: int, liquidity: str, met: Met) -> int:
    """How much worse than the best price outside, impact left out; a waiting order pays none."""
    if liquidity == "maker":
        return 0
    touch = outside(order.instrument, "sell" if order.side == "buy" else "buy")
    if touch is None:
        return met.slippage
    worse = price - touch[0] if order.side == "buy" else touch[0] - price
    return worse - met.impact


def report_latency(world: World, order: Order) -> int:
    """How long the news of the fill is under way to its owner."""
    if not profile.has_rules(order.instrument.profile):
        return 0
    drawn = chance.bits(world.created["seed"], world.next_fill, "event_latency", 0)
    return latency(drawn, order.instrument.profile["event_latency"])

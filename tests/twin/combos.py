"""Multi-leg orders: what they ask for, and whether it makes sense.

The parent counts strategies and stands under the leg with the largest multiplier, the first of
them, which prices it. Its legs are orders with the next numbers and stand in no book.
"""

from dataclasses import dataclass
from math import gcd, lcm
from typing import Any

from twin.amounts import MONEY_SCALE, PRICE_MAX, QUANTITY_MAX, clamp
from twin.fields import Fields
from twin.ids import ORDER, make_id
from twin.state import Instrument, Order, World, malformed
from twin.terms import kept, read_legs, wrong

STEP_MAX = 1_000_000
RATIO_MAX = 10_000
MAY = {"order_class", "legs", "expires_ns", "self_trade", "when_closed"}


# Reading --------------------------------------------------------------------------------------


def priced_by(fields: Fields) -> tuple[Instrument, str]:
    """Instrument and side under which a multi-leg order stands."""
    for field in ("symbol", "side"):
        if fields.get(field) is not None:
            raise wrong(field)
    legs = read_legs(fields)
    if not legs:
        raise wrong("legs")

    def size(leg: dict[str, Any]) -> int:
        contract = fields.world.instruments[leg["instrument"]].contract
        return contract.get("multiplier", 10**MONEY_SCALE)

    # Of equal ones `max` takes the first.
    largest = max(legs, key=size)
    return fields.world.instruments[largest["instrument"]], largest["side"]


# Checking -------------------------------------------------------------------------------------


def check_form(order: Order) -> None:
    """Whether the terms of a multi-leg order go together."""
    more, traded = order.more, [leg["instrument"] for leg in order.more.get("legs", [])]
    if not 2 <= len(traded) <= 4 or len(set(traded)) < len(traded):
        raise wrong("legs")
    for leg in more["legs"]:
        if not leg.get("position_intent", leg["side"]).startswith(leg["side"]):
            raise wrong("position_intent")
    if order.type not in {"market", "limit"}:
        raise wrong("type")
    check_net_price(order)
    if order.auction:
        raise wrong("time_in_force")
    if set(more) - MAY:
        raise wrong("order_class")
    if more.get("self_trade") == "decrement":
        raise wrong("self_trade")


def check_net_price(order: Order) -> None:
    """A net price may be zero or a credit."""
    limit = order.limit_price
    if order.has_limit and limit is None:
        raise malformed("limit_price", "missing_price")
    if not order.has_limit and limit is not None:
        raise malformed("limit_price", "unexpected_price")
    if limit is not None and abs(limit) > PRICE_MAX:
        raise malformed("limit_price", "invalid_price")
    if order.stop_price is not None:
        raise malformed("stop_price", "unexpected_price")


@dataclass
class Part:
    """One leg: what is traded, and how much for each strategy."""

    instrument: Instrument
    side: str
    ratio: int
    intent: str | None = None
    """What it says that it does to the position."""

    def signed(self, amount: int) -> int:
        """An amount as this leg pays it: buys pay, sells are paid."""
        return amount if self.side == "buy" else -amount

    @property
    def lots(self) -> int:
        """How many strategies are whole lots of this leg."""
        lot = self.instrument.lot
        return max(1, lot // gcd(lot, self.ratio))

    @property
    def one(self) -> int:
        """One whole unit."""
        return 10 ** self.instrument.terms["qty_scale"]


class Combo:
    """A multi-leg order and what it trades."""

    def __init__(self, world: World, order: Order) -> None:
        self.world, self.order, self.pricing = world, order, order.instrument
        self.parts = [
            Part(
                world.instruments[leg["instrument"]],
                leg["side"],
                leg["ratio_qty"],
                leg.get("position_intent"),
            )
            for leg in order.more["legs"]
        ]
        lots = [
            max(1, one.instrument.lot // gcd(one.instrument.lot, one.ratio)) for one in self.parts
        ]
        self.step = lcm(*lots)
        """How many strategies trade whole lots of every leg."""

    @property
    def one(self) -> int:
        """The parent's quantity of one strategy."""
        return 10 ** self.pricing.terms["qty_scale"]

    @property
    def strategies(self) -> int:
        """How many it asks for."""
        return self.order.qty // self.one

    @property
    def left(self) -> int:
        """How many are not filled."""
        return self.order.unfilled // self.one

    @property
    def legs(self) -> list[Order]:
        """Its leg orders, in the order of its legs, once there are any."""
        return [self.world.orders[number] for number in self.order.legs]

    @property
    def limit_money(self) -> int | None:
        """The money of one strategy at its limit; nothing at any price."""
        limit = self.order.limit_price
        return None if limit is None else self.pricing.value(limit, self.one, "down")

    def net_price(self, money: int, strategies: int) -> int:
        """The net price that an amount of money for so many strategies stands for."""
        price = self.pricing.average_price(money, clamp(self.one * strategies))
        return max(-PRICE_MAX, min(PRICE_MAX, price))

    def check(self) -> None:
        """Whether its legs can be traded together at all."""
        for part in self.parts:
            if part.ratio <= 0 or part.ratio % part.one or part.ratio // part.one > RATIO_MAX:
                raise wrong("ratio_qty")
            if part.instrument.is_margined:
                raise wrong("legs")
        if gcd(*(part.ratio // part.one for part in self.parts)) != 1:
            raise wrong("ratio_qty")
        venue = (self.pricing.exchange, self.pricing.currency)
        if any((one.instrument.exchange, one.instrument.currency) != venue for one in self.parts):
            raise wrong("legs")
        if self.step > STEP_MAX:
            raise wrong("ratio_qty")
        whole = self.order.qty % self.one == 0
        if not whole or any(self.strategies > QUANTITY_MAX // one.ratio for one in self.parts):
            raise malformed("qty", "invalid_quantity")

    def leg_orders(self) -> list[Order]:
        """Its legs as orders of their own, without their ties."""
        more = {"when_closed": self.order.more.get("when_closed")}
        return [self.leg_of(part, more) for part in self.parts]

    def leg_of(self, part: Part, more: dict[str, Any]) -> Order:
        """One of them; a leg has no price."""
        order = self.order
        return Order(
            order.account,
            order.client_order_id,
            part.instrument,
            part.side,
            order.type,
            clamp(part.ratio * self.strategies),
            None,
            None,
            order.time_in_force,
            kept(more | {"position_intent": part.intent}),
        )

    def tied_legs(self, number: int) -> list[Order]:
        """The same, bound to the parent that gets this number."""
        own = {name: self.order.more.get(name) for name in MAY - {"order_class", "legs"}}
        more = own | {"parent": number, "held": "group"}
        legs = [self.leg_of(part, more) for part in self.parts]
        for index, leg in enumerate(legs):
            leg.client_order_id = make_id(self.world.name, ORDER, number + 1 + index)
        return legs

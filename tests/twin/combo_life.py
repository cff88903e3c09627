"""The life of a multi-leg order: traded as a whole, and ended as a whole."""

from twin import combo_rest, trading
from twin.amounts import divide
from twin.chance import part_of_lots
from twin.combo_books import Plan, cut, obstacle, plan
from twin.combo_paying import Outlay, Payment, of_plan
from twin.combos import Combo
from twin.public_trades import print_trade
from twin.receipts import Met
from twin.state import Order, World

LOOKS_MAX = 256
"""How many resting multi-leg orders a turn looks at."""
EVENTS_PER_TRADE = 520


def enter(world: World, order: Order) -> None:
    """Lets a multi-leg order that has just come trade, then rest."""
    work(world, order, rested=False)
    if not order.is_open:
        return
    if order.time_in_force in {"ioc", "fok"}:
        nothing_there = order.filled == 0 and order.limit_price is None
        trading.cancel(world, order, "no_liquidity" if nothing_there else "ioc_remainder")
    else:
        trading.link(world, order)


def has_room(world: World) -> bool:
    """Whether one more trade of all legs fits into the turn."""
    return len(world.events) + EVENTS_PER_TRADE <= 1_000


def work_all(world: World) -> None:
    """Lets resting multi-leg orders trade with what has come into the markets of their legs."""
    for _ in range(LOOKS_MAX):
        order = combo_rest.next_of(world) if has_room(world) else None
        if order is None:
            return
        work(world, order, rested=True)
        trading.let_arrive(world)


def work(world: World, order: Order, *, rested: bool) -> None:
    """Trades a multi-leg order as far as the books of its legs go, or a turn may."""
    while order.is_open:
        goes_on = work_once(world, order)
        if goes_on is None:
            return
        if goes_on and rested and not has_room(world):
            combo_rest.moved(order.instrument)
            return


def work_once(world: World, order: Order) -> bool | None:
    """The next thing that happens to the order: whether it traded; nothing when it is over."""
    legs = [world.orders[number] for number in order.legs]
    if any(trading.leave_if_due(world, one) for one in (order, *legs)):
        return None
    combo = Combo(world, order)
    left, is_fok = combo.left, order.time_in_force == "fok"
    there = plan(world, combo, left)
    if there.strategies == 0 or (is_fok and there.strategies < left):
        return None
    found = obstacle(world, combo, there)
    if found:
        clear(world, order, *found)
        return False
    payment = Payment(world, combo)
    steps = there.strategies // combo.step
    paid = most_steps(world, combo, there, payment)
    if paid == 0 or (is_fok and paid < steps):
        one = of_plan(combo, cut(world, combo, there.takes, combo.step))
        trading.cancel(world, order, why_unpaid(payment, one))
        return False
    meets_street = any(one.offer.resting is None for takes in there.takes for one in takes)
    some = part_of_lots(world, order, paid) if meets_street else None
    strategies = (paid if some is None else some) * combo.step
    trade(world, combo, cut(world, combo, there.takes, strategies), payment)
    return None if some is not None else True


def why_unpaid(payment: Payment, one: Outlay) -> str:
    """Why an order that cannot trade a single strategy leaves."""
    if not payment.closes_as_meant(one):
        return "would_not_reduce"
    failed = next(payment.uncovered(one), None)
    return failed.reason if failed else "insufficient_buying_power"


def clear(world: World, order: Order, maker: Order, why: str) -> None:
    """Deals with an order that stands in the way."""
    if why == "due":
        trading.leave_if_due(world, maker)
    elif why == "cannot_pay":
        trading.cancel(world, maker, trading.why_unpayable(world, maker))
    else:
        trading.cancel(world, maker if why == "cancel_oldest" else order, "self_trade")


def most_steps(world: World, combo: Combo, there: Plan, payment: Payment) -> int:
    """The most steps that the account can pay, found by halving."""

    def fits(steps: int) -> bool:
        some = cut(world, combo, there.takes, steps * combo.step)
        return steps == 0 or payment.can_trade(some, combo.order.hold)

    low = high = there.strategies // combo.step
    if fits(high):
        return high
    low = 0
    while low < high:
        middle = low + (high - low + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def trade(world: World, combo: Combo, made: Plan, payment: Payment) -> None:
    """Trades all legs: the parent first, which sets free what the legs are paid with."""
    order, left, legs = combo.order, combo.left, combo.legs
    price, qty = combo.net_price(made.cash, made.strategies), combo.one * made.strategies
    kept = divide(order.hold * (left - made.strategies), max(1, left), "up")
    needed = payment.need(of_plan(combo, made)) - payment.power
    release = min(order.hold, max(0, order.hold - kept, needed))
    fill_parent(world, order, price, qty, release)
    for leg, takes in zip(legs, made.takes, strict=True):
        for one in takes:
            met = Met("multi_leg", None, one.offer.qty, one.slippage, one.impact)
            trading.trade(world, leg, one.offer, one.price, one.qty, met)
            print_trade(world, leg.instrument, one.price, one.qty, leg.side)
    for leg in legs:
        trading.fire_stops(world, leg.instrument)
        trading.serve_waiting(world, leg.instrument)


def fill_parent(world: World, order: Order, price: int, qty: int, release: int) -> None:
    """The parent counts what its legs trade."""
    completes = qty == order.unfilled
    order.account.set_aside(order.instrument.currency, -release)
    order.hold -= release
    order.filled += qty
    order.filled_value += price * qty
    order.status = "filled" if completes else "partially_filled"
    trading.touch(world, order)
    if completes:
        trading.leave(world, order)
    world.emit(
        "legs_filled",
        order=trading.order_id(world, order.number),
        price=price,
        qty=qty,
        release=release,
        completes=completes,
    )


def leg_closed(world: World, leg: Order) -> None:
    """The end of a leg is the end of its whole order, for the same reason."""
    parent = world.orders.get(leg.more["parent"])
    if parent is None or not parent.is_open:
        return
    if leg.status == "expired":
        trading.expire(world, parent)
    else:
        trading.cancel(world, parent, leg.reason or "requested")

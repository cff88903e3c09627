"""What things cost: fees, holds, what an account can pay, what a fill moves."""

from twin.amounts import AMOUNT_MAX, QUANTITY_MAX, RATE_SCALE, clamp, divide
from twin.state import Account, Instrument, Order


def fee_at(rate: int, instrument: Instrument, qty: int, notional: int, rounding: str) -> int:
    """A share of the notional and an amount per share, at least the minimum."""
    terms = instrument.exchange.terms
    percent = divide(rate * notional, 10**RATE_SCALE, rounding)
    # An amount per share has nine decimals, the quantity its own; money has six.
    divisor = 10 ** (RATE_SCALE - 6 + instrument.terms["qty_scale"])
    shares = divide(terms["per_share"] * qty, divisor, rounding)
    return clamp(min(max(percent + shares, terms["minimum"]), AMOUNT_MAX))


def fee_of(instrument: Instrument, side: str, qty: int, notional: int, liquidity: str) -> int:
    """The fee of a fill; a sell never pays more than it brings in."""
    rate = instrument.exchange.terms[f"{liquidity}_rate"]
    fee = fee_at(rate, instrument, qty, notional, "half_up")
    return min(fee, notional) if side == "sell" else fee


def fee_of_hold(instrument: Instrument, qty: int, notional: int) -> int:
    """The fee that a hold sets aside: the dearer rate, rounded up."""
    terms = instrument.exchange.terms
    rate = max(terms["maker_rate"], terms["taker_rate"])
    return fee_at(rate, instrument, qty, notional, "up")


def hold_at(instrument: Instrument, price: int, qty: int) -> int:
    """The cash that a buy at this price sets aside."""
    value = min(instrument.value(price, qty, "up"), AMOUNT_MAX)
    return clamp(min(value + fee_of_hold(instrument, qty, clamp(value)), AMOUNT_MAX))


def payable(order: Order, price: int, wanted: int, liquidity: str) -> int:
    """How much of `wanted` the account can pay at this price: all of it, or whole lots."""
    instrument, account = order.instrument, order.account
    value = instrument.value(price, wanted, "up")
    if value > AMOUNT_MAX:
        wanted = instrument.whole_lots(clamp(wanted // (value // AMOUNT_MAX + 1)))
    if order.side == "sell":
        return wanted
    position = account.position(instrument)
    wanted = min(wanted, instrument.whole_lots(QUANTITY_MAX - position.qty))
    budget = min(account.buying_power + order.hold, AMOUNT_MAX - position.cost)

    def fits(qty: int) -> bool:
        notional = instrument.notional(price, qty)
        return notional + fee_of(instrument, "buy", qty, notional, liquidity) <= budget

    if fits(wanted):
        return wanted
    # The most lots that fit. Fees only grow with the quantity, so halving finds them.
    lots, beyond = 0, wanted // instrument.lot + 1
    while beyond - lots > 1:
        middle = (lots + beyond) // 2
        lots, beyond = (middle, beyond) if fits(middle * instrument.lot) else (lots, middle)
    return lots * instrument.lot


def release_of(order: Order, qty: int, spent: int) -> int:
    """What a fill sets free of the order's hold."""
    if qty == order.leaves:
        return order.hold
    rest = order.leaves - qty
    if order.side == "buy" and order.limit_price is not None:
        kept = hold_at(order.instrument, order.limit_price, rest)
    else:
        kept = divide(order.hold * rest, order.leaves, "up")
    release = max(order.hold - kept, spent - order.account.buying_power)
    return max(0, min(order.hold, release))


def share_of_cost(account: Account, instrument: Instrument, qty: int) -> int:
    """The cost that selling removes: its share of the position's, half-even."""
    position = account.position(instrument)
    whole = max(position.qty, 1)
    times, rest = divmod(position.cost, whole)
    return clamp(times * qty + divide(rest * qty, whole, "half_even"))

"""What an order must pass, in the documented order."""

from collections.abc import Iterator
from dataclasses import dataclass

from twin import whole
from twin.amounts import ORDER_VALUE_MAX, PRICE_MAX, QUANTITY_MAX, clamp, format_money
from twin.failures import Failure
from twin.fields import is_name
from twin.group_terms import check_group
from twin.ids import format_time
from twin.margin import borrowable, power_for
from twin.money import fee_of, hold_at, margin_hold, signed
from twin.options import (
    cannot_write,
    free_to_sell,
    hold_of_write,
    is_option,
    underlying_of,
    units_of,
)
from twin.prices import offers, price, reaches
from twin.risk_state import why_killed
from twin.sessions import (
    band_edge,
    band_of,
    check_hours,
    has_ended,
    takes_part,
    tick_at,
    why_closed,
)
from twin.slippage import moved
from twin.state import Instrument, Order, World, malformed
from twin.terms import (
    check_date,
    check_display,
    check_intent,
    check_notional,
    check_trail,
    check_trigger,
)

CHECKS_OF_TERMS = (
    check_trail,
    check_date,
    check_trigger,
    check_intent,
    check_display,
    check_notional,
    check_group,
)


def check_terms(order: Order) -> None:
    """What makes no sense is refused and not kept."""
    if not is_name(order.client_order_id):
        raise malformed("client_order_id")
    if "notional" not in order.more:
        check_quantity(order.qty)
    if not order.is_combo:
        check_price(order.has_limit, order.limit_price, "limit_price")
        check_price(order.has_stop, order.stop_price, "stop_price")
        check_hours(order)
    for check in CHECKS_OF_TERMS:
        check(order)


def check_quantity(qty: int) -> None:
    """A quantity that can be traded at all."""
    if qty <= 0:
        raise malformed("qty", "invalid_quantity")


def check_price(wanted: bool, value: int | None, field: str) -> None:
    """A price that fits the type of the order."""
    if wanted and value is None:
        raise malformed(field, "missing_price")
    if not wanted and value is not None:
        raise malformed(field, "unexpected_price")
    if value is not None and not 0 < value <= PRICE_MAX:
        raise malformed(field, "invalid_price")


@dataclass
class Walk:
    """What an order would meet if it came now."""

    filled: int = 0
    value: int = 0
    notional: int = 0
    fees: int = 0
    worst: int | None = None


def walk(world: World, order: Order) -> Walk:
    """Walks the offers as the order would, without trading."""
    if not takes_part(world, order) or not order.instrument.market.is_fresh:
        return Walk()
    return walk_offers(world, order)


def walk_offers(world: World, order: Order) -> Walk:
    """The same, whether or not orders trade now."""
    walked, instrument = Walk(), order.instrument
    limit = order.limit_price
    if limit is None:
        limit = band_edge(instrument, order.side)
    for offer in offers(instrument, order.side):
        if walked.filled == order.qty or not reaches(order.side, limit, offer.price):
            break
        if isinstance(offer.resting, Order) and is_due(world, offer.resting):
            continue
        qty = min(offer.qty, order.qty - walked.filled)
        price = offer.price
        if offer.resting is None:
            price, *_ = moved(world, instrument, order.side, limit, price, qty)
        notional = instrument.notional(price, qty)
        walked.notional += notional
        before = (walked.filled, walked.value)
        walked.fees += fee_of(world, order, qty, notional, "taker", before)
        walked.value += price * qty
        walked.filled += qty
        walked.worst = price
    return walked


def is_due(world: World, order: Order) -> str | None:
    """Why an open order is due to leave: `kill`, `cancel`, `expire`, or `auction_over`."""
    if not order.is_forced and why_killed(world, order.account) is not None:
        return "kill"
    if order.number < order.account.cancel_below:
        return "cancel"
    passed = order.time_in_force == "gtd" and order.more["expires_ns"] <= world.dates_passed_ns
    if order.instrument.status == "expired" or passed:
        return "expire"
    if not has_ended(order):
        return None
    return "auction_over" if order.auction else "expire"


def hold_of(world: World, order: Order) -> int:
    """The cash that a new order sets aside, or on margin the requirement."""
    if order.account.margin is not None:
        return margin_hold(world, order, order.qty, value_of_order(world, order), 0)
    if order.side == "sell":
        return hold_of_write(world, order) if is_option(order.instrument) else 0
    at = order.limit_price if order.limit_price is not None else order.stop_price
    if at is not None:
        return hold_at(order.instrument, at, order.qty)
    walked = walk(world, order)
    reference = price(order.instrument)
    at = walked.worst if walked.worst is not None else reference
    rest = order.qty - walked.filled
    beyond = hold_at(order.instrument, at or 0, rest) if rest > 0 else 0
    return clamp(walked.notional + walked.fees + beyond)


def value_of_order(world: World, order: Order) -> int:
    """What an order is worth: at its price (a sell at a higher market), else as the book gives."""
    instrument = order.instrument
    at = order.limit_price if order.limit_price is not None else order.stop_price
    if at is None:
        walked = walk(world, order)
        at = walked.worst if walked.worst is not None else price(instrument)
        return walked.notional + instrument.value(at or 0, order.qty - walked.filled, "up")
    reference = price(instrument) if order.side == "sell" else None
    return instrument.value(max(at, reference or at), order.qty, "up")


def failures(world: World, order: Order) -> Iterator[Failure]:
    """All failed checks in order; the first one rejects a new order."""
    instrument = order.instrument
    yield from not_now(world, order)
    yield from off_the_steps(order)
    yield from outside_the_band(order)
    yield from beyond_bounds(world, order)
    reference = price(instrument)
    yield from without_price(order)
    yield from without_size(order, reference)
    yield from not_as_flagged(order)
    if order.time_in_force == "fok" and not order.awaits_price:
        filled = whole.certain(world, order)
        if filled < order.qty:
            yield Failure(
                "would_not_fill", "qty", instrument.qty_text(order.qty), instrument.qty_text(filled)
            )
    yield from not_there(world, order)
    yield from cannot_pay(world, order, hold_of(world, order))


def not_now(world: World, order: Order) -> Iterator[Failure]:
    """The account may trade, the instrument trades, and the order meets others or can wait."""
    if order.account.is_journal:
        yield Failure("account_not_active", "account_id")
    elif order.account.status != "active":
        yield Failure("account_not_active")
    if order.instrument.status != "active":
        yield Failure("instrument_not_active", "symbol")
    closed = why_closed(world, order)
    if closed:
        reason, field, next_open_ns = closed
        yield Failure(reason, field, next_open_ns=next_open_ns)


def cannot_pay(world: World, order: Order, hold: int) -> Iterator[Failure]:
    """The hold is covered; what only closes a position is always taken on margin."""
    account, power = order.account, power_for(world, order.account, order.instrument)
    if account.margin is None:
        is_paid = order.side == "sell" and hold == 0
    else:
        is_paid = account.position(order.instrument).free_to_close(order.side) >= order.qty
    if not is_paid and hold > power:
        yield Failure("insufficient_buying_power", "qty", format_money(hold), format_money(power))


def not_there(world: World, order: Order) -> Iterator[Failure]:
    """Named lots are there; what is sold is held, or on margin can be borrowed."""
    account, instrument = order.account, order.instrument
    if not lots_are_there(order):
        yield Failure("unknown_lot", "lot_ids")
    elif order.side == "sell" and account.margin is None:
        free = free_to_sell(world, account, instrument)
        if order.qty > free and is_option(instrument):
            yield from cannot_write(world, order, free)
        elif order.qty > free:
            texts = (instrument.qty_text(order.qty), instrument.qty_text(free))
            yield Failure("insufficient_quantity", "qty", *texts)
    elif order.side == "sell":
        yield from not_borrowed(world, order)


def not_borrowed(world: World, order: Order) -> Iterator[Failure]:
    """What a margin account would sell short can be borrowed."""
    instrument = order.instrument
    closing = order.account.position(instrument).free_to_close("sell")
    opening, left = order.qty - min(order.qty, closing), borrowable(world, instrument)
    if left is not None and opening > left:
        reason = "borrow_unavailable" if instrument.margin["shortable"] else "not_shortable"
        texts = (instrument.qty_text(opening), instrument.qty_text(left))
        yield Failure(reason, "qty", *texts)


def lots_are_there(order: Order) -> bool:
    """Whether the lots that the order names are there, each once."""
    named = order.more.get("lot_ids", [])
    if not named:
        return True
    lots = {lot.id for lot in order.account.lots.get(order.instrument.index, [])}
    is_specific = order.account.cost_method == "specific"
    return is_specific and len(set(named)) == len(named) and lots.issuperset(named)


def without_price(order: Order) -> Iterator[Failure]:
    """A market order, and a trailing stop that has no place, need a price to look at."""
    looks = order.type == "market" or (order.type == "trailing_stop" and order.stop_price is None)
    if looks and price(order.instrument) is None:
        yield Failure("no_reference_price", "symbol")


def without_size(order: Order, reference: int | None) -> Iterator[Failure]:
    """An amount of money trades at least one lot."""
    money, instrument = order.more.get("notional"), order.instrument
    if money is None or order.qty != 0:
        return
    at = next((one for one in (order.limit_price, reference) if one is not None), 0)
    lot = instrument.value(at, instrument.lot, "up")
    yield Failure("notional_too_small", "notional", format_money(money), format_money(lot))


def past_its_date(world: World, order: Order) -> Iterator[Failure]:
    """Good-till-date orders have time left."""
    date = order.more.get("expires_ns")
    if date is not None and date <= world.now_ns:
        yield Failure("expired", "expire_time", format_time(date), format_time(world.now_ns))


def not_as_flagged(order: Order) -> Iterator[Failure]:
    """Post-only orders take nothing, reduce-only orders are no larger than what they close."""
    instrument = order.instrument
    for offer in offers(instrument, order.side)[:1] if order.more.get("post_only") else ():
        if reaches(order.side, order.limit_price, offer.price):
            texts = (instrument.price_text(order.limit_price), instrument.price_text(offer.price))
            yield Failure("would_take_liquidity", "limit_price", *texts)
    yield from not_as_meant(order)
    closing = order.account.position(instrument).closing(order.side)
    if order.more.get("reduce_only") and order.qty > closing:
        texts = (instrument.qty_text(order.qty), instrument.qty_text(closing))
        yield Failure("would_not_reduce", "qty", *texts)


def not_as_meant(order: Order) -> Iterator[Failure]:
    """What an order says that it does to the position it does."""
    closing = order.account.position(order.instrument).closing(order.side)
    intent = order.more.get("position_intent")
    if intent and (order.qty > closing if intent.endswith("close") else closing > 0):
        other = "open" if intent.endswith("close") else "close"
        texts = (intent, f"{order.side}_to_{other}")
        yield Failure("position_intent_mismatch", "position_intent", *texts)


def off_the_steps(order: Order) -> Iterator[Failure]:
    """Whole lots, and prices on the tick grid."""
    instrument = order.instrument
    if order.qty % instrument.lot != 0:
        lot = instrument.qty_text(instrument.lot)
        yield Failure("invalid_lot", "qty", instrument.qty_text(order.qty), lot)
    for field, at in (("limit_price", order.limit_price), ("stop_price", order.stop_price)):
        if at is not None and at % tick_at(instrument, at) != 0:
            tick = instrument.price_text(tick_at(instrument, at))
            yield Failure("invalid_tick", field, instrument.price_text(at), tick)
            return


def outside_the_band(order: Order) -> Iterator[Failure]:
    """Limit prices lie within the price band."""
    limit, band = order.limit_price, band_of(order.instrument)
    if limit is not None and band and not band[0] <= limit <= band[1]:
        bound = band[0] if limit < band[0] else band[1]
        text = order.instrument.price_text
        yield Failure("outside_price_band", "limit_price", text(limit), text(bound))


def beyond_bounds(world: World, order: Order) -> Iterator[Failure]:
    """The value of the order and the position after it stay within what the engine can hold."""
    instrument = order.instrument
    prices = (order.limit_price, order.stop_price, price(instrument), 1)
    at = next(price for price in prices if price is not None)
    value = instrument.value(at, order.qty, "up")
    if value > ORDER_VALUE_MAX:
        limit = format_money(ORDER_VALUE_MAX)
        yield Failure("order_too_large", "qty", format_money(value), limit)
        return
    yield from position_beyond_bounds(world, order, order.qty)


def position_beyond_bounds(world: World, order: Order, qty: int) -> Iterator[Failure]:
    """What the position would be when so much of the order fills can be held."""
    instrument = order.instrument
    after = order.account.position(instrument).qty + signed(order.side, qty)
    if abs(after) > QUANTITY_MAX:
        limit = instrument.qty_text(QUANTITY_MAX)
        yield Failure("order_too_large", "qty", instrument.qty_text(clamp(after)), limit)
    else:
        yield from delivers_beyond_bounds(world, instrument, abs(after))


def delivers_beyond_bounds(world: World, instrument: Instrument, qty: int) -> Iterator[Failure]:
    """What so many options deliver can be held."""
    if is_option(instrument):
        base, units = underlying_of(world, instrument), units_of(world, instrument, qty)
        if units > QUANTITY_MAX:
            texts = (base.qty_text(units), base.qty_text(QUANTITY_MAX))
            yield Failure("order_too_large", "qty", *texts)

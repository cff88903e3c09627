"""The live market of an instrument: who stands where, and what its price is."""

from dataclasses import dataclass

from twin.market import BotOrder, Level
from twin.state import Instrument, Order

OTHER = {"buy": "sell", "sell": "buy"}


@dataclass
class Offer:
    """What an incoming order can trade with: a resting order, or the street when there is none."""

    price: int
    qty: int
    resting: Order | BotOrder | None


def reaches(side: str, limit: int | None, price: int) -> bool:
    """Whether an order of this side and limit trades at a price."""
    if limit is None:
        return True
    return price <= limit if side == "buy" else price >= limit


def best_first(side: str, price: int) -> int:
    """The key that sorts the best price of a side first."""
    return -price if side == "buy" else price


def is_resting(one: Order | BotOrder) -> bool:
    """Whether it stands in the book with a price."""
    if isinstance(one, BotOrder):
        return True
    return one.seat == "market" and not one.is_armed and one.limit_price is not None


def is_at_any_price(one: Order | BotOrder) -> bool:
    """Whether it waits for liquidity at any price."""
    is_order = isinstance(one, Order) and one.seat == "market"
    return is_order and not one.is_armed and one.limit_price is None


def book(instrument: Instrument, side: str) -> list[Order | BotOrder]:
    """The resting orders of a side: better prices first, at one price those that are shown."""
    resting = [one for one in instrument.market.queue if one.side == side and is_resting(one)]
    return sorted(resting, key=lambda one: (best_first(side, one.limit_price), is_hidden(one)))


def shown_book(instrument: Instrument, side: str) -> list[Order | BotOrder]:
    """The same without those that stand in no book."""
    return [one for one in book(instrument, side) if not is_hidden(one)]


def is_hidden(one: Order | BotOrder) -> bool:
    """Whether the book shows nothing of it."""
    return isinstance(one, Order) and one.more.get("hidden", False)


def on_offer(one: Order | BotOrder) -> int:
    """What stands there of it at the moment."""
    return one.shown if isinstance(one, Order) else one.leaves


def waiting(instrument: Instrument, side: str) -> list[Order]:
    """Orders at any price that wait for liquidity, the earliest first."""
    queue = [one for one in instrument.market.queue if one.side == side]
    return sorted((one for one in queue if is_at_any_price(one)), key=lambda one: one.priority)


def armed(instrument: Instrument, *, falling: bool) -> list[Order]:
    """Orders that wait for a rising or falling price, in the order in which it reaches them."""
    queue = [one for one in instrument.market.queue if isinstance(one, Order)]
    orders = [one for one in queue if one.seat == "market" and one.is_armed]
    waits = [one for one in orders if one.is_falling == falling]
    sign = -1 if falling else 1
    return sorted(waits, key=lambda one: (sign * level_of(one), one.priority))


def level_of(order: Order) -> int:
    """The price that an armed order waits for."""
    return order.trail.stop if order.trail else order.stop_price


def seen(instrument: Instrument, source: str, side: str) -> int | None:
    """The price that a source shows to a side: buys watch the ask, sells the bid."""
    bid, ask = outside(instrument, "buy"), outside(instrument, "sell")
    if source == "bid_ask":
        level = ask if side == "buy" else bid
        return level and level[0]
    if source == "mid" and bid and ask:
        return (bid[0] + ask[0]) // 2
    return None


def street(instrument: Instrument, side: str) -> list[Level]:
    """The levels of the street that still have something, best first."""
    return [level for level in instrument.market.street[side] if level.available > 0]


def offers(instrument: Instrument, side: str) -> list[Offer]:
    """What an incoming order of a side meets, in order; the street comes first within a price."""
    there = OTHER[side]
    levels = [Offer(one.price, one.available, None) for one in street(instrument, there)]
    orders = [Offer(one.limit_price, on_offer(one), one) for one in book(instrument, there)]
    return sorted(levels + orders, key=lambda offer: best_first(there, offer.price))


def outside(instrument: Instrument, side: str) -> tuple[int, int] | None:
    """The best price of the outside source, and what is displayed there."""
    if instrument.terms["source"] == "street":
        return instrument.market.bid if side == "buy" else instrument.market.ask
    shown = shown_book(instrument, side)
    for one in shown:
        if isinstance(one, BotOrder):
            price = one.limit_price
            return price, sum(on_offer(one) for one in shown if one.limit_price == price)
    return None


def price_of_mark(mark: dict[str, int | None]) -> int | None:
    """The mid, else the last trade, else the one side that stands."""
    bid, ask, last = mark["bid"], mark["ask"], mark["last"]
    if bid is not None and ask is not None:
        return (bid + ask) // 2
    return next((price for price in (last, bid, ask) if price is not None), None)


def live_mark(instrument: Instrument) -> dict[str, int | None]:
    """The prices that a mark would record now."""
    market = instrument.market
    bid, ask = outside(instrument, "buy"), outside(instrument, "sell")
    return {
        "bid": bid and bid[0],
        "ask": ask and ask[0],
        "last": market.last,
        "high": market.high,
        "low": market.low,
    }


def price(instrument: Instrument) -> int | None:
    """The price that stands for an instrument: live, else as recorded."""
    live = price_of_mark(live_mark(instrument))
    return price_of_mark(instrument.mark) if live is None else live

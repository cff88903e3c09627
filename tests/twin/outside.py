"""Inputs of the outside market: quotes, depth, prints, bars, and the orders of house bots."""

from twin import notionals, trails
from twin.amounts import PRICE_MAX, QUANTITY_MAX, RATE_SCALE, clamp
from twin.money import payable
from twin.prices import OTHER, armed, best_first, book, level_of, offers, on_offer, reaches, waiting
from twin.sessions import MATCHING, may_trade, phase
from twin.state import Account, BotOrder, Instrument, Level, Order, World, malformed
from twin.trading import (
    cancel,
    changed,
    fill,
    fill_resting,
    fire_stops,
    fired,
    is_reached,
    leave_if_due,
    next_arrival,
    print_trade,
    reduce_bot,
    settle,
    traded,
    unlink,
    why_unpayable,
    work_on,
)

Levels = list[tuple[int, int]]


def check_source(instrument: Instrument, source: str) -> None:
    """Whether the instrument takes liquidity from this source."""
    if instrument.terms["source"] != source:
        raise malformed("symbol")


def check_level(price: int, qty: int) -> None:
    """A price and size that the market can show."""
    if not 0 < price <= PRICE_MAX:
        raise malformed(None, "invalid_price")
    if not 0 <= qty <= QUANTITY_MAX:
        raise malformed(None, "invalid_quantity")


def street_moves(world: World, instrument: Instrument, bids: Levels, asks: Levels) -> None:
    """The street shows new levels, and everything that they make possible happens."""
    check_source(instrument, "street")
    for price, qty in bids + asks:
        check_level(price, qty)
    set_street(world, instrument, bids, asks)
    work_on(world, instrument)


def set_street(world: World, instrument: Instrument, bids: Levels, asks: Levels) -> None:
    """Puts new levels in the place of the old ones."""
    market = instrument.market
    for side, levels in (("buy", bids), ("sell", asks)):
        market.street[side] = replaced_levels(instrument, side, levels)
    # Of several at the best price the street means the last bid and the first ask.
    market.bid = max(reversed(bids), key=lambda level: level[0], default=None)
    market.ask = min(asks, key=lambda level: level[0], default=None)
    market.is_fresh = True
    changed(world, instrument)


def replaced_levels(instrument: Instrument, side: str, levels: Levels) -> list[Level]:
    """New levels of a side: one that keeps price and size keeps what users took of it."""
    old, fresh = instrument.market.street[side], list[Level]()
    for price, size in sorted(levels, key=lambda level: best_first(side, level[0])):
        displayed = instrument.whole_lots(size)
        if displayed == 0 or any(level.price == price for level in fresh):
            continue
        same = [one for one in old if (one.price, one.displayed) == (price, displayed)]
        fresh.append(Level(price, displayed, same[0].available if same else displayed))
    return fresh


def trade_print(
    world: World, instrument: Instrument, price: int, qty: int, side: str | None
) -> None:
    """The street traded: resting orders at a better price must have traded too."""
    check_source(instrument, "street")
    check_level(price, qty)
    print_trade(world, instrument, price, qty, side)
    left = instrument.whole_lots(qty)
    while left > 0 and may_trade(world, instrument):
        order = traded_through(instrument, price)
        if order is None:
            break
        left -= fill_resting(world, order, order.limit_price, min(left, on_offer(order)))
    fire_stops(world, instrument)


def traded_through(instrument: Instrument, price: int) -> Order | None:
    """The best resting order of a user whose price is better than the print; bids first."""
    for side in ("buy", "sell"):
        for one in book(instrument, side)[:1]:
            beyond = one.limit_price != price and reaches(side, one.limit_price, price)
            if isinstance(one, Order) and beyond:
                return one
    return None


# House bots -----------------------------------------------------------------------------------


def agent_order(
    world: World, instrument: Instrument, bot_order: int, side: str, price: int | None, qty: int
) -> None:
    """A bot's order trades by the same rules as a user's, then rests."""
    check_source(instrument, "agents")
    check_level(1 if price is None else price, qty)
    market = instrument.market
    if any(isinstance(one, BotOrder) and one.id == bot_order for one in market.queue):
        raise malformed()
    market.is_fresh = True
    left = instrument.whole_lots(qty)
    while left > 0 and phase(world, instrument) in MATCHING:
        offer = next(iter(offers(instrument, side)), None)
        if offer is None or not reaches(side, price, offer.price):
            break
        wanted = min(left, offer.qty)
        if isinstance(offer.resting, Order):
            left -= fill_resting(world, offer.resting, offer.price, wanted)
        else:
            reduce_bot(instrument, offer.resting, wanted)
            print_trade(world, instrument, offer.price, wanted, side)
            left -= wanted
    if left > 0 and price is not None:
        market.queue.append(BotOrder(bot_order, side, price, left))
        changed(world, instrument)
    work_on(world, instrument)


def agent_cancel(world: World, instrument: Instrument, bot_order: int) -> None:
    """Takes a bot's order out of the book, if it still rests."""
    check_source(instrument, "agents")
    for one in list(instrument.market.queue):
        if isinstance(one, BotOrder) and one.id == bot_order:
            unlink(one, instrument)
            changed(world, instrument)
    fire_stops(world, instrument)


# Bars -----------------------------------------------------------------------------------------


def bar(
    world: World, instrument: Instrument, prices: tuple[int, int, int, int], volume: int
) -> None:
    """Orders fill along the path of a bar, then the street stands around its close."""
    check_source(instrument, "street")
    for price in prices:
        check_level(price, volume)
    first, high, low, close = prices
    if not low <= first <= high or not low <= close <= high:
        raise malformed(None, "invalid_price")
    set_street(world, instrument, [], [])
    if may_trade(world, instrument):
        Path(world, instrument, first, cap_of(instrument, volume)).walk(high, low, close)
    for price in prices:
        traded(world, instrument, price)
    instrument.market.heard.clear()
    stand_at_close(world, instrument, close, volume)
    world.on_prices(world, instrument)


def share_of_volume(instrument: Instrument, volume: int) -> int:
    """What users may fill of a volume."""
    return volume * instrument.exchange.terms["participation"] // 10**RATE_SCALE


def cap_of(instrument: Instrument, volume: int) -> int | None:
    """How much users may fill within a bar; nothing means as much as they want."""
    if instrument.exchange.terms["participation"] == 0 or volume == 0:
        return None
    return instrument.whole_lots(share_of_volume(instrument, volume))


def stand_at_close(world: World, instrument: Instrument, close: int, volume: int) -> None:
    """Puts the street around the close, unless market orders wait for the next bar."""
    terms, lot = instrument.exchange.terms, instrument.lot
    if terms["market_orders"] == "next_bar":
        return
    if volume == 0:
        size = clamp(lot * 1_000)
    else:
        share = volume if terms["participation"] == 0 else share_of_volume(instrument, volume)
        size = max(lot, instrument.whole_lots(share))
    bid = max(1, close - terms["spread_ticks"] // 2 * instrument.tick)
    ask = clamp(bid + terms["spread_ticks"] * instrument.tick)
    set_street(world, instrument, [(bid, size)], [(ask, size)])


class Path:
    """Where the path through a bar stands, and how much users may still fill."""

    def __init__(self, world: World, instrument: Instrument, price: int, left: int | None) -> None:
        self.world, self.instrument, self.price, self.left = world, instrument, price, left

    def walk(self, high: int, low: int, close: int) -> None:
        """From the open to the nearer extreme (the low when both are), the other, the close."""
        for side in ("buy", "sell"):
            for order in waiting(self.instrument, side):
                if order.is_open:
                    self.fill(order, "taker")
        self.gap_to_open()
        low_first = high - self.price >= self.price - low
        for target in ((low, high) if low_first else (high, low)) + (close,):
            self.go_to(target)

    def gap_to_open(self) -> None:
        """The open may lie beyond limit and stop prices: those orders trade at the open."""
        for side in ("buy", "sell"):
            while True:
                order = self.nearest_limit(side, self.price)
                if order is None:
                    break
                self.fill(order, "maker")
        for falling in (False, True):
            while True:
                order = self.nearest_stop(self.price, falling=falling)
                if order is None:
                    break
                self.fire(order)
        trails.walk_to(self.instrument, self.price)

    def nearest_limit(self, side: str, target: int) -> Order | None:
        """The resting order of a side that a path to `target` meets first."""
        for one in book(self.instrument, side)[:1]:
            if isinstance(one, Order) and self.left != 0:
                return one if reaches(side, one.limit_price, target) else None
        return None

    def nearest_stop(self, target: int, *, falling: bool) -> Order | None:
        """The armed order that a rising or falling path to `target` reaches first."""
        for one in armed(self.instrument, falling=falling)[:1]:
            return one if is_reached(one, target) else None
        return None

    def arrive(self, account: Account) -> None:
        """Orders of an account that came alive stand on the path from here on."""
        while True:
            order = next_arrival(self.world, self.instrument, account)
            if order is None:
                return
            may_come = order.status != "held" and order.leaves > 0
            if not may_come or not trails.can_wait(self.world, order):
                continue
            is_armed = order.is_armed
            settle(self.world, order)
            if is_armed and self.nearest_stop(self.price, falling=order.is_falling) is order:
                self.fire(order)
            elif not is_armed and order.limit_price is None:
                self.fill(order, "taker")

    def go_to(self, target: int) -> None:
        """Rising prices meet sell limits and buy stops, falling ones the others."""
        side = "sell" if target > self.price else "buy"
        while True:
            limit = self.nearest_limit(side, target)
            stop = self.nearest_stop(target, falling=side == "buy")
            if limit is None and stop is None:
                break
            limit_first = limit is not None and (
                stop is None or reaches(side, limit.limit_price, level_of(stop))
            )
            at = limit.limit_price if limit_first else level_of(stop)
            # A price that the path has passed already trades where the path stands.
            self.price = max(at, self.price) if side == "sell" else min(at, self.price)
            if limit_first:
                self.fill(limit, "maker")
            else:
                self.fire(stop)
        self.price = target
        trails.walk_to(self.instrument, self.price)

    def fire(self, order: Order) -> None:
        """A stop order fires where the path stands."""
        if leave_if_due(self.world, order):
            return
        fired(self.world, order, self.price)
        is_whole = order.time_in_force != "fok" or self.left is None or self.left >= order.leaves
        if reaches(order.side, order.limit_price, self.price) and is_whole:
            self.fill(order, "taker")
        settle(self.world, order)

    def fill(self, order: Order, liquidity: str) -> None:
        """Fills an order where the path stands, as far as the volume allows."""
        if self.left == 0 or leave_if_due(self.world, order):
            return
        notionals.size(self.world, order, self.price)
        if not order.is_open:
            return
        wanted = order.leaves if self.left is None else min(self.left, order.leaves)
        qty = payable(self.world, order, self.price, wanted, liquidity)
        if qty > 0:
            fill(self.world, order, self.price, qty, liquidity, "house")
            aggressor = order.side if liquidity == "taker" else OTHER[order.side]
            print_trade(self.world, self.instrument, self.price, qty, aggressor)
            self.left = None if self.left is None else self.left - qty
        if qty < wanted:
            cancel(self.world, order, why_unpayable(order))
        self.arrive(order.account)

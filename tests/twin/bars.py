"""A bar of the outside market: orders fill along one path through it, none outside its range."""

from twin import notionals, trails
from twin.amounts import RATE_SCALE, clamp, divide
from twin.money import payable
from twin.outside import check_level, check_source, set_street, share_of_volume, street_size
from twin.prices import OTHER, armed, book, level_of, reaches, waiting
from twin.profile import has_rules
from twin.public_trades import print_trade, traded
from twin.receipts import Met
from twin.sessions import may_trade
from twin.slippage import Bar, moved
from twin.state import Account, Instrument, Order, World, malformed
from twin.trading import (
    cancel,
    fill,
    fired,
    is_reached,
    leave_if_due,
    next_arrival,
    settle,
    why_unpayable,
)


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
        Path(world, instrument, first, Bar(low, high, volume)).walk(close)
    for price in prices:
        traded(world, instrument, price)
    instrument.market.heard.clear()
    if has_rules(instrument.profile):
        instrument.market.flow.note_bar(volume)
        instrument.market.stress.note(high - low)
    stand_at_close(world, instrument, close, volume)
    world.on_prices(world, instrument)


def cap_of(instrument: Instrument, volume: int) -> int | None:
    """How much users may fill within a bar; nothing means as much as they want."""
    if instrument.profile["participation"] == 0 or volume == 0:
        return None
    return instrument.whole_lots(share_of_volume(instrument, volume))


def stand_at_close(world: World, instrument: Instrument, close: int, volume: int) -> None:
    """Puts the street around the close, unless market orders wait for the next bar."""
    rules, tick = instrument.profile, instrument.tick
    if rules["market_orders"] == "next_bar":
        return
    size = street_size(instrument, volume)
    wide = divide(rules["spread_rate"] * close, 10**RATE_SCALE * tick, "up")
    ticks = max(rules["spread_ticks"], wide)
    bid = max(1, close - ticks // 2 * tick)
    ask = clamp(bid + ticks * tick)
    set_street(world, instrument, [(bid, size)], [(ask, size)])
    instrument.market.is_modelled = True


class Path:
    """Where the path through a bar stands, and how much users may still fill."""

    def __init__(self, world: World, instrument: Instrument, price: int, bar: Bar) -> None:
        self.world, self.instrument, self.price, self.bar = world, instrument, price, bar
        self.left = cap_of(instrument, bar.volume)
        self.rules = instrument.profile

    def walk(self, close: int) -> None:
        """From the open to one extreme, to the other, to the close."""
        for side in ("buy", "sell"):
            for order in waiting(self.instrument, side):
                if order.is_open:
                    self.fill(order, "taker", Met("bar_open"))
        at_open = self.price
        self.gap_to_open()
        low, high = self.bar.low, self.bar.high
        extremes = (high, low) if self.goes_up_first(at_open) else (low, high)
        for target in (*extremes, close):
            self.go_to(target)

    def goes_up_first(self, at_open: int) -> bool:
        """To the nearer extreme (the low when both are), or as the profile says."""
        is_nearer = self.bar.high - at_open < at_open - self.bar.low
        rises = self.nearest_stop(self.bar.high, falling=False) is not None
        falls = self.nearest_stop(self.bar.low, falling=True) is not None
        return {
            "nearer_first": is_nearer,
            "high_first": True,
            "low_first": False,
            "stops_first": is_nearer if rises == falls else rises,
        }[self.rules["path"]]

    def gap_to_open(self) -> None:
        """The open may lie beyond limit and stop prices: those orders trade at the open."""
        for side in ("buy", "sell"):
            while True:
                order = self.nearest_limit(side, self.price)
                if order is None:
                    break
                self.fill(order, "maker", Met("bar_open"))
        for falling in (False, True):
            while True:
                order = self.nearest_stop(self.price, falling=falling)
                if order is None:
                    break
                self.fire(order, is_gap=True)
        trails.walk_to(self.instrument, self.price)

    def nearest_limit(self, side: str, target: int) -> Order | None:
        """The resting order of a side that a path to `target` meets first, or goes through."""
        for one in book(self.instrument, side)[:1]:
            if isinstance(one, Order) and self.left != 0:
                meets = reaches(side, one.limit_price, target)
                is_touch = self.rules["bar_through"] and one.limit_price == target
                return one if meets and not is_touch else None
        return None

    def nearest_stop(self, target: int, *, falling: bool) -> Order | None:
        """The armed order that a rising or falling path to `target` reaches first."""
        for one in armed(self.instrument, falling=falling)[:1]:
            return one if is_reached(one, target) else None
        return None

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
                self.fill(limit, "maker", Met("bar_path"))
            else:
                self.fire(stop)
        self.price = target
        trails.walk_to(self.instrument, self.price)

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
                self.fill(order, "taker", Met("stop_fired"))

    def fire(self, order: Order, *, is_gap: bool = False) -> None:
        """A stop order fires where the path stands."""
        if leave_if_due(self.world, order):
            return
        fired(self.world, order, self.price)
        is_whole = order.time_in_force != "fok" or self.left is None or self.left >= order.leaves
        if reaches(order.side, order.limit_price, self.price) and is_whole:
            self.fill(order, "taker", Met("stop_gap" if is_gap else "stop_fired", self.price))
        settle(self.world, order)

    def price_for(self, order: Order, qty: int, met: Met) -> int:
        """The price of who takes; a stop in a gap may start at the worst price of the bar."""
        price, limit = self.price, order.limit_price
        if met.how == "stop_gap" and self.rules["gap"] == "worst":
            worst, nearer = (self.bar.high, min) if order.side == "buy" else (self.bar.low, max)
            price = worst if limit is None else nearer(worst, limit)
        at, met.slippage, met.impact = moved(
            self.world, self.instrument, order.side, limit, price, qty, self.bar
        )
        # Where the gap model starts worse than the path stands, that is slippage too.
        met.slippage += abs(price - self.price)
        return at

    def fill(self, order: Order, liquidity: str, met: Met) -> None:
        """Fills an order where the path stands, as far as the volume allows."""
        if self.left == 0 or leave_if_due(self.world, order):
            return
        notionals.size(self.world, order, self.price)
        if not order.is_open:
            return
        wanted = order.leaves if self.left is None else min(self.left, order.leaves)
        at = self.price
        if liquidity == "taker":
            at = self.price_for(order, wanted, met)
        qty = payable(self.world, order, at, wanted, liquidity)
        if qty > 0:
            fill(self.world, order, at, qty, liquidity, "house", met)
            aggressor = order.side if liquidity == "taker" else OTHER[order.side]
            print_trade(self.world, self.instrument, at, qty, aggressor)
            self.left = None if self.left is None else self.left - qty
        if qty < wanted:
            cancel(self.world, order, why_unpayable(self.world, order))
        self.arrive(order.account)

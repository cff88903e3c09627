"""Inputs of the outside market: quotes, depth, prints, bars, and the orders of house bots."""

from twin import combo_rest
from twin.amounts import PRICE_MAX, QUANTITY_MAX, RATE_SCALE, clamp
from twin.market import BotOrder, Level
from twin.prices import best_first, book, on_offer, reaches
from twin.profile import has_rules
from twin.public_trades import changed, print_trade
from twin.queue_ahead import at_the_print, pass_queue, street_moved
from twin.receipts import Met
from twin.sessions import MATCHING, may_trade, offers_to, phase
from twin.state import Instrument, Order, World, malformed
from twin.trading import fill_resting, fire_stops, reduce_bot, unlink, work_on

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
    set_street(world, instrument, merged(bids), merged(asks))
    work_on(world, instrument)


def merged(levels: Levels) -> Levels:
    """Levels of one price as one level with all of their size."""
    sizes = dict[int, int]()
    for at, size in levels:
        sizes[at] = min(QUANTITY_MAX, sizes.get(at, 0) + size)
    return list(sizes.items())


def set_street(world: World, instrument: Instrument, bids: Levels, asks: Levels) -> None:
    """Puts new levels in the place of the old ones."""
    market = instrument.market
    combo_rest.moved(instrument)
    for side, levels in (("buy", bids), ("sell", asks)):
        market.street[side] = replaced_levels(instrument, side, levels)
        street_moved(world.open, instrument, side)
    market.is_modelled = False
    # Of several at the best price the street means the last bid and the first ask.
    market.bid = max(reversed(bids), key=lambda level: level[0], default=None)
    market.ask = min(asks, key=lambda level: level[0], default=None)
    market.is_fresh, market.is_of_yesterday = True, False
    changed(world, instrument)
    if has_rules(instrument.profile) and market.bid and market.ask:
        market.stress.note(market.ask[0] - market.bid[0])


def replaced_levels(instrument: Instrument, side: str, levels: Levels) -> list[Level]:
    """New levels of a side: one that keeps price and size keeps what users took of it."""
    old, fresh = instrument.market.street[side], list[Level]()
    whole = [(price, instrument.whole_lots(size)) for price, size in levels]
    if instrument.profile["depth"] != "displayed":
        whole = modelled_touch(instrument, side, whole)
    for price, displayed in sorted(whole, key=lambda level: best_first(side, level[0])):
        if displayed == 0 or any(level.price == price for level in fresh):
            continue
        same = [one for one in old if (one.price, one.displayed) == (price, displayed)]
        fresh.append(Level(price, displayed, same[0].available if same else displayed))
    return fresh


def modelled_touch(instrument: Instrument, side: str, levels: Levels) -> Levels:
    """The best level alone: any size, or a share of what was traded lately if that is known."""
    there = [level for level in levels if level[1] > 0]
    if not there:
        return []
    price, size = min(there, key=lambda level: best_first(side, level[0]))
    volume = instrument.market.flow.volume
    if instrument.profile["depth"] == "unlimited":
        size = instrument.whole_lots(QUANTITY_MAX)
    elif volume > 0:
        size = street_size(instrument, volume)
    return [(price, size)]


def trade_print(
    world: World, instrument: Instrument, price: int, qty: int, side: str | None
) -> None:
    """The street traded: resting orders at a better price must have traded too."""
    check_source(instrument, "street")
    check_level(price, qty)
    print_trade(world, instrument, price, qty, side)
    if has_rules(instrument.profile):
        instrument.market.flow.note_print(world.now_ns, qty)
    left = instrument.whole_lots(qty)
    while left > 0 and may_trade(world, instrument):
        order = traded_through(instrument, price)
        if order is None:
            break
        met = Met("touched" if order.limit_price == price else "traded_through", price)
        wanted = min(left, on_offer(order))
        left -= fill_resting(world, order, order.limit_price, wanted, met)
    if instrument.profile["queue"] == "volume_ahead":
        serve_queue(world, instrument, price, left)
    fire_stops(world, instrument)


def serve_queue(world: World, instrument: Instrument, price: int, printed: int) -> None:
    """A print trades what stands before the orders that rest at its price, then them."""
    if printed <= 0 or not may_trade(world, instrument):
        return
    for side in ("buy", "sell"):
        filled = 0
        resting = [(one, on_offer(one)) for one in at_the_print(instrument, side, price)]
        for order, shown in resting:
            if world.is_full:
                world.unfinished.add(instrument.index)
                return
            qty = min(shown, pass_queue(order, printed - filled))
            if qty > 0:
                met = Met("queue_served", price)
                filled += fill_resting(world, order, price, qty, met)


def traded_through(instrument: Instrument, price: int) -> Order | None:
    """The best resting order of a user whose price is better than the print; bids first."""
    touch = instrument.profile["queue"] == "touch"
    for side in ("buy", "sell"):
        for one in book(instrument, side)[:1]:
            at_price = touch or one.limit_price != price
            beyond = at_price and reaches(side, one.limit_price, price)
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
        offer = next(iter(offers_to(instrument, side)), None)
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


# Sizes --------------------------------------------------------------------------------------


def share_of_volume(instrument: Instrument, volume: int) -> int:
    """What users may fill of a volume."""
    return volume * instrument.profile["participation"] // 10**RATE_SCALE


def street_size(instrument: Instrument, volume: int) -> int:
    """What the street shows where so much is traded: at least one lot."""
    if volume == 0:
        return clamp(instrument.lot * 1_000)
    no_share = instrument.profile["participation"] == 0
    share = volume if no_share else share_of_volume(instrument, volume)
    return max(instrument.lot, instrument.whole_lots(share))

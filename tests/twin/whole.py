"""Fill-or-kill orders: what one would trade for certain, whatever the book shows."""

from twin import checks
from twin.money import payable
from twin.prices import reaches
from twin.sessions import band_edge, offers_to
from twin.state import Order, World


def certain(world: World, order: Order) -> int:
    """How much an order would trade if it came now."""
    instrument = order.instrument
    if not checks.takes_part(world, order) or not instrument.market.is_fresh:
        return 0
    limit = order.limit_price
    limit = band_edge(instrument, order.side) if limit is None else limit
    filled, before = 0, dict[int, tuple[int, int]]()
    for offer in offers_to(instrument, order.side):
        if filled == order.qty or not reaches(order.side, limit, offer.price):
            break
        wanted, maker = min(offer.qty, order.qty - filled), offer.resting
        if not isinstance(maker, Order):
            filled += wanted
            continue
        is_one_owner = maker.account.owner == order.account.owner
        rule = order.more.get("self_trade", "none") if is_one_owner else "none"
        if checks.is_due(world, maker) or rule == "cancel_oldest":
            continue
        if rule != "none":
            break
        filled += given(world, maker, offer.price, wanted, before)
    return filled


def given(
    world: World, maker: Order, price: int, wanted: int, before: dict[int, tuple[int, int]]
) -> int:
    """What a resting order gives behind others of its account, which trade and pay before it."""
    ahead, held = before.get(maker.account.index, (0, 0))
    qty = payable(world, maker, price, wanted + ahead, "maker", held) - ahead
    qty = max(0, min(qty, wanted))
    before[maker.account.index] = (ahead + qty, held + maker.hold)
    return qty

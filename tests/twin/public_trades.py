"""Public trades: what everybody hears, and the prices that they leave."""

from twin import trails
from twin.sessions import may_trade
from twin.state import Instrument, World


def print_trade(
    world: World, instrument: Instrument, price: int, qty: int, side: str | None
) -> None:
    """Tells a public trade."""
    world.prints.append(
        (
            instrument.symbol,
            world.now_ns,
            instrument.price_text(price),
            instrument.qty_text(qty),
            side or "",
        )
    )
    traded(world, instrument, price)
    if may_trade(world, instrument):
        trails.hear_print(instrument, price)


def traded(world: World, instrument: Instrument, price: int) -> None:
    """Notes a traded price."""
    market = instrument.market
    market.last = price
    if market.band_reference is None:
        market.band_reference = price
    market.high = price if market.high is None else max(market.high, price)
    market.low = price if market.low is None else min(market.low, price)
    market.heard.append(price)
    changed(world, instrument)


def changed(world: World, instrument: Instrument) -> None:
    """Notes that prices have changed."""
    instrument.market.time_ns = world.now_ns
    instrument.market.is_unmarked = True

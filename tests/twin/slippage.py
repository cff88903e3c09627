"""How far the price of an aggressive fill moves away from its order: slippage and impact.

`almgren_2005`: Almgren, Thum, Hauptmann, Li, "Direct Estimation of Equity Market Impact" (2005):
I/2 + eta sigma (X/VT)^(3/5), with permanent impact I = gamma sigma (X/V) (Theta/V)^(1/4).
`square_root`: Y sigma (X/V)^(1/2). `volume_share`: k (X/VT)^2. Shares of a volume count in 10^-10,
roots in 10^-6, rates in 10^-9; everything is cut down, never rounded.
"""

from dataclasses import dataclass
from math import isqrt

from twin.amounts import PRICE_MAX, RATE_SCALE, divide
from twin.state import Instrument, World

ONE = 10**RATE_SCALE
SHARE = 10**10
ROOT = 10**6
RATE_MAX = ONE // 2
PHASE_NS = 1_800 * 10**9
GAMMA, ETA = 314, 142
USUAL_VOLATILITY = {"crypto": 40, "perpetual": 40, "fx": 6, "future": 12}
"""Of a day, in thousandths; others 20."""


@dataclass
class Bar:
    """The bar that fills an order."""

    low: int
    high: int
    volume: int


def moved(
    world: World,
    instrument: Instrument,
    side: str,
    limit: int | None,
    price: int,
    qty: int,
    bar: Bar | None = None,
) -> tuple[int, int, int]:
    """The price that an aggressive fill against the house gets for an offer at `price`.

    Besides, how much of it is slippage and how much impact; slippage goes before impact.
    """
    rules, tick = instrument.profile, instrument.tick
    if rules["slippage"] == "none":
        return price, 0, 0
    times = factor(world, instrument)
    slipped = to_tick(slippage(instrument, price) * times // ONE, tick)
    slipped = min(slipped, max(0, room_in(bar, side, price, tick)))
    rate = min(RATE_MAX, impact(instrument, qty, bar) * times // ONE)
    room = max(0, room_to(limit, side, price, tick))
    slipped = min(slipped, room)
    own = min(to_tick(price * rate // ONE, tick), room - slipped)
    return price + by_side(side, slipped + own), slipped, own


def by_side(side: str, by: int) -> int:
    """A change of a price against the one who trades."""
    return by if side == "buy" else -by


def to_tick(by: int, tick: int) -> int:
    """To the nearest tick."""
    return divide(by, tick, "half_even") * tick


def room_in(bar: Bar | None, side: str, price: int, tick: int) -> int:
    """How far a price can slip: not out of its bar, not to nothing."""
    if bar is None:
        return PRICE_MAX - price if side == "buy" else price - tick
    return bar.high - price if side == "buy" else price - bar.low


def room_to(limit: int | None, side: str, price: int, tick: int) -> int:
    """How far a price can move: never beyond the order's limit."""
    if side == "buy":
        return (PRICE_MAX if limit is None else limit) - price
    return price - (tick if limit is None else limit)


def slippage(instrument: Instrument, price: int) -> int:
    """What slips whatever the size."""
    rules = instrument.profile
    if rules["slippage"] == "ticks":
        return rules["slippage_ticks"] * instrument.tick
    if rules["slippage"] == "bps":
        return divide(price * min(RATE_MAX, rules["slippage_rate"]), ONE, "half_even")
    return 0


# Impact ---------------------------------------------------------------------------------------


def impact(instrument: Instrument, qty: int, bar: Bar | None) -> int:
    """The impact of a size as a share of the price; only where depth is modelled."""
    rules, market = instrument.profile, instrument.market
    if bar is None and not market.is_modelled and rules["depth"] == "displayed":
        return 0
    volume = market.flow.volume if bar is None else bar.volume
    coefficient = rules["slippage_rate"] or ONE
    of_flow = share(qty, volume) if volume else 0
    day = rules["daily_volume"] * 10 ** instrument.terms["qty_scale"]
    of_day = share(qty, day) if day else of_flow
    sigma = rules["daily_volatility"] or usual_volatility(instrument)
    rate = 0
    if rules["slippage"] == "volume_share":
        rate = rules["slippage_rate"] * of_flow // SHARE * of_flow // SHARE
    elif rules["slippage"] == "square_root":
        rate = sigma * isqrt(of_day * 100) // ROOT * coefficient // ONE
    elif rules["slippage"] == "almgren_2005":
        rate = almgren(instrument, sigma, of_flow if volume else of_day, of_day)
        rate = rate * coefficient // ONE
    return min(RATE_MAX, rate)


def almgren(instrument: Instrument, sigma: int, of_flow: int, of_day: int) -> int:
    """Temporary impact, and half of the permanent one where the volume of a day is known."""
    rules = instrument.profile
    temporary = ETA * sigma * three_fifths(of_flow) // (1_000 * ROOT)
    day, outstanding = rules["daily_volume"], rules["outstanding"]
    if day == 0:
        return temporary
    turnover = fourth_root(outstanding, day) if outstanding else ROOT
    permanent = GAMMA * sigma * of_day // SHARE * turnover // (1_000 * ROOT)
    return temporary + permanent // 2


def usual_volatility(instrument: Instrument) -> int:
    """What is usual for the asset class."""
    return USUAL_VOLATILITY.get(instrument.terms["asset_class"], 20) * ONE // 1_000


def share(part: int, whole: int) -> int:
    """A share of a volume, up to 400 times of it."""
    return min(400 * SHARE, part * SHARE // max(1, whole))


def three_fifths(of_volume: int) -> int:
    """The greatest root whose fifth power is not above the cube of a share."""
    low, high = 0, 40 * ROOT
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**5 <= of_volume**3 else (low, middle - 1)
    return low


def fourth_root(numerator: int, denominator: int) -> int:
    """The fourth root of a ratio."""
    ratio = min(10**31, numerator * 10**18 // denominator)
    return isqrt(isqrt(ratio * 10**6))


# Circumstances --------------------------------------------------------------------------------


def factor(world: World, instrument: Instrument) -> int:
    """The product of the factors that fit."""
    now = {
        "asset_class": instrument.terms["asset_class"],
        "phase": phase_of_day(world, instrument),
        "condition": "stressed" if instrument.market.stress.is_wide else "calm",
    }
    product = ONE
    for one in instrument.profile["factors"]:
        if all(one[name] in {None, value} for name, value in now.items()):
            product = min(1_000_000 * ONE, product * one["factor"] // ONE)
    return product


def phase_of_day(world: World, instrument: Instrument) -> str:
    """Half an hour after the opening, half an hour before the next change, or between."""
    exchange = instrument.exchange
    if not exchange.has_sessions:
        return "regular"
    if exchange.opened_ns is not None and world.now_ns < exchange.opened_ns + PHASE_NS:
        return "opening"
    closes = exchange.next_ns
    if closes > 0 and closes - PHASE_NS <= world.now_ns < closes:
        return "closing"
    return "regular"

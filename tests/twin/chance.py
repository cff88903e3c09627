"""Chance in whole numbers: every draw is a hash of (seed, id, purpose, index).

Distributions are interpolated between quantiles with nine decimals; these are computed here.
"""

from statistics import NormalDist

from twin.state import Order, World

ONE = 10**9
BITS = 2**64
GOLDEN = 0x9E37_79B9_7F4A_7C15
PURPOSES = {
    "assignment": 1,
    "command_latency": 2,
    "event_latency": 3,
    "partial_happens": 4,
    "partial_size": 5,
}
CELLS = 128
TAIL = 2.0**-24
"""How likely it is, both ways together, to lie beyond the last quantile."""


def mix(value: int) -> int:
    """The mix of SplitMix64."""
    value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9 % BITS
    value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB % BITS
    return value ^ value >> 31


def bits(seed: int, number: int, purpose: str, index: int) -> int:
    """64 even bits for one draw of one purpose."""
    value = seed + GOLDEN * PURPOSES[purpose]
    for step in (number, index):
        value = mix(value % BITS) + GOLDEN * (step + 1)
    return mix(value % BITS)


def below(drawn: int, count: int) -> int:
    """Evenly one of so many."""
    return drawn * count // BITS


def quantile(tail: float) -> int:
    """The distance from the middle beyond which a normal draw lies this rarely, in 10^-9."""
    return round(-NormalDist().inv_cdf(tail / 2) * ONE)


def quantiles(level: int) -> list[int]:
    """The ends of the cells of a level: each level divides the last cell of the one before."""
    width = CELLS ** -(level + 1)
    ends = [quantile((CELLS - cell) * width) for cell in range(CELLS)]
    return [*ends, quantile(TAIL)]


LEVELS = [quantiles(level) for level in range(3)]
POWERS = [round(2 ** (step / 256) * ONE) for step in range(257)]


def normal(drawn: int) -> int:
    """A standard normal draw, in 10^-9; the lowest bit is its sign."""
    sign, chance = (-1 if drawn & 1 else 1), drawn >> 1 << 1
    for level in range(3):
        cell, rest = divmod(chance * CELLS, BITS)
        if cell < CELLS - 1 or level == 2:
            break
        chance = rest
    low, high = LEVELS[level][cell : cell + 2]
    # Only the upper half of the rest counts.
    return sign * (low + (high - low) * (rest >> 32) // 2**32)


def exponential(x: int) -> int:
    """e^x for x in 10^-9, in 10^-9; x is bounded by 20 either way."""
    x = max(-20 * ONE, min(20 * ONE, x))
    # 1 / ln 2 has fifteen decimals; the exponent has 32 binary places, cut towards zero.
    numerator = x * 1_442_695_040_888_963 * 2**32
    exponent = abs(numerator) // 10**24 * (-1 if numerator < 0 else 1)
    whole, fraction = exponent >> 32, exponent % 2**32
    cell, rest = divmod(fraction, 2**24)
    low, high = POWERS[cell], POWERS[cell + 1]
    power = low + (high - low) * rest // 2**24
    return power << whole if whole >= 0 else power >> -whole


def log_normal(drawn: int, sigma: int) -> int:
    """A log-normal draw with median 1, in 10^-9."""
    scaled = normal(drawn) * sigma
    return exponential(abs(scaled) // ONE * (-1 if scaled < 0 else 1))


def part_of_lots(world: World, order: Order, lots: int) -> int | None:
    """The part of so many lots (or steps of a multi-leg order) that an order gets by chance."""
    rate = order.instrument.profile["partial_rate"]
    if rate == 0 or order.time_in_force == "fok":
        return None

    def drawn(purpose: str, count: int) -> int:
        seed = world.created["seed"]
        return below(bits(seed, order.number, purpose, order.filled), count)

    if drawn("partial_happens", ONE) >= rate or lots < 2:
        return None
    return drawn("partial_size", lots - 1) + 1

"""Fee schedules: rates, tiers, minimums, caps, and what regulators take of sells."""

from typing import Any

from twin.amounts import (
    AMOUNT_MAX,
    MONEY_SCALE,
    RATE_SCALE,
    NotADecimalError,
    clamp,
    divide,
    format_decimal,
    parse_decimal,
    value_of,
)
from twin.members import has_unknown_fee
from twin.state import Account, Instrument

DAY_NS = 86_400 * 10**9
WHOLE = 10**RATE_SCALE
MOST = AMOUNT_MAX // 4
PLAIN = {
    "maker_rate": (RATE_SCALE, WHOLE),
    "taker_rate": (RATE_SCALE, WHOLE),
    "per_share": (RATE_SCALE, MOST),
    "minimum": (MONEY_SCALE, MOST),
}
"""Decimals and the most of each member that every schedule has."""
RARER = {
    "per_contract": (RATE_SCALE, MOST),
    "fixed": (MONEY_SCALE, MOST),
    "cap_rate": (RATE_SCALE, WHOLE),
    "maximum": (MONEY_SCALE, MOST),
    "sale_rate": (RATE_SCALE, WHOLE),
    "sale_per_share": (RATE_SCALE, MOST),
    "sale_cap": (MONEY_SCALE, MOST),
}
REGULATORS = {"sale_rate": 27_800, "sale_per_share": 166_000, "sale_cap": 8_300_000}
CRYPTO = [
    (100_000, 12, 22), (500_000, 10, 20), (1_000_000, 8, 18), (10_000_000, 5, 15),
    (25_000_000, 2, 13), (50_000_000, 2, 12), (100_000_000, 0, 10),
]  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "none": {},
    "us_equity": REGULATORS,
    "etf": REGULATORS,
    "us_equity_per_share": REGULATORS
    | {
        "per_share": WHOLE // 200,
        "minimum": 10**MONEY_SCALE,
        "cap_rate": WHOLE // 100,
        "whole_order": True,
    },
    "us_option": {"per_contract": 650_000_000, "sale_rate": 27_800, "sale_per_share": 2_790_000},
    "future": {"per_contract": 2_250_000_000},
    "crypto": {
        "maker_rate": 1_500_000,
        "taker_rate": 2_500_000,
        "tiers": [
            {
                "volume": volume * 10**MONEY_SCALE,
                "maker_rate": maker * WHOLE // 10_000,
                "taker_rate": taker * WHOLE // 10_000,
            }
            for volume, maker, taker in CRYPTO
        ],
    },
    "perpetual": {"maker_rate": 200_000, "taker_rate": 500_000},
    "fx": {
        "maker_rate": 20_000,
        "taker_rate": 20_000,
        "minimum": 2 * 10**MONEY_SCALE,
        "whole_order": True,
    },
}


class WrongSettingError(Exception):
    """A schedule that cannot be."""


# Reading and showing --------------------------------------------------------------------------


def none() -> dict[str, Any]:
    """A schedule that takes nothing."""
    zeros = dict.fromkeys([*PLAIN, *RARER], 0)
    return {**zeros, "preset": "", "whole_order": False, "tiers": []}


def read(members: Any, is_name: Any) -> dict[str, Any]:
    """A schedule: a preset's, with what is given besides in place of its own."""
    if not isinstance(members, dict):
        raise WrongSettingError("an object")
    if has_unknown_fee(members):
        raise WrongSettingError("a member")
    preset = members.get("preset")
    preset = "" if preset is None else preset
    if not is_plain_text(preset) or (preset and not is_name(preset)):
        raise WrongSettingError("preset")
    if preset and preset not in PRESETS:
        raise WrongSettingError("preset")
    fees = none() | PRESETS.get(preset, {}) | {"preset": preset}
    for name, (scale, most) in {**PLAIN, **RARER}.items():
        fees[name] = number(members, name, scale, most, fees[name])
    if members.get("tiers") is not None:
        fees["tiers"] = tiers(members["tiers"])
    if members.get("whole_order") is not None:
        if not isinstance(members["whole_order"], bool):
            raise WrongSettingError("whole_order")
        fees["whole_order"] = members["whole_order"]
    return fees


def is_plain_text(value: Any) -> bool:
    """Whether a value is a text and no number."""
    return type(value) is str


def number(members: dict[str, Any], name: str, scale: int, most: int, default: int) -> int:
    """A decimal within 0 and `most`."""
    value = members.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise WrongSettingError(name)
    try:
        found = parse_decimal(value, scale)
    except NotADecimalError as error:
        raise WrongSettingError(name) from error
    if not 0 <= found <= most:
        raise WrongSettingError(name)
    return found


def tiers(listed: Any) -> list[dict[str, int]]:
    """Rates by traded volume, lowest first."""
    if not isinstance(listed, list) or len(listed) > 16:
        raise WrongSettingError("tiers")
    found = []
    for one in listed:
        if not isinstance(one, dict):
            raise WrongSettingError("tiers")
        tier = {"volume": number(one, "volume", MONEY_SCALE, 2**63 - 1, 0)}
        for name in ("maker_rate", "taker_rate"):
            tier[name] = number(one, name, RATE_SCALE, WHOLE, 0)
        found.append(tier)
    if found != sorted(found, key=lambda tier: tier["volume"]):
        raise WrongSettingError("tiers")
    return found


def has_rules(fees: dict[str, Any]) -> bool:
    """Whether a schedule is more than rates, an amount a share and a minimum."""
    return any(value for name, value in fees.items() if name not in PLAIN)


def show(fees: dict[str, Any]) -> dict[str, Any]:
    """A schedule as decimals: what every schedule has, and the rest where it is used."""
    shown: dict[str, Any] = decimals(fees, PLAIN)
    if not has_rules(fees):
        return shown
    if fees["preset"]:
        shown["preset"] = fees["preset"]
    rarer = decimals(fees, RARER)
    for name in ("per_contract", "fixed", "cap_rate", "maximum"):
        shown[name] = rarer[name]
    if fees["whole_order"]:
        shown["whole_order"] = True
    for name in ("sale_rate", "sale_per_share", "sale_cap"):
        shown[name] = rarer[name]
    scales = {"volume": (MONEY_SCALE, 0), "maker_rate": (9, 0), "taker_rate": (9, 0)}
    if fees["tiers"]:
        shown["tiers"] = [decimals(tier, scales) for tier in fees["tiers"]]
    return shown


def decimals(values: dict[str, int], scales: dict[str, tuple[int, int]]) -> dict[str, str]:
    """Numbers as decimal text."""
    return {name: format_decimal(values[name], scale, 0) for name, (scale, _) in scales.items()}


# The fee of a fill ----------------------------------------------------------------------------


def volume_of(account: Account, instrument: Instrument, now_ns: int) -> int:
    """What the account traded on the exchange in 30 days, this one included."""
    today = max(1, now_ns // DAY_NS)
    days = account.volumes.get(instrument.exchange.id, {})
    return sum(volume for day, volume in days.items() if day >= today - 29)


def count_volume(account: Account, instrument: Instrument, now_ns: int, notional: int) -> int:
    """Counts a fill into its day, and gives the day; 0 where no tier counts."""
    if not instrument.fees["tiers"]:
        return 0
    today = max(1, now_ns // DAY_NS)
    days = account.volumes.setdefault(instrument.exchange.id, {})
    days[today] = days.get(today, 0) + notional
    return today


def rate_of(fees: dict[str, Any], liquidity: str, volume: int) -> int:
    """The rate of the highest tier that was reached, else the plain one."""
    reached = [tier for tier in fees["tiers"] if tier["volume"] <= volume]
    return (reached[-1] if reached else fees)[f"{liquidity}_rate"]


def per_unit(amount: int, instrument: Instrument, qty: int, rounding: str) -> int:
    """An amount for one unit, times a quantity, as money."""
    # The amount has nine decimals, the quantity its own; money has six.
    return divide(amount * qty, 10 ** (RATE_SCALE - 6 + instrument.terms["qty_scale"]), rounding)


def commission(
    instrument: Instrument, rate: int, qty: int, notional: int, rounding: str
) -> dict[str, int]:
    """Rate, per share, per contract; what lifts to the minimum, what lowers to the caps."""
    fees = instrument.fees
    lines = {
        "rate": divide(rate * notional, WHOLE, rounding),
        "per_share": per_unit(fees["per_share"], instrument, qty, rounding),
        "per_contract": per_unit(fees["per_contract"], instrument, qty, rounding),
    }
    plain = sum(lines.values())
    least = max(plain, fees["minimum"])
    caps = [fees["maximum"]] if fees["maximum"] else []
    if fees["cap_rate"]:
        caps.append(divide(fees["cap_rate"] * notional, WHOLE, rounding))
    return {**lines, "minimum": least - plain, "cap": min([least, *caps]) - least}


def lines_of(
    instrument: Instrument,
    account: Account,
    side: str,
    liquidity: str,
    traded: tuple[int, int],
    before: tuple[int, int],
    now_ns: int,
) -> dict[str, int]:
    """What a fill costs, line by line; `before` is what the order has filled, with its value."""
    fees, (qty, notional) = instrument.fees, traded
    rate = rate_of(fees, liquidity, volume_of(account, instrument, now_ns))
    if fees["whole_order"] and before[0] > 0:
        earlier = value_of(before[1], 1, instrument.scales, "half_even")
        lines = commission(instrument, rate, before[0] + qty, earlier + notional, "half_up")
        for kind, paid in commission(instrument, rate, before[0], earlier, "half_up").items():
            lines[kind] -= paid
    else:
        lines = commission(instrument, rate, qty, notional, "half_up")
    lines |= {"fixed": 0 if before[0] else fees["fixed"], "regulatory": 0, "activity": 0}
    if side == "sell":
        lines["regulatory"] = divide(fees["sale_rate"] * notional, WHOLE, "half_up")
        units = per_unit(fees["sale_per_share"], instrument, qty, "half_up")
        lines["activity"] = min(units, fees["sale_cap"]) if fees["sale_cap"] else units
    return lines


def fee(
    instrument: Instrument,
    account: Account,
    side: str,
    liquidity: str,
    traded: tuple[int, int],
    before: tuple[int, int],
    now_ns: int,
) -> int:
    """The fee of a fill; `before` is what the order has filled: quantity and exact value."""
    sum_ = sum(lines_of(instrument, account, side, liquidity, traded, before, now_ns).values())
    most = AMOUNT_MAX
    if side == "sell":
        # A sell pays at most what it brings in.
        most = max(0, traded[1] if has_rules(instrument.fees) else min(traded[1], AMOUNT_MAX))
    return max(0, min(sum_, most))


def lines_of_fill(
    instrument: Instrument,
    account: Account,
    side: str,
    liquidity: str,
    traded: tuple[int, int],
    before: tuple[int, int],
    now_ns: int,
) -> list[list[Any]]:
    """The lines of a receipt, which add up to the fee; those that are zero are left out.

    Amounts that no line can carry are told as one.
    """
    lines = lines_of(instrument, account, side, liquidity, traded, before, now_ns)
    sum_ = sum(lines.values())
    due = max(0, min(sum_, max(0, traded[1]) if side == "sell" else AMOUNT_MAX))
    lines["cap"] += due - sum_
    names = {"rate": liquidity}
    if any(abs(amount) > AMOUNT_MAX for amount in lines.values()):
        return [[liquidity, due]]
    return [[names.get(kind, kind), amount] for kind, amount in lines.items() if amount]


def fee_of_hold(instrument: Instrument, qty: int, notional: int) -> int:
    """The fee that a hold sets aside: the dearest rate, rounded up, and the fixed amount."""
    fees = instrument.fees
    schedules = [fees, *fees["tiers"]]
    rate = max(one[name] for one in schedules for name in ("maker_rate", "taker_rate"))
    lines = commission(instrument, rate, qty, notional, "up")
    sum_ = sum(lines.values()) + fees["fixed"]
    return clamp(min(sum_, AMOUNT_MAX))

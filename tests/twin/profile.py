"""The fill profile as data: how it reads, its presets, its one text form."""

from typing import Any

from twin.amounts import MONEY_SCALE, RATE_SCALE, format_decimal
from twin.fees import WrongSettingError, number
from twin.fields import Number, is_name
from twin.members import has_unknown_rule

WHOLE = 10**RATE_SCALE
HOUR_NS = 3_600 * 10**9
CLASSES = ("us_equity", "crypto", "fx", "future", "perpetual", "etf", "us_option")
NO_LATENCY = {
    "model": "none",
    "mean_ns": 0,
    "deviation_ns": 0,
    "sigma": 0,
    "least_ns": 0,
    "most_ns": HOUR_NS,
}
PLAIN: dict[str, Any] = {
    "spread_rate": 0,
    "depth": "displayed",
    "slippage": "none",
    "slippage_ticks": 0,
    "slippage_rate": 0,
    "daily_volume": 0,
    "daily_volatility": 0,
    "outstanding": 0,
    "factors": [],
    "command_latency": NO_LATENCY,
    "event_latency": NO_LATENCY,
    "queue": "trade_through",
    "bar_through": False,
    "path": "nearer_first",
    "gap": "open",
    "partial_rate": 0,
}
"""What every profile has beyond its head, in the order of the tape, and the plain values."""
NUMBERS = {
    "spread_rate": (RATE_SCALE, WHOLE),
    "slippage_ticks": (0, 1_000_000),
    "slippage_rate": (RATE_SCALE, 1_000 * WHOLE),
    "daily_volume": (0, 10**15),
    "daily_volatility": (RATE_SCALE, WHOLE),
    "outstanding": (0, 10**15),
    "partial_rate": (RATE_SCALE, WHOLE),
}
"""Decimals and the most of each number."""
WORDS = {
    "depth": ("displayed", "volume", "unlimited"),
    "slippage": ("none", "ticks", "bps", "volume_share", "square_root", "almgren_2005"),
    "queue": ("touch", "trade_through", "volume_ahead"),
    "path": ("nearer_first", "high_first", "low_first", "stops_first"),
    "gap": ("open", "worst"),
}
MODELS = ("none", "constant", "normal", "log_normal")
LATENCY = {
    "mean_ns": ("mean_ms", MONEY_SCALE, HOUR_NS),
    "deviation_ns": ("deviation_ms", MONEY_SCALE, HOUR_NS),
    "sigma": ("sigma", RATE_SCALE, 3 * WHOLE),
    "least_ns": ("least_ms", MONEY_SCALE, HOUR_NS),
    "most_ns": ("most_ms", MONEY_SCALE, HOUR_NS),
}
"""How each member of a latency is called, its decimals, and its most."""
CIRCUMSTANCES = {
    "asset_class": CLASSES,
    "phase": ("opening", "regular", "closing"),
    "condition": ("calm", "stressed"),
}
HEAD: dict[str, Any] = {
    "name": "",
    "spread_ticks": 0,
    "participation": 0,
    "market_orders": "street",
}
PRESETS: dict[str, dict[str, Any]] = {
    "realistic": {
        "spread_ticks": 1,
        "participation": WHOLE // 10,
        "queue": "volume_ahead",
        "slippage": "almgren_2005",
    },
    "optimistic": {"spread_ticks": 1, "queue": "touch"},
    "conservative": {
        "spread_ticks": 2,
        "participation": WHOLE // 20,
        "bar_through": True,
        "slippage": "almgren_2005",
        "slippage_rate": 2 * WHOLE,
        "path": "stops_first",
        "gap": "worst",
    },
    "alpaca_paper": {"spread_ticks": 1, "depth": "unlimited", "partial_rate": WHOLE // 10},
}


def preset(name: str) -> dict[str, Any]:
    """The profile of a name."""
    if name not in PRESETS:
        raise WrongSettingError("preset")
    return {**HEAD, **PLAIN, **PRESETS[name], "name": name}


def read(value: Any) -> dict[str, Any]:
    """The name of a preset, or an object that may name one and say what differs from it."""
    if isinstance(value, str) and not isinstance(value, Number):
        return preset(value)
    if not isinstance(value, dict):
        raise WrongSettingError("an object")
    if has_unknown_rule(value):
        raise WrongSettingError("a member")
    name = text(value, "preset", "")
    if name:
        return read_over(value, preset(name))
    for needed in ("name", "spread_ticks", "market_orders"):
        if value.get(needed) is None:
            raise WrongSettingError(needed)
    return read_over(value, {**HEAD, **PLAIN})


def read_over(value: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """What is given stands in place of what the base says."""
    found = dict(base)
    for name, (scale, most) in NUMBERS.items():
        found[name] = number(value, name, scale, most, base[name])
    for name, words in WORDS.items():
        found[name] = word(value, name, words, base[name])
    found["bar_through"] = flag(value, "bar_through", base["bar_through"])
    if value.get("factors") is not None:
        found["factors"] = read_factors(value["factors"])
    for name in ("command_latency", "event_latency"):
        if value.get(name) is not None:
            found[name] = read_latency(value[name])
    found["spread_ticks"] = number(value, "spread_ticks", 0, 1_000_000, base["spread_ticks"])
    found["participation"] = number(
        value, "participation", RATE_SCALE, WHOLE, base["participation"]
    )
    orders = ("street", "next_bar")
    found["market_orders"] = word(value, "market_orders", orders, base["market_orders"])
    found["name"] = text(value, "name", base["name"])
    if not found["name"]:
        raise WrongSettingError("name")
    return found


def text(value: dict[str, Any], name: str, default: str) -> str:
    """A short text."""
    given = value.get(name)
    if given is None:
        return default
    is_text = isinstance(given, str) and not isinstance(given, Number)
    if not is_text or (given and not is_name(given)):
        raise WrongSettingError(name)
    return given


def word(value: dict[str, Any], name: str, words: tuple[str, ...], default: Any) -> Any:
    """One of a few words."""
    given = value.get(name)
    if given is None:
        return default
    if isinstance(given, Number) or given not in words:
        raise WrongSettingError(name)
    return given


def flag(value: dict[str, Any], name: str, default: bool) -> bool:
    """True or false."""
    given = value.get(name)
    if given is not None and not isinstance(given, bool):
        raise WrongSettingError(name)
    return default if given is None else given


def read_factors(listed: Any) -> list[dict[str, Any]]:
    """Circumstances that multiply slippage."""
    if not isinstance(listed, list) or len(listed) > 32:
        raise WrongSettingError("factors")
    found = []
    for one in listed:
        if not isinstance(one, dict):
            raise WrongSettingError("factors")
        factor = {name: word(one, name, words, None) for name, words in CIRCUMSTANCES.items()}
        factor["factor"] = number(one, "factor", RATE_SCALE, 1_000 * WHOLE, WHOLE)
        found.append(factor)
    return found


def read_latency(value: Any) -> dict[str, Any]:
    """How long messages are under way."""
    if not isinstance(value, dict):
        raise WrongSettingError("an object")
    found = {"model": word(value, "model", MODELS, "constant")}
    for name, (member, scale, most) in LATENCY.items():
        found[name] = number(value, member, scale, most, NO_LATENCY[name])
    if found["least_ns"] > found["most_ns"]:
        raise WrongSettingError("least_ms")
    return found


# Showing --------------------------------------------------------------------------------------


def has_rules(profile: dict[str, Any]) -> bool:
    """Whether a profile is more than its head."""
    return any(profile[name] != plain for name, plain in PLAIN.items())


def show(profile: dict[str, Any]) -> dict[str, Any]:
    """A profile as decimals; what is plain is left out."""
    shown = {name: profile[name] for name in HEAD}
    shown["participation"] = format_decimal(profile["participation"], RATE_SCALE, 0)
    for name, plain in PLAIN.items():
        value = profile[name]
        if value == plain:
            continue
        if NUMBERS.get(name, (0,))[0]:
            value = format_decimal(value, NUMBERS[name][0], 0)
        elif name == "factors":
            value = [show_factor(one) for one in value]
        elif name.endswith("_latency"):
            value = show_latency(value)
        shown[name] = value
    return shown


def show_factor(factor: dict[str, Any]) -> dict[str, Any]:
    """A factor with the circumstances that it is for."""
    shown = {name: factor[name] for name in CIRCUMSTANCES if factor[name]}
    return {**shown, "factor": format_decimal(factor["factor"], RATE_SCALE, 0)}


def show_latency(latency: dict[str, Any]) -> dict[str, Any]:
    """A latency in milliseconds."""
    return {
        "model": latency["model"],
        **{
            member: format_decimal(latency[name], scale, 0)
            for name, (member, scale, _) in LATENCY.items()
            if latency[name] != NO_LATENCY[name]
        },
    }

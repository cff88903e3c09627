"""The risk policy: what it may say, how it reads, and its one text form."""

import re
from dataclasses import dataclass, field
from typing import Any

from twin.amounts import (
    MONEY_SCALE,
    RATE_SCALE,
    NotADecimalError,
    divide,
    format_decimal,
    parse_decimal,
)
from twin.fields import Number, is_name
from twin.ids import format_uuid, parse_uuid
from twin.state import Account, Instrument, malformed

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
LIMIT_MAX = 10**18
WHOLE = 10**RATE_SCALE
BANS = ("restricted", "no_short")
WATCHED = ("daily_loss", "daily_loss_share", "drawdown")
SCALES = {
    "order_qty": MONEY_SCALE,
    "order_value": MONEY_SCALE,
    "order_rate": 0,
    "open_orders": 0,
    "price_collar": RATE_SCALE,
    "position_qty": MONEY_SCALE,
    "position_value": MONEY_SCALE,
    "capital_share": RATE_SCALE,
    "concentration": RATE_SCALE,
    "leverage": RATE_SCALE,
    "restricted": 0,
    "no_short": 0,
    "daily_loss": MONEY_SCALE,
    "daily_loss_share": RATE_SCALE,
    "drawdown": RATE_SCALE,
}
"""The measures, and the decimals of their limits."""
ACTIONS = ("reject", "flatten", "alert")
GROUPS = ("symbol", "asset_class", "sector")
CLASSES = ("us_equity", "crypto", "fx", "future", "perpetual", "etf", "us_option")


@dataclass
class Rule:
    """One rule: a measure, for whom, on what, its limit, and what happens there."""

    measure: str
    per: str
    of: int | str | None
    """An account's id or an owner; nothing means each by itself."""
    group: str | None
    """What the instruments are grouped by; nothing means all of them together."""
    name: str
    """One group of these, or `*`."""
    limit: int
    alert_at: int
    window_ns: int
    action: str
    set_by: str | None

    @property
    def is_ban(self) -> bool:
        return self.measure in BANS

    @property
    def is_watched(self) -> bool:
        return self.measure in WATCHED

    @property
    def limit_text(self) -> str:
        return format_decimal(self.limit, SCALES[self.measure], 0)

    def concerns(self, account: Account) -> bool:
        """Whether it is about this account."""
        mine = account.id if self.per == "account" else account.owner
        return self.of is None or self.of == mine

    def is_about(self, instrument: Instrument) -> bool:
        """Whether it is about orders in this instrument."""
        if self.group is None:
            return True
        own = instrument.terms[self.group]
        if self.name == "*":
            return own != "" or self.group != "sector"
        return own == self.name

    def counts(self, ordered: Instrument, other: Instrument) -> bool:
        """Whether `other` counts together with the instrument of an order."""
        return self.group is None or ordered.terms[self.group] == other.terms[self.group]

    def shown(self) -> dict[str, Any]:
        """The rule in its text form."""
        of = format_uuid(self.of) if isinstance(self.of, int) else self.of
        rarer = {
            "of": of,
            self.group or "": self.name if self.group else None,
            "limit": None if self.is_ban else self.limit_text,
            "alert_at": format_decimal(self.alert_at, RATE_SCALE, 0) if self.alert_at else None,
            "window_s": self.window_ns // SECOND_NS or None,
            "action": None if self.action == "reject" else self.action,
            "set_by": self.set_by,
        }
        given = {name: value for name, value in rarer.items() if value is not None}
        return {"measure": self.measure, "per": self.per, **given}


@dataclass
class Policy:
    """What a world limits."""

    rules: list[Rule] = field(default_factory=list)
    wash_trade: bool = False
    day_trading: dict[str, int] | None = None
    """`minimum_equity`, `day_trades` within `days`."""
    margin: dict[str, int] | None = None
    """`call_at`, `liquidate_at`, `grace_ns`."""
    day_starts_ns: int = 0

    @property
    def watches(self) -> bool:
        """Whether anything is watched while prices move."""
        return self.margin is not None or any(rule.is_watched for rule in self.rules)

    @property
    def has_days(self) -> bool:
        """Whether days matter."""
        return self.watches or self.day_trading is not None

    @property
    def keeps(self) -> int:
        """How many of an account's latest orders its rate rules count at most."""
        rates = [rule.limit for rule in self.rules if rule.measure == "order_rate"]
        return max(rates, default=0)

    def next_day(self, now_ns: int) -> int:
        """When the next day begins."""
        days = (now_ns - self.day_starts_ns) // DAY_NS + 1
        return days * DAY_NS + self.day_starts_ns

    def trading_day(self, now_ns: int) -> int:
        """The number of a trading day: weekdays are counted, a weekend belongs to its Friday."""
        # 1970-01-01 was a Thursday: the Monday before it lies three days back.
        days = (now_ns - self.day_starts_ns) // DAY_NS + 3
        return days // 7 * 5 + min(days % 7 + 1, 5)

    def shown(self) -> dict[str, Any]:
        """The policy in its text form."""
        shown: dict[str, Any] = {
            "rules": [rule.shown() for rule in self.rules],
            "wash_trade": self.wash_trade,
        }
        if self.day_trading:
            least = format_decimal(self.day_trading["minimum_equity"], MONEY_SCALE, 0)
            shown["day_trading"] = {**self.day_trading, "minimum_equity": least}
        if self.margin:
            shown["margin"] = {
                "call_at": format_decimal(self.margin["call_at"], RATE_SCALE, 0),
                "liquidate_at": format_decimal(self.margin["liquidate_at"], RATE_SCALE, 0),
                "grace_s": self.margin["grace_ns"] // SECOND_NS,
            }
        hour, minute = divmod(self.day_starts_ns // MINUTE_NS, 60)
        return {**shown, "day_starts": f"{hour:02}:{minute:02}"}


# Reading --------------------------------------------------------------------------------------


RULE = (
    "measure", "per", "of", "symbol", "asset_class", "sector", "limit", "alert_at", "window_s",
    "action", "set_by",
)  # fmt: skip


class Members:
    """The members of an object, all of them known; what is null is not there."""

    def __init__(self, value: Any, field: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, dict) or not set(value) <= set(known):
            raise malformed(field)
        self.given = value

    def get(self, name: str) -> Any:
        return self.given.get(name)

    def text(self, name: str) -> str | None:
        """A printable text that may be missing."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or isinstance(value, Number) or not is_name(value):
            raise malformed(name)
        return value

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self.get(name)
        if isinstance(value, Number) or value not in words:
            raise malformed(name)
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise malformed(name)
        return bool(value)

    def whole(self, name: str, most: int) -> int:
        """A whole number that is written as one."""
        value = self.get(name)
        fine = isinstance(value, Number) and re.fullmatch(r"-?\d+", value)
        if not fine or not 0 <= int(value) <= most:
            raise malformed(name)
        return int(value)

    def decimal(self, name: str, scale: int, least: int, most: int) -> int:
        """A decimal within bounds."""
        value = self.get(name)
        try:
            number = parse_decimal(value if isinstance(value, str) else "", scale)
        except NotADecimalError as why:
            raise malformed(name) from why
        if not least <= number <= most:
            raise malformed(name)
        return number


def read(value: Any) -> Policy:
    """Reads a policy; what is left out has its default."""
    members = Members(
        value, "policy", ("rules", "wash_trade", "day_trading", "margin", "day_starts")
    )
    rules = members.get("rules")
    rules = [] if rules is None else rules
    if not isinstance(rules, list) or len(rules) > 1_024:
        raise malformed("rules")
    return Policy(
        [read_rule(Members(rule, "rules", RULE)) for rule in rules],
        members.flag("wash_trade"),
        read_day_trading(members.get("day_trading")),
        read_margin(members.get("margin")),
        read_day_starts(members.text("day_starts")),
    )


def read_rule(members: Members) -> Rule:
    """Reads one rule, and refuses combinations that would mean nothing."""
    measure = members.word("measure", tuple(SCALES))
    per, of = read_who(members)
    group, name = read_what(members)
    rule = Rule(
        measure,
        per,
        of,
        group,
        name,
        read_limit(members, measure),
        0 if members.get("alert_at") is None else members.decimal("alert_at", RATE_SCALE, 1, WHOLE),
        read_window(members, measure),
        "reject" if members.get("action") is None else members.word("action", ACTIONS),
        None if members.get("set_by") is None else members.word("set_by", ("user", "admin")),
    )
    if rule.is_watched and (per == "user" or group is not None):
        raise malformed("per")
    if rule.action == "flatten" and not rule.is_watched:
        raise malformed("action")
    if measure == "position_qty" and group != "symbol":
        raise malformed("symbol")
    if rule.is_ban and (rule.alert_at or rule.action != "reject"):
        raise malformed("action")
    return rule


def read_who(members: Members) -> tuple[str, int | str | None]:
    """For whom: each account or user, or one of them."""
    of, per = members.text("of"), members.text("per") or "account"
    if per not in {"account", "user"}:
        raise malformed("per")
    if per == "user" or of is None:
        return per, of
    bits = parse_uuid(of)
    if bits is None:
        raise malformed("of")
    return per, bits


def read_what(members: Members) -> tuple[str | None, str]:
    """On what: everything, or groups of instruments."""
    given = [name for name in GROUPS if members.get(name) is not None]
    if not given:
        return None, ""
    if len(given) > 1:
        raise malformed("symbol")
    name = members.text(given[0])
    if given == ["asset_class"] and name != "*":
        name = members.word("asset_class", CLASSES)
    return given[0], name


def read_limit(members: Members, measure: str) -> int:
    """The limit; what forbids has none."""
    if measure in BANS:
        if members.get("limit") is not None:
            raise malformed("limit")
        return 0
    most = 10_000 if measure == "order_rate" else LIMIT_MAX
    return members.decimal("limit", SCALES[measure], 0, most)


def read_window(members: Members, measure: str) -> int:
    """How long orders are counted for."""
    if measure != "order_rate":
        if members.get("window_s") is not None:
            raise malformed("window_s")
        return 0
    if members.get("window_s") is None:
        return SECOND_NS
    return max(1, members.whole("window_s", 86_400)) * SECOND_NS


def read_day_trading(value: Any) -> dict[str, int] | None:
    """The rule of day trades."""
    if value is None:
        return None
    members = Members(value, "day_trading", ("minimum_equity", "day_trades", "days"))
    return {
        "minimum_equity": members.decimal("minimum_equity", MONEY_SCALE, 0, LIMIT_MAX),
        "day_trades": members.whole("day_trades", 1_000),
        "days": max(1, members.whole("days", 100)),
    }


def read_margin(value: Any) -> dict[str, int] | None:
    """When margin accounts are called and liquidated."""
    if value is None:
        return None
    members = Members(value, "margin", ("call_at", "liquidate_at", "grace_s"))
    rates = {
        name: WHOLE
        if members.get(name) is None
        else members.decimal(name, RATE_SCALE, 0, 100 * WHOLE)
        for name in ("call_at", "liquidate_at")
    }
    if rates["liquidate_at"] > rates["call_at"]:
        raise malformed("liquidate_at")
    given = members.get("grace_s") is not None
    grace = members.whole("grace_s", 31_536_000) if given else 0
    return {**rates, "grace_ns": grace * SECOND_NS}


def read_day_starts(text: str | None) -> int:
    """A time of day in UTC."""
    if text is None:
        return 0
    clock = re.fullmatch(r"(\d\d):(\d\d)", text, re.ASCII)
    if not clock or not (int(clock[1]) < 24 and int(clock[2]) < 60):
        raise malformed("day_starts")
    return (int(clock[1]) * 60 + int(clock[2])) * MINUTE_NS


def share(amount: int, rate: int) -> int:
    """A multiple of an amount, rounded up."""
    return divide(amount * rate, WHOLE, "up")

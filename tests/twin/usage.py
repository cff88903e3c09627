"""The question `usage`: how much of each limit an account uses, by the figures of its orders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin.account_risk import OF_THE_DAY
from twin.amounts import MONEY_SCALE, RATE_SCALE, clamp, divide, format_decimal, format_money
from twin.margin import worth
from twin.policy import SCALES, WHOLE, Rule
from twin.prices import price
from twin.review import adds
from twin.state import Account, Instrument, Order, World

EACH_ORDER = ("order_qty", "order_value", "price_collar")
"""Measures of one order: of several open ones the largest figure is told."""


@dataclass
class Exposure:
    """A position, and what open orders would add to each side of it."""

    instrument: Instrument
    held: int = 0
    buying: int = 0
    selling: int = 0

    @property
    def gross(self) -> int:
        """The larger of what it can come to on either side."""
        return max(abs(self.held + self.buying), abs(self.held - self.selling))

    def worth_of(self, qty: int) -> int:
        """A quantity at the live price, else the recorded one; nothing without any."""
        return self.instrument.value(price(self.instrument) or 0, clamp(qty), "half_even")

    def shown(self) -> dict[str, Any]:
        """The exposure as the answer tells it."""
        instrument, at = self.instrument, price(self.instrument)
        names = ("symbol", "asset_class", "sector", "currency")
        quantities = {"qty": self.held, "buying": self.buying, "selling": self.selling}
        return {
            **{name: instrument.terms[name] for name in names},
            **{name: instrument.qty_text(clamp(qty)) for name, qty in quantities.items()},
            "price": None if at is None else instrument.price_text(at),
            "value": format_money(self.worth_of(self.held)),
            "gross": format_money(self.worth_of(self.gross)),
        }


def show_usage(world: World, account: Account) -> dict[str, Any]:
    """The answer: each limit that concerns the account, and its exposures."""
    rules = world.risk.policy.rules if world.risk else []
    return {
        "account_id": account.text,
        "version": world.risk.version if world.risk else 0,
        "equity": format_money(worth(world, account).equity),
        "limits": [
            {"rule": place, "target": target or None, "used": used}
            for place, rule in enumerate(rules)
            if rule.concerns(account)
            for target, used in used_of(world, account, rule)
        ],
        "exposures": [one.shown() for one in exposures(world, [account])],
        "as_of_seq": world.seq,
    }


def used_of(world: World, account: Account, rule: Rule) -> list[tuple[str, str | None]]:
    """What a rule limits (its targets), and what each of them uses."""
    if rule.is_watched:
        return [("", lost(world, account, rule))]
    accounts = together(world, account, rule)
    if rule.measure == "order_rate":
        since = world.now_ns - rule.window_ns
        times = [time for one in accounts for time in one.risk.taken]
        return [(named(rule), str(sum(time > since for time in times)))]
    figures = figures_of(world, accounts, rule)
    if rule.group is None or rule.name != "*":
        figures.setdefault(named(rule), 0)
    whole = whole_of(world, accounts, rule)
    by_name = sorted(figures.items(), key=lambda one: one[0].encode())
    return [(target, text_of(rule, figure, whole)) for target, figure in by_name]


def together(world: World, account: Account, rule: Rule) -> list[Account]:
    """The accounts that a rule adds up."""
    if rule.per == "account":
        return [account]
    return [one for one in world.accounts if one.owner == account.owner]


def named(rule: Rule) -> str:
    """The one target that a rule names; the empty name for all together, or for each by itself."""
    return "" if rule.group is None or rule.name == "*" else rule.name


def target_of(rule: Rule, instrument: Instrument) -> str:
    """The name under which a rule counts an instrument."""
    return "" if rule.group is None else instrument.terms[rule.group]


def lost(world: World, account: Account, rule: Rule) -> str:
    """What was lost since the day began or from the highest equity; a profit is no loss."""
    equity, own = worth(world, account).equity, account.risk
    begin = own.day_start if rule.measure in OF_THE_DAY else own.peak
    begin = equity if begin is None else begin
    loss = max(0, begin - equity)
    if rule.measure == "daily_loss":
        return format_money(loss)
    return format_decimal(divide(loss * 10**6, max(1, begin), "half_even"), 6, 0)


def exposures(world: World, accounts: list[Account]) -> list[Exposure]:
    """What accounts hold together or could come to hold, in the order of the instruments."""
    found = []
    for instrument in world.instruments:
        held = [account.position(instrument).qty for account in accounts]
        adding = [
            order
            for account in accounts
            for order in world.open_orders(account)
            if not order.is_combo
            if order.instrument is instrument and adds(order)
        ]
        sides = [sum(one.leaves for one in adding if one.side == side) for side in ("buy", "sell")]
        if adding or any(held):
            found.append(Exposure(instrument, sum(held), *sides))
    return found


def figures_of(world: World, accounts: list[Account], rule: Rule) -> dict[str, int]:
    """The figure of each target."""
    figures: dict[str, int] = {}
    measures: dict[str, Callable[[Exposure], int]] = {
        "position_qty": lambda one: units(one.instrument, one.gross),
        "restricted": lambda one: int(one.held != 0),
        "no_short": lambda one: int(one.held < 0),
    }
    if rule.measure in EACH_ORDER or rule.measure == "open_orders":
        orders = [one for account in accounts for one in world.open_orders(account)]
        orders = [one for one in orders if not one.is_combo]
        for order in (one for one in orders if rule.is_about(one.instrument)):
            target = target_of(rule, order.instrument)
            before = figures.get(target, 0)
            is_count = rule.measure == "open_orders"
            figures[target] = before + 1 if is_count else max(before, size_of(rule, order))
        return figures
    measure = measures.get(rule.measure, lambda one: one.worth_of(one.gross))
    # Quantities of a user's accounts stand against each other, values add up.
    parts = [accounts] if rule.measure == "position_qty" else [[one] for one in accounts]
    for one in (exposure for part in parts for exposure in exposures(world, part)):
        if rule.is_about(one.instrument):
            target = target_of(rule, one.instrument)
            figures[target] = figures.get(target, 0) + measure(one)
    return figures


def units(instrument: Instrument, qty: int) -> int:
    """A quantity with six decimals, the rest cut off."""
    return qty * 10**MONEY_SCALE // 10 ** instrument.terms["qty_scale"]


def size_of(rule: Rule, order: Order) -> int:
    """What a rule about single orders measures of an open one."""
    instrument, market = order.instrument, price(order.instrument)
    if rule.measure == "order_qty":
        return units(instrument, order.qty)
    if rule.measure == "order_value":
        prices = (order.limit_price, order.stop_price, market)
        at = next((one for one in prices if one is not None), None)
        return 0 if at is None else instrument.value(at, order.qty, "up")
    at = market if order.type == "limit" or order.stop_price is None else order.stop_price
    if order.limit_price is None or at is None:
        return 0
    beyond = order.limit_price - at if order.side == "buy" else at - order.limit_price
    return divide(max(0, beyond) * WHOLE, max(1, at), "half_even")


def whole_of(world: World, accounts: list[Account], rule: Rule) -> int | None:
    """The money that a figure is told as a share of, for the rules that do."""
    if rule.measure == "capital_share":
        return sum(one.put_in for one in accounts)
    if rule.measure in {"concentration", "leverage"}:
        return sum(worth(world, one).equity for one in accounts)
    return None


def text_of(rule: Rule, figure: int, whole: int | None) -> str | None:
    """A figure as text, shares in millionths; nothing is no share of nothing or of debts."""
    if whole is not None and whole <= 0:
        return "0" if figure == 0 else None
    if whole is not None:
        figure = divide(figure * WHOLE, whole, "half_even")
    scale = SCALES[rule.measure]
    if scale == RATE_SCALE:
        return format_decimal(divide(figure, 1_000, "half_even"), 6, 0)
    return format_decimal(figure, scale, 0)

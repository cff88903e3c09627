"""Judges an order by the risk policy, after it has passed the checks that every world makes.

A rule rejects only what makes its figure worse. Figures count open orders as if they had filled,
each on its own side; orders that wait for their parent or only reduce count for nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

from twin.account_risk import OF_THE_DAY
from twin.amounts import MONEY_SCALE, RATE_SCALE, clamp, divide, format_decimal
from twin.checks import Failure
from twin.margin import worth
from twin.policy import WHOLE, Rule
from twin.prices import price
from twin.risk_state import Risk, why_killed
from twin.state import Account, Instrument, Order, World

CHECKS = (
    "order", "buying_power", "kill_switch", "loss_stop", "order_size", "order_rate", "open_orders",
    "price_collar", "position", "capital_share", "concentration", "leverage", "restricted", "short",
    "wash_trade", "day_trades",
)  # fmt: skip
"""The checks of an accepted order; the place of each is its bit."""
REASONS = {
    "order_qty": ("order_size", "order_size_limit"),
    "order_value": ("order_size", "order_size_limit"),
    "order_rate": ("order_rate", "order_rate_limit"),
    "open_orders": ("open_orders", "open_orders_limit"),
    "price_collar": ("price_collar", "price_collar"),
    "position_qty": ("position", "position_limit"),
    "position_value": ("position", "position_limit"),
    "capital_share": ("capital_share", "capital_share_limit"),
    "concentration": ("concentration", "concentration_limit"),
    "leverage": ("leverage", "leverage_limit"),
    "restricted": ("restricted", "restricted"),
    "no_short": ("short", "short_not_permitted"),
}
"""The check of each measure, and the reason that it rejects with."""


@dataclass
class Figure:
    """What a rule measures, without the order and with it; shares are told in millionths."""

    before: int
    after: int
    scale: int
    whole: int | None = None
    """What a share is a share of; of nothing or of debts every share is too much."""

    @property
    def text(self) -> str:
        if self.whole is None:
            return format_decimal(self.after, self.scale, 0)
        if self.whole <= 0:
            return "unbounded"
        share = divide(self.after * WHOLE, self.whole, "half_even")
        return format_decimal(divide(share, 1_000, "half_even"), 6, 0)

    def is_beyond(self, rule: Rule) -> bool:
        """Whether it is beyond the limit."""
        return self.whole == 0 or self.size > rule.limit

    def is_near(self, rule: Rule) -> bool:
        """Whether it has come to the share of the limit that raises an alert."""
        soft = Fraction(rule.limit * rule.alert_at, WHOLE)
        return rule.alert_at > 0 and (self.whole == 0 or self.size >= soft)

    @property
    def size(self) -> Fraction:
        """The figure with the order, in the scale of the limit."""
        if self.whole is None:
            return Fraction(self.after)
        return Fraction(self.after * WHOLE, self.whole)


def share_of(before: int, after: int, whole: int) -> Figure:
    """A share of money."""
    return Figure(before, after, RATE_SCALE, max(0, whole))


@dataclass
class Verdict:
    """What a policy says about an order that it lets pass."""

    passed: dict[str, int]
    """What the accepted order keeps."""
    alerts: list[dict[str, Any]]


def judge(
    world: World,
    order: Order,
    replaces: Order | None = None,
    beside: Sequence[Order] = (),
) -> tuple[Failure | None, Verdict | None]:
    """The first failure, or the verdict; nothing at all in a world without risk state."""
    if world.risk is None:
        return None, None
    return Review(world, world.risk, order, replaces, beside).run()


def failures_of_risk(world: World, order: Order, beside: Sequence[Order] = ()) -> list[Failure]:
    """All rules that reject an order, as a preview lists them."""
    if world.risk is None:
        return []
    review = Review(world, world.risk, order, None, beside, world.turn_ns)
    failed = [review.judge(rule)[0] for rule in review.rules()]
    failed += [next(review.not_killed(), None), next(review.not_stopped(), None)]
    failed += [review.wash_trade(), review.day_trade_too_many()]
    return [one for one in failed if one is not None]


class Review:
    """One order under review; `replaces` is the open order whose new terms these are.

    `beside`: legs of the same order that count as if they were open.
    """

    def __init__(
        self,
        world: World,
        risk: Risk,
        order: Order,
        replaces: Order | None,
        beside: Sequence[Order] = (),
        now_ns: int | None = None,
    ) -> None:
        self.world, self.risk, self.order, self.replaces = world, risk, order, replaces
        self.beside = beside
        self.account, self.instrument = order.account, order.instrument
        self.now_ns = world.now_ns if now_ns is None else now_ns

    def run(self) -> tuple[Failure | None, Verdict | None]:
        """All rules in the documented order."""
        checks = {"order", "buying_power", "kill_switch", "loss_stop"}
        alerts = []
        failure = next(chain(self.not_killed(), self.not_stopped()), None)
        if failure:
            return failure, None
        for place, rule in enumerate(self.risk.policy.rules):
            if rule not in self.rules():
                continue
            failure, alert = self.judge(rule)
            if failure:
                return failure, None
            if alert:
                alerts.append({"rule": place, **alert})
            checks.add(REASONS[rule.measure][0])
        failure = self.wash_trade() or self.day_trade_too_many()
        if failure:
            return failure, None
        checks |= {"wash_trade"} if self.risk.policy.wash_trade else set()
        checks |= {"day_trades"} if self.risk.policy.day_trading else set()
        bits = sum(1 << CHECKS.index(check) for check in checks)
        keep = self.risk.policy.keeps
        return None, Verdict({"policy": self.risk.version, "checks": bits, "keep": keep}, alerts)

    def rules(self) -> list[Rule]:
        """The rules that are about this order; a replace is no further order."""
        counts = {"order_rate", "open_orders"} if self.replaces is not None else set()
        return [
            rule
            for rule in self.risk.policy.rules
            if not rule.is_watched
            and rule.measure not in counts
            and rule.concerns(self.account)
            and rule.is_about(self.instrument)
        ]

    def not_killed(self) -> Iterator[Failure]:
        """No kill switch is on."""
        if why_killed(self.world, self.account) is not None:
            yield Failure("kill_switch")

    def not_stopped(self) -> Iterator[Failure]:
        """An account that came to its loss limit only closes."""
        stop = self.account.risk.stop
        if stop is not None and self.opens():
            of_day = stop["measure"] in OF_THE_DAY
            reason = "daily_loss_stop" if of_day else "drawdown_stop"
            yield Failure(reason, None, stop["value"], stop["limit"])

    def judge(self, rule: Rule) -> tuple[Failure | None, dict[str, str] | None]:
        """One rule: a failure beyond it, an alert near it."""
        if rule.is_ban:
            return self.banned(rule), None
        figure = self.figure(rule)
        if figure is None or figure.after <= figure.before:
            return None, None
        beyond = figure.is_beyond(rule)
        if beyond and rule.action != "alert":
            field = "limit_price" if rule.measure == "price_collar" else "qty"
            return Failure(REASONS[rule.measure][1], field, figure.text, rule.limit_text), None
        if not beyond and not figure.is_near(rule):
            return None, None
        return None, {"measure": rule.measure, "value": figure.text, "limit": rule.limit_text}

    # Who and what counts ------------------------------------------------------------------------

    def together(self, rule: Rule | None = None) -> list[Account]:
        """The accounts that a rule adds up; without one all of the owner."""
        if rule is not None and rule.per == "account":
            return [self.account]
        return [one for one in self.world.accounts if one.owner == self.account.owner]

    def open_orders(self, account: Account) -> list[Order]:
        """The open orders of an account besides the one that is replaced."""
        orders = self.world.open_orders(account)
        return [one for one in orders if one is not self.replaces and not one.is_combo]

    @property
    def left_before(self) -> int:
        """What is left of the order that is replaced."""
        return 0 if self.replaces is None else self.replaces.leaves

    @property
    def left_after(self) -> int:
        """What the order could add to a position."""
        if self.order.only_closes:
            return 0
        return self.order.qty - (0 if self.replaces is None else self.replaces.filled)

    def side_of(self, account: Account, instrument: Instrument, side: str) -> int:
        """The position on a side (long for buys) when the other open orders of it have filled."""
        held = account.position(instrument).qty
        adding = sum(
            one.leaves
            for one in self.open_orders(account)
            if one.instrument is instrument and one.side == side and adds(one)
        )
        adding += sum(
            one.qty
            for one in self.beside
            if account is self.account and one.instrument is instrument and one.side == side
        )
        return adding + (held if side == "buy" else -held)

    def gross(self, account: Account, instrument: Instrument, extra: int = 0) -> int:
        """The larger of what the position can come to on either side, with `extra` of ours."""
        more = {"buy": 0, "sell": 0, self.order.side: extra}
        return max(
            abs(self.side_of(account, instrument, side) + more[side]) for side in ("buy", "sell")
        )

    def opens(self) -> bool:
        """Whether the order could make a position larger."""
        side = self.order.side
        return self.side_of(self.account, self.instrument, side) + self.left_after > 0

    # Figures ------------------------------------------------------------------------------------

    def figure(self, rule: Rule) -> Figure | None:
        """What a rule measures; nothing where it says nothing about this order."""
        figures: dict[str, Callable[[Rule], Figure | None]] = {
            "order_qty": lambda _: Figure(0, self.units(self.order.qty), MONEY_SCALE),
            "order_value": self.order_value,
            "order_rate": self.order_rate,
            "open_orders": self.count_of_open,
            "price_collar": self.aggression,
            "position_qty": self.position_qty,
        }
        return figures.get(rule.measure, self.exposure)(rule)

    def units(self, qty: int) -> int:
        """A quantity with six decimals, the rest cut off."""
        return qty * 10**MONEY_SCALE // 10 ** self.instrument.terms["qty_scale"]

    def judged_price(self) -> int | None:
        """The price at which the size of the order is judged."""
        prices = (self.order.limit_price, self.order.stop_price, price(self.instrument))
        return next((one for one in prices if one is not None), None)

    def order_value(self, _: Rule) -> Figure | None:
        """The value of this order."""
        at = self.judged_price()
        if at is None:
            return None
        return Figure(0, self.instrument.value(at, self.order.qty, "up"), MONEY_SCALE)

    def order_rate(self, rule: Rule) -> Figure:
        """Orders within the last seconds, this one included."""
        since = self.now_ns - rule.window_ns
        times = [one for account in self.together(rule) for one in account.risk.taken]
        taken = sum(one > since for one in times)
        return Figure(taken, taken + 1, 0)

    def count_of_open(self, rule: Rule) -> Figure:
        """Open orders, this one included."""
        orders = [one for account in self.together(rule) for one in self.open_orders(account)]
        count = sum(rule.counts(self.instrument, one.instrument) for one in orders)
        return Figure(count, count + 1, 0)

    def aggression(self, _: Rule) -> Figure | None:
        """How far a limit price lies beyond the market, or beyond its own stop price."""
        order, market = self.order, price(self.instrument)
        at = market if order.type == "limit" or order.stop_price is None else order.stop_price
        if order.limit_price is None or at is None:
            return None
        beyond = order.limit_price - at if order.side == "buy" else at - order.limit_price
        return share_of(0, max(0, beyond), at)

    def position_qty(self, rule: Rule) -> Figure:
        """The quantity on the order's side."""
        side = self.order.side
        sides = [self.side_of(one, self.instrument, side) for one in self.together(rule)]
        before = max(0, sum(sides) + self.left_before)
        after = max(0, sum(sides) + self.left_after)
        return Figure(self.units(before), self.units(after), MONEY_SCALE)

    def exposure(self, rule: Rule) -> Figure:
        """The value of positions, or the share that it is of money put in or of equity."""
        before, after = self.exposures(rule)
        if rule.measure == "position_value":
            return Figure(before, after, MONEY_SCALE)
        accounts = self.together(rule)
        if rule.measure == "capital_share":
            return share_of(before, after, sum(one.put_in for one in accounts))
        return share_of(before, after, sum(worth(self.world, one).equity for one in accounts))

    def exposures(self, rule: Rule) -> tuple[int, int]:
        """The gross value of what counts, without the order and with it."""
        before = after = 0
        for account in self.together(rule):
            for instrument in self.world.instruments:
                if not rule.counts(self.instrument, instrument):
                    continue
                is_ours = account is self.account and instrument is self.instrument
                ours = (self.left_before, self.left_after) if is_ours else (0, 0)
                before += self.valued(instrument, self.gross(account, instrument, ours[0]))
                after += self.valued(instrument, self.gross(account, instrument, ours[1]))
        return before, after

    def valued(self, instrument: Instrument, qty: int) -> int:
        """A quantity at the live price, else at the order's own."""
        at = price(instrument)
        if at is None and instrument is self.instrument:
            at = self.judged_price()
        return instrument.value(at or 0, clamp(qty), "half_even")

    # Bans, wash trades, day trades --------------------------------------------------------------

    def banned(self, rule: Rule) -> Failure | None:
        """What a rule forbids: to open, or to sell what is not held."""
        instrument, order = self.instrument, self.order
        reason = REASONS[rule.measure][1]
        if rule.measure == "restricted":
            if not self.opens():
                return None
            return Failure(reason, "symbol", instrument.symbol, "restricted")
        short = self.side_of(self.account, instrument, "sell") + self.left_after
        if order.side == "buy" or short <= 0:
            return None
        texts = (order.qty, max(0, order.qty - short))
        return Failure(reason, "qty", *(instrument.qty_text(qty) for qty in texts))

    def wash_trade(self) -> Failure | None:
        """The order could trade with an open order of the same user."""
        if not self.risk.policy.wash_trade:
            return None
        for account in self.together():
            for other in self.open_orders(account):
                if other.instrument is self.instrument and self.could_meet(other):
                    prices = (self.order.limit_price, other.limit_price)
                    return Failure("wash_trade", None, *map(self.price_or_market, prices))
        return None

    def could_meet(self, other: Order) -> bool:
        """Whether the order could trade with another one."""
        own, price = self.order.limit_price, other.limit_price
        if other.side == self.order.side or other.status == "held":
            return False
        if own is None or price is None:
            return True
        return own >= price if self.order.side == "buy" else own <= price

    def price_or_market(self, price: int | None) -> str:
        """A limit price, or the word for none."""
        return "market" if price is None else self.instrument.price_text(price)

    def day_trade_too_many(self) -> Failure | None:
        """The order would make one day trade more than an account of this equity may."""
        rule, own = self.risk.policy.day_trading, self.account.risk
        if rule is None or self.account.margin is None:
            return None
        closes = self.account.position(self.instrument).closing(self.order.side) > 0
        is_known = own.day == self.risk.day and self.instrument.index in own.opened
        first = max(0, self.risk.day + 1 - rule["days"])
        made = sum(day >= first for day in own.day_trades)
        if not (closes and is_known) or made < rule["day_trades"]:
            return None
        if worth(self.world, self.account).equity >= rule["minimum_equity"]:
            return None
        return Failure("day_trade_limit", None, str(made + 1), str(rule["day_trades"]))


def adds(order: Order) -> bool:
    """Whether an open order can make a position larger."""
    waits = order.status == "held" and not order.is_bound
    return not waits and not order.only_closes

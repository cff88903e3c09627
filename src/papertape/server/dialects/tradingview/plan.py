"""Which orders bring one account where an alert wants it.

Pure: an alert, the webhook's sizing and the facts of the account in, orders out. Everything is
planned as a way from what is held to a target: a plain order's target is what is held and its
size, and a way that crosses zero closes first and then opens, since a cash account can do the one
and not the other. What the account can pay, and every other rule, is the floor's to say.
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal

from papertape.domain.decimal_text import decimal_text
from papertape.server.dialects.tradingview.alert import Alert, Level
from papertape.server.dialects.tradingview.words import Position, Side

SizingMethod = Literal["alert", "fixed", "percent", "risk"]
Clearing = Literal["nothing", "entries", "all"]

_HUNDRED = Decimal(100)
_SIGN: dict[Position, int] = {"long": 1, "short": -1, "flat": 0}
_SIDE_SIGN: dict[Side, int] = {"buy": 1, "sell": -1}


class PlanRefusedError(Exception):
    """No order is sent for this account; `reason` is stable."""

    def __init__(
        self, reason: str, detail: str, *, value: str | None = None, limit: str | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.value = value
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Sizing:
    """How much to trade: what the alert says, a fixed quantity, or a percentage of equity.

    `percent` is worth that share of equity, `risk` loses that share at the stop loss.
    """

    method: SizingMethod = "alert"
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One account in one instrument, now. `held` is below zero when short.

    `rate` is what one unit of the account's currency gives of the instrument's; None where the
    world states none.
    """

    symbol: str
    currency: str
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    held: Decimal
    equity: Decimal
    account_currency: str
    rate: Decimal | None = Decimal(1)


@dataclass(slots=True)
class Plan:
    """The orders, each the fields of a submit without account and id; none when all is done.

    `size` tells how much is opened and what that is worth and risks; None where nothing is.
    """

    target: Decimal
    orders: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: dict[str, str | None] | None = None


def plan(alert: Alert, sizing: Sizing, facts: Facts) -> Plan:
    """The orders from what is held to what the alert wants; raises `PlanRefusedError`."""
    planning = _Planning(alert, sizing, facts)
    target = planning.target()
    orders = planning.orders(target)
    return Plan(target, orders, planning.notes, planning.size(target))


def to_clear(alert: Alert, target: Decimal, held: Decimal) -> Clearing:
    """Which earlier orders of the webhook stand in the way, to be canceled first.

    Protective orders promise the shares that a closing order sells, so they go when it comes. A
    position to have makes entries that still wait meaningless; a plain order leaves them alone.
    """
    ends = held != 0 and target * held <= 0
    if ends or (alert.is_target and abs(target) < abs(held)):
        return "all"
    return "entries" if alert.is_target or alert.verb == "close" else "nothing"


class _Planning:
    def __init__(self, alert: Alert, sizing: Sizing, facts: Facts) -> None:
        self._alert = alert
        self._sizing = sizing
        self._facts = facts
        self.notes: list[str] = []

    # --- where to go -----------------------------------------------------------------------------

    def target(self) -> Decimal:
        """The position to have."""
        if self._alert.position is not None:
            return self._position_target(self._alert.position)
        if self._alert.verb == "close":
            return self._after_close()
        return self._after_order()

    def _position_target(self, position: Position) -> Decimal:
        if position == "flat":
            return Decimal(0)
        held, sign = self._facts.held, _SIGN[position]
        if self._sizing.method == "alert":
            return self._told_target(position, sign)
        if held * sign <= 0:
            return sign * self._quantity("buy" if sign > 0 else "sell")
        if self._sizing.method == "fixed" and not self._is_scaled():
            return sign * self._quantity("buy" if sign > 0 else "sell")
        return self._scaled(held)

    def _told_target(self, position: Position, sign: int) -> Decimal:
        """The target by the figures of the alert."""
        alert = self._alert
        side: Side = "buy" if sign > 0 else "sell"
        if alert.position_size is not None:
            return sign * self._in_lots(alert.position_size)
        if not alert.has_size:
            raise PlanRefusedError(
                "no_size",
                "the alert names no size; send market_position_size or contracts, or give the "
                "webhook a sizing",
            )
        quantity = self._quantity(alert.side or side)
        if alert.previous in {None, "flat"}:
            return sign * quantity
        moved = quantity * _SIDE_SIGN[alert.side or side]
        if alert.previous_size is not None and alert.previous is not None:
            return _SIGN[alert.previous] * abs(alert.previous_size) + moved
        self.notes.append(
            f"the alert does not say how large the {position} position is to be, so its size is "
            "added to what is held; send market_position_size to be safe against lost alerts"
        )
        return self._facts.held + moved

    def _is_scaled(self) -> bool:
        """Whether the strategy changed the size of a position that it had already."""
        alert = self._alert
        return (
            alert.previous in {None, alert.position}
            and bool(alert.position_size)
            and bool(alert.previous_size)
            and abs(alert.previous_size or 0) != alert.position_size
        )

    def _scaled(self, held: Decimal) -> Decimal:
        """A position that is there already grows and shrinks with that of the strategy."""
        alert = self._alert
        if not self._is_scaled():
            self.notes.append(f"the account is {alert.position} already; its size stays as it is")
            return held
        assert alert.position_size is not None
        assert alert.previous_size is not None
        return _down_to(held * alert.position_size / abs(alert.previous_size), self._facts.lot_size)

    def _after_close(self) -> Decimal:
        alert, held = self._alert, self._facts.held
        wrong_side = alert.side is not None and held * _SIDE_SIGN[alert.side] > 0
        if held == 0 or wrong_side:
            self.notes.append(f"there is no such position in {self._facts.symbol} to close")
            return held
        if not alert.has_size:
            return Decimal(0)
        if alert.percent is not None:
            part = _down_to(abs(held) * alert.percent / _HUNDRED, self._facts.lot_size)
        else:
            part = self._size_of_alert("sell" if held > 0 else "buy")
        part = min(part, abs(held))
        return held - part if held > 0 else held + part

    def _after_order(self) -> Decimal:
        side = self._alert.side
        assert side is not None
        if self._sizing.method == "alert" and not self._alert.has_size:
            raise PlanRefusedError(
                "no_size",
                "the alert names no size; send contracts, or give the webhook a sizing",
            )
        return self._facts.held + _SIDE_SIGN[side] * self._quantity(side)

    # --- how much --------------------------------------------------------------------------------

    def _quantity(self, side: Side) -> Decimal:
        """The size of an opening order in whole lots; never zero."""
        method, value = self._sizing.method, self._sizing.value
        if method == "alert":
            return self._size_of_alert(side)
        assert value is not None
        if method == "fixed":
            return self._in_lots(value)
        if method == "percent":
            return self._worth(self._share_of_equity(value) * (self._alert.leverage or 1), side)
        return self._at_risk(value, side)

    def _size_of_alert(self, side: Side) -> Decimal:
        alert = self._alert
        if alert.contracts is not None:
            return self._in_lots(alert.contracts)
        if alert.notional is not None:
            return self._worth(alert.notional, side)
        assert alert.percent is not None
        return self._worth(self._share_of_equity(alert.percent) * (alert.leverage or 1), side)

    def _share_of_equity(self, percent: Decimal) -> Decimal:
        """In the currency of the instrument."""
        facts = self._facts
        if facts.rate is None:
            raise PlanRefusedError(
                "currency_mismatch",
                f"{facts.symbol} trades in {facts.currency}, the account counts in "
                f"{facts.account_currency}, and no rate between them is stated; size this "
                "instrument by quantity",
                value=facts.currency,
                limit=facts.account_currency,
            )
        return facts.equity * percent / _HUNDRED * facts.rate

    def _worth(self, money: Decimal, side: Side) -> Decimal:
        """As many units as the money buys."""
        return self._in_lots(money / (self._entry(side) * self._facts.multiplier))

    def _at_risk(self, percent: Decimal, side: Side) -> Decimal:
        """As many units as lose that share of equity between entry and stop."""
        entry = self._entry(side)
        stop = self._price_of(self._alert.stop_loss, entry, -_SIDE_SIGN[side])
        if stop is None or stop == entry:
            raise PlanRefusedError(
                "no_stop",
                "sizing by risk divides by the distance to the stop loss; send sl with the alert",
                value=None if stop is None else decimal_text(stop),
            )
        distance = abs(entry - stop) * self._facts.multiplier
        return self._in_lots(self._share_of_equity(percent) / distance)

    def _in_lots(self, quantity: Decimal) -> Decimal:
        lots = _down_to(quantity, self._facts.lot_size)
        if lots <= 0:
            raise PlanRefusedError(
                "size_too_small",
                f"the size comes to {_shown(quantity)} and {self._facts.symbol} trades in lots of "
                f"{_shown(self._facts.lot_size)}; raise it",
                value=_shown(quantity),
                limit=_shown(self._facts.lot_size),
            )
        if lots != quantity and quantity in {self._alert.contracts, self._sizing.value}:
            self.notes.append(f"{_shown(quantity)} is no whole number of lots; {_shown(lots)} is")
        return lots

    def _entry(self, side: Side) -> Decimal:
        """The price that an order would have: its own, else that of the market."""
        alert, facts = self._alert, self._facts
        market = facts.ask if side == "buy" else facts.bid
        price = alert.limit_price or alert.stop_price or market or facts.last
        if not price or price < 0:
            raise PlanRefusedError(
                "no_price",
                f"there is no price of {facts.symbol} to size the order by; try again when it "
                "trades, or size by quantity",
            )
        return price

    def size(self, target: Decimal) -> dict[str, str | None] | None:
        """What is opened on the way to the target, in the currency of the instrument."""
        facts = self._facts
        crosses = target * facts.held < 0
        quantity = abs(target) if crosses else abs(target) - abs(facts.held)
        if quantity <= 0:
            return None
        side: Side = "buy" if target > 0 else "sell"
        try:
            entry = self._entry(side)
        except PlanRefusedError:  # by quantity without a price: what it is worth is not known
            return {"side": side, "qty": decimal_text(quantity)}
        stop = self._price_of(self._alert.stop_loss, entry, -_SIDE_SIGN[side])
        units = quantity * facts.multiplier
        risk = None if stop is None else abs(entry - stop) * units
        return {
            "side": side,
            "qty": decimal_text(quantity),
            "price": decimal_text(entry),
            "currency": facts.currency,
            "worth": _shown(entry * units),
            "worth_percent": self._percent_of_equity(entry * units),
            "stop": _maybe(stop),
            "risk": None if risk is None else _shown(risk),
            "risk_percent": None if risk is None else self._percent_of_equity(risk),
            "rate": None if facts.rate is None else _shown(facts.rate),
        }

    def _percent_of_equity(self, money: Decimal) -> str | None:
        facts = self._facts
        if not facts.rate or facts.equity <= 0:
            return None
        share = money / facts.rate / facts.equity * _HUNDRED
        return decimal_text(share.quantize(Decimal("0.0001")))

    # --- the orders ------------------------------------------------------------------------------

    def orders(self, target: Decimal) -> list[dict[str, Any]]:
        """The way from what is held to the target."""
        held = self._facts.held
        if target == held:
            return []
        side: Side = "buy" if target > held else "sell"
        if target * held < 0:
            return [self._closing(side, abs(held)), self._opening(side, abs(target))]
        if abs(target) > abs(held):
            return [self._opening(side, abs(target - held))]
        closing = self._closing(side, abs(target - held))
        return [closing, *self._protection(side, abs(target))] if target else [closing]

    def _closing(self, side: Side, quantity: Decimal) -> dict[str, Any]:
        return self._order(side, quantity) | {"reduce_only": True}

    def _opening(self, side: Side, quantity: Decimal) -> dict[str, Any]:
        """With the stop loss and the take profit of the alert, as the legs of a bracket."""
        order = self._order(side, quantity)
        profit, loss = self._legs(side)
        if profit is None and loss is None:
            return order
        both = profit is not None and loss is not None
        order["order_class"] = "bracket" if both else "oto"
        order["time_in_force"] = self._alert.time_in_force or "gtc"
        return order | _without_none({"take_profit": profit, "stop_loss": loss})

    def _protection(self, side: Side, quantity: Decimal) -> list[dict[str, Any]]:
        """What is left of a position gets the protection again that closing a part took away."""
        if not self._alert.is_target:
            return []
        profit, loss = self._legs("sell" if side == "buy" else "buy")
        base = {
            "symbol": self._facts.symbol,
            "side": side,
            "qty": decimal_text(quantity),
            "time_in_force": "gtc",
        }
        if profit is not None:
            order = base | {"type": "limit"} | profit
            return [order | {"order_class": "oco", "stop_loss": loss} if loss else order]
        if loss is not None:
            return [base | {"type": "stop_limit" if "limit_price" in loss else "stop"} | loss]
        return []

    def _order(self, side: Side, quantity: Decimal) -> dict[str, Any]:
        alert = self._alert
        order = {
            "symbol": self._facts.symbol,
            "side": side,
            "type": alert.type,
            "qty": decimal_text(quantity),
            "limit_price": _maybe(alert.limit_price),
            "stop_price": _maybe(alert.stop_price),
            "time_in_force": alert.time_in_force or "day",
        }
        return _without_none(order)

    def _legs(self, side: Side) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        """Take profit and stop loss of a position that is opened by that side."""
        alert = self._alert
        if alert.take_profit is None and alert.stop_loss is None:
            return None, None
        entry = self._entry(side)
        sign = _SIDE_SIGN[side]
        profit = self._price_of(alert.take_profit, entry, sign)
        loss = self._price_of(alert.stop_loss, entry, -sign)
        stop = {"stop_price": _maybe(loss), "limit_price": _maybe(alert.stop_loss_limit)}
        return (
            None if profit is None else {"limit_price": decimal_text(profit)},
            None if loss is None else _without_none(stop),
        )

    def _price_of(self, level: Level | None, entry: Decimal, sign: int) -> Decimal | None:
        """A level as a price; `sign` is the way in which a percentage leads from the entry."""
        if level is None or not level.is_percent:
            return None if level is None else level.value
        price = entry * (1 + sign * level.value / _HUNDRED)
        ticks = (price / self._facts.tick_size).to_integral_value()
        return ticks * self._facts.tick_size


def _down_to(quantity: Decimal, lot_size: Decimal) -> Decimal:
    """Whole lots, towards zero."""
    return (quantity / lot_size).to_integral_value(ROUND_DOWN) * lot_size


def _shown(quantity: Decimal) -> str:
    """A quantity for people: not more digits than anyone reads."""
    exact = quantity.quantize(Decimal("1e-9")) if abs(quantity) < Decimal("1e18") else quantity
    return decimal_text(exact)


def _maybe(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

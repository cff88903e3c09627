"""What a multi-leg order asks of its account: the strategy as a whole, never the sum of its legs.

A margin account is asked by how much the trade would lower the equity that nothing needs. A cash
account pays the net price, the fees and the strikes of the puts that it writes, and sells what it
has or gets in the same trade.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

from twin.amounts import AMOUNT_MAX, QUANTITY_MAX, clamp, format_money
from twin.combo_books import Plan
from twin.combos import Combo, Part
from twin.currencies import convert
from twin.failures import Failure
from twin.fees import fee_of_hold
from twin.margin import borrowable, power_for, tied_up, worth
from twin.money import cost_of, signed
from twin.options import free_to_sell, is_option, underlying_of
from twin.prices import price
from twin.state import Account, Position, World


@dataclass
class Change:
    """What is traded of one leg."""

    part: Part
    qty: int
    notional: int


@dataclass
class Outlay:
    """A trade of all legs: paid for what is bought less received for what is sold, and fees."""

    changes: list[Change]
    cash: int
    fees: int


def of_plan(combo: Combo, plan: Plan) -> Outlay:
    """What a plan trades."""
    changes = []
    for part, takes in zip(combo.parts, plan.takes, strict=True):
        paid = sum(part.instrument.notional(one.price, one.qty) for one in takes)
        changes.append(Change(part, sum(one.qty for one in takes), clamp(paid)))
    return Outlay(changes, plan.cash, plan.fees)


def estimate(combo: Combo, strategies: int, plan: Plan) -> Outlay:
    """What so many strategies trade as far as can be told: the rest at the prices that stand."""
    outlay = of_plan(combo, plan)
    rest = strategies - plan.strategies
    for change, takes in zip(outlay.changes, plan.takes, strict=True):
        part, instrument = change.part, change.part.instrument
        qty = part.ratio * rest
        at = takes[-1].price if takes else price(instrument)
        value = clamp(min(instrument.value(at or 0, qty, "up"), AMOUNT_MAX))
        outlay.fees += fee_of_hold(instrument, qty, value) if qty > 0 else 0
        change.qty = clamp(change.qty + qty)
        change.notional = clamp(min(change.notional + value, AMOUNT_MAX))
        outlay.cash += part.signed(value)
    if combo.limit_money is not None:
        outlay.cash = combo.limit_money * strategies
    return outlay


class Payment:
    """Who pays for a multi-leg order."""

    def __init__(self, world: World, combo: Combo) -> None:
        self.world, self.combo, self.account = world, combo, combo.order.account

    @property
    def power(self) -> int:
        """What the account has free for it."""
        return power_for(self.world, self.account, self.combo.pricing)

    def need(self, outlay: Outlay) -> int:
        """What a trade asks of the account; nothing or less when it sets something free."""
        if self.account.margin is not None:
            return self.need_of_equity(outlay)
        cash = outlay.cash
        if self.combo.pricing.exchange.settles_after:
            # Proceeds that are to be settled cannot pay for the other legs.
            bought = [one.notional for one in outlay.changes if one.part.side == "buy"]
            cash = max(cash, sum(bought))
        return cash + outlay.fees + sum(self.deposit(one) for one in outlay.changes)

    def deposit(self, change: Change) -> int:
        """By how much a trade raises the cash that a cash account ties up for what it writes."""
        instrument, before = change.part.instrument, self.account.position(change.part.instrument)
        after = Position(
            qty=clamp(before.qty + signed(change.part.side, change.qty)), cost=before.cost
        )
        return tied_up(self.account, instrument, after) - tied_up(self.account, instrument, before)

    def need_of_equity(self, outlay: Outlay) -> int:
        """By how much a trade lowers the equity that nothing needs, in the legs' currency."""
        lower = worth(self.world, self.account).excess
        lower -= worth(self.world, self.after(outlay)).excess
        there = convert(self.world, lower, self.account.currency, self.combo.pricing.currency)
        return (lower if there is None else there) + outlay.cash + outlay.fees

    def without_promises(self) -> Account:
        """The account without what its own legs have promised."""
        account = copy(self.account)
        account.positions = {index: replace(it) for index, it in account.positions.items()}
        for leg in self.combo.legs:
            position = account.own_position(leg.instrument)
            name = "promised" if leg.side == "sell" else "covering"
            setattr(position, name, max(0, getattr(position, name) - leg.promised))
        return account

    def after(self, outlay: Outlay) -> Account:
        """The account with the positions that a trade leaves, its cash as it was."""
        account = self.without_promises()
        for change in outlay.changes:
            position, side = account.own_position(change.part.instrument), change.part.side
            cost, _ = cost_of(position, side, change.qty, change.notional)
            position.qty = clamp(position.qty + signed(side, change.qty))
            position.cost = clamp(position.cost + signed(side, cost))
        return account

    def uncovered(self, outlay: Outlay) -> Iterator[Failure]:
        """What a cash account sells it has, and what stands for its calls, once all has traded."""
        if self.account.margin is not None:
            return
        before, after = self.without_promises(), self.after(outlay)
        for change in outlay.changes:
            instrument, is_sell = change.part.instrument, change.part.side == "sell"
            held = before.position(instrument)
            free = held.qty - held.promised
            mixes = is_option(instrument) and held.qty > 0 and change.qty > free
            left = after.position(instrument)
            is_owed = not is_option(instrument) and left.qty < left.promised
            stands = underlying_of(self.world, instrument) if is_option(instrument) else None
            there = [free_to_sell(self.world, it, stands or instrument) for it in (before, after)]
            is_bare = there[1] < 0 and there[1] < there[0]
            if is_sell and (mixes or is_owed or is_bare):
                had = free_to_sell(self.world, before, instrument)
                texts = (instrument.qty_text(change.qty), instrument.qty_text(max(0, had)))
                yield Failure("insufficient_quantity", "legs", *texts)
                return

    def is_possible(self, outlay: Outlay) -> bool:
        """Whether positions can carry a trade, and what it sells short can be borrowed."""
        for change in outlay.changes:
            instrument, side = change.part.instrument, change.part.side
            position = self.account.position(instrument)
            shorted = 0
            if side == "sell" and self.account.margin is not None:
                shorted = change.qty - min(position.closing(side), change.qty)
            left = borrowable(self.world, instrument) if shorted > 0 else None
            fits = (
                abs(position.qty + signed(side, change.qty)) <= QUANTITY_MAX
                and abs(position.cost) + change.notional <= AMOUNT_MAX
                and (left is None or shorted <= left)
            )
            if not fits:
                return False
        return True

    def can_trade(self, plan: Plan, hold: int) -> bool:
        """Whether a plan can be traded now, when the order has so much set aside."""
        outlay = of_plan(self.combo, plan)
        need = self.need(outlay)
        is_paid = need <= 0 or need <= self.power + hold
        possible = self.is_possible(outlay) and self.closes_as_meant(outlay)
        return is_paid and possible and not list(self.uncovered(outlay))

    def closes_as_meant(self, outlay: Outlay) -> bool:
        """Whether legs that are meant to close find so much of a position."""
        return all(
            one.qty <= self.account.position(one.part.instrument).closing(one.part.side)
            for one in outlay.changes
            if (one.part.intent or "").endswith("close")
        )

    def hold(self, strategies: int, plan: Plan, own: int) -> tuple[Failure | None, int]:
        """What so many strategies set aside, when the order holds `own`; or why they cannot."""
        outlay = estimate(self.combo, strategies, plan)
        failed = next(self.uncovered(outlay), None)
        if failed:
            return failed, 0
        hold, power = max(0, self.need(outlay)), self.power + own
        if hold == 0 or (hold <= power and hold <= AMOUNT_MAX):
            return None, clamp(hold)
        texts = (format_money(hold), format_money(power))
        return Failure("insufficient_buying_power", "qty", *texts), 0

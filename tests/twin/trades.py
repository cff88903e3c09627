"""Trades that are recorded, busted and corrected: each is a new entry, nothing is edited."""

import copy
from dataclasses import dataclass, field
from typing import Any

from twin.amounts import AMOUNT_MAX, QUANTITY_MAX, clamp, format_money
from twin.checks import check_quantity, check_terms
from twin.currencies import in_own
from twin.ids import FILL, Digest, make_id
from twin.lots import change_lots, keeps_lots
from twin.margin import initial_of, power_for, tied_up
from twin.money import signed
from twin.options import free_to_sell
from twin.orders import take
from twin.payments import check_amount, check_may_change, on_tape
from twin.requests import answered, remember
from twin.state import Account, Instrument, Order, Refused, World, malformed, not_found
from twin.trading import enter_fill


@dataclass
class Trade:
    """A trade that was made elsewhere, or that replaces one that was wrong."""

    account: Account
    instrument: Instrument
    side: str
    qty: int
    price: int
    fee: int
    request: str

    def order(self) -> Order:
        """The order that stands for it."""
        more = {"recorded": True}
        return Order(
            self.account, self.request, self.instrument, self.side, "limit", self.qty,
            self.price, None, "ioc", more,
        )  # fmt: skip

    @property
    def notional(self) -> int:
        return self.instrument.notional(self.price, self.qty)

    def add_to(self, digest: Digest) -> Digest:
        """Adds it to the digest of its request."""
        digest.number(self.instrument.index).text(self.side)
        return digest.number(self.qty).number(self.price).number(self.fee)


@dataclass
class Bust:
    """A fill that is taken back, as its row says it was."""

    fill: int
    account: Account
    instrument: Instrument
    side: str
    qty: int
    notional: int
    fee: int
    realized_pl: int
    request: str

    @property
    def cost(self) -> int:
        """What the fill added to the cost of its position, or took from it."""
        return self.notional + signed(self.side, self.realized_pl)

    def add_to(self, digest: Digest) -> Digest:
        """Adds it to the digest of its request."""
        return digest.number(self.fill).number(self.qty).number(self.notional).number(self.fee)


@dataclass
class Undone:
    """How a bust changes a position: cost and profit added, lots closed or opened."""

    cost: int
    realized_pl: int
    lots: dict[str, Any] = field(default_factory=lambda: {"closed": [], "opened": [0, 0]})


# Recording ------------------------------------------------------------------------------------


def record(world: World, trade: Trade) -> tuple[str, int]:
    """Records a trade as an order and its fill that never met the book."""
    digest = trade.add_to(Digest("record_trade")).state
    known = answered(world, trade.account, trade.request, digest)
    if known is not None:
        return "existing", known
    check_may_change(trade.account)
    check_trade(world, trade.account, trade)
    return "created", enter(world, trade, digest)


def check_trade(world: World, account: Account, trade: Trade) -> None:
    """Whether a trade makes sense, and the account as it stands (or would stand) can carry it."""
    instrument, position = trade.instrument, account.position(trade.instrument)
    check_terms(trade.order())
    check_amount(trade.fee, "fee", 0)
    if instrument.is_margined:
        raise malformed("symbol")
    if instrument.contract and account.is_journal:
        raise malformed("symbol")
    check_amount(trade.notional, "qty", 0)
    after = position.qty + signed(trade.side, trade.qty)
    if abs(after) > QUANTITY_MAX or abs(position.cost) + trade.notional > AMOUNT_MAX:
        raise malformed("qty")
    if account.is_journal:
        return
    if account.margin is None:
        check_means(world, account, trade)
    else:
        check_equity(world, account, trade)


def check_means(world: World, account: Account, trade: Trade) -> None:
    """A cash account pays with settled cash and delivers what it holds."""
    instrument = trade.instrument
    needed = signed(trade.side, trade.notional) + trade.fee
    cash = account.free_in(instrument.currency)
    if needed > max(0, cash):
        texts = (format_money(needed), format_money(cash))
        raise Refused("rejected", "insufficient_buying_power", "price", *texts)
    free = free_to_sell(world, account, instrument)
    if trade.side == "sell" and trade.qty > free:
        texts = (instrument.qty_text(trade.qty), instrument.qty_text(free))
        raise Refused("rejected", "insufficient_quantity", "qty", *texts)


def check_equity(world: World, account: Account, trade: Trade) -> None:
    """A margin account has the equity that what it opens requires."""
    instrument = trade.instrument
    opening = trade.qty - min(trade.qty, account.position(instrument).closing(trade.side))
    value = instrument.value(trade.price, opening, "up")
    change = signed(trade.side, opening)
    need = initial_of(account.margin, instrument, change, value) + trade.fee
    power = power_for(world, account, instrument)
    if opening and need > power:
        texts = (format_money(need), format_money(power))
        raise Refused("rejected", "insufficient_buying_power", "qty", *texts)


def enter(world: World, trade: Trade, digest: int) -> int:
    """Enters the order of a trade and its fill."""
    order = trade.order()
    take(world, order, 0, digest, None)
    enter_fill(world, order, trade.price, trade.qty, trade.fee, 0, "taker", "house")
    return order.number


# Taking back ----------------------------------------------------------------------------------


def bust(world: World, bust: Bust) -> tuple[str, Account]:
    """Takes a trade back."""
    digest = bust.add_to(Digest("bust_trade")).state
    if answered(world, bust.account, bust.request, digest) is None:
        check_may_change(bust.account)
        undone, _ = undo(world, bust)
        take_back(world, bust, undone, digest)
        return "ok", bust.account
    return "existing", bust.account


def correct(world: World, bust: Bust, trade: Trade) -> tuple[str, Account | int]:
    """Takes a trade back and records what it should have been."""
    digest = trade.add_to(bust.add_to(Digest("correct_trade"))).state
    if answered(world, bust.account, bust.request, digest) is not None:
        return "existing", bust.account
    check_may_change(bust.account)
    undone, after = undo(world, bust)
    check_trade(world, after, trade)
    take_back(world, bust, undone, digest)
    return "created", enter(world, trade, digest)


def too_late() -> Refused:
    """The trade cannot be taken back any more."""
    return Refused("not_replaceable", "not_replaceable", "fill_id")


def undo(world: World, bust: Bust) -> tuple[Undone, Account]:
    """What a bust changes, and the account as it would be then; refuses what cannot be."""
    check_bust(world, bust)
    account, instrument = bust.account, bust.instrument
    position = account.position(instrument)
    if abs(position.qty - signed(bust.side, bust.qty)) > QUANTITY_MAX:
        raise too_late()
    by_lots = keeps_lots(account, instrument)
    undone = undo_lots(account, bust) if by_lots else undo_average(account, bust)
    after = copy.deepcopy(account)
    move(after, bust, undone)
    free = free_to_sell(world, after, instrument)
    is_cash = account.margin is None and not account.is_journal
    if is_cash and (after.free_in(instrument.currency) < 0 or free < 0):
        raise too_late()
    held, left = position, after.position(instrument)
    if tied_up(account, instrument, left) != tied_up(account, instrument, held):
        raise too_late()
    return undone, after


def check_bust(world: World, bust: Bust) -> None:
    """Whether there was such a fill, and it stands."""
    if not 0 < bust.fill < world.next_fill:
        raise not_found("fill_id")
    is_past = bust.fill < max(bust.account.fills_from, bust.instrument.fills_from)
    if bust.fill in world.busted or is_past:
        raise too_late()
    if bust.instrument.index not in bust.account.positions:
        raise not_found("fill_id")
    check_quantity(bust.qty)
    check_amount(bust.notional, "notional", 0)
    check_amount(bust.fee, "fee", 0)
    check_amount(abs(bust.realized_pl), "realized_pl", 0)
    if bust.cost < 0:
        raise malformed("realized_pl")
    if bust.instrument.is_margined:
        raise malformed("symbol")


def undo_average(account: Account, bust: Bust) -> Undone:
    """At average cost: cost that the position cannot carry any more becomes profit or loss."""
    position = account.position(bust.instrument)
    qty = position.qty - signed(bust.side, bust.qty)
    left = position.cost - signed(bust.side, bust.cost)
    carries = (qty > 0) - (qty < 0) == (left > 0) - (left < 0) and abs(left) <= AMOUNT_MAX
    rest = 0 if carries else left
    return Undone(clamp(left - rest - position.cost), -bust.realized_pl - rest)


def undo_lots(account: Account, bust: Bust) -> Undone:
    """The lot that the fill opened goes, or what it closed comes back as one lot."""
    lots = account.lots.get(bust.instrument.index, [])
    opened = next((lot for lot in lots if lot.id == bust.fill), None)
    if opened:
        if opened.qty != signed(bust.side, bust.qty) or bust.realized_pl != 0:
            raise too_late()
        closed = [[opened.id, bust.qty, abs(opened.cost)]]
        return Undone(-opened.cost, 0, {"closed": closed, "opened": [0, 0]})
    qty, cost = -signed(bust.side, bust.qty), -signed(bust.side, bust.cost)
    held = account.position(bust.instrument).qty
    if held != 0 and (held > 0) != (qty > 0):
        raise too_late()
    return Undone(cost, -bust.realized_pl, {"closed": [], "opened": [qty, cost]})


def move(account: Account, bust: Bust, undone: Undone) -> None:
    """Moves cash and position back."""
    back = signed(bust.side, bust.notional) + bust.fee
    account.pay(bust.instrument.currency, back)
    position = account.own_position(bust.instrument)
    position.qty -= signed(bust.side, bust.qty)
    position.cost += undone.cost
    position.realized_pl += undone.realized_pl


def take_back(world: World, bust: Bust, undone: Undone, digest: int) -> None:
    """The inverse of the fill, as a new entry."""
    account, instrument = bust.account, bust.instrument
    here = in_own(world, account, instrument, undone.realized_pl)
    here = max(-AMOUNT_MAX, min(AMOUNT_MAX, here))
    world.busted.add(bust.fill)
    move(account, bust, undone)
    account.realized_pl += here
    change_lots(account, instrument, undone.lots, bust.fill, world.now_ns)
    remember(world, account, bust.request, digest, 0)
    world.emit(
        "trade_busted",
        fill=make_id(world.name, FILL, bust.fill),
        account=account.text,
        symbol=instrument.symbol,
        side=bust.side,
        qty=bust.qty,
        notional=bust.notional,
        fee=bust.fee,
        cost=undone.cost,
        realized_pl=undone.realized_pl,
        realized_here=here,
        lots=undone.lots,
        request=on_tape(bust.request, digest),
    )

"""Corporate actions: dividends, splits, new symbols, delistings."""

from dataclasses import dataclass, field
from typing import Any

from twin.amounts import (
    AMOUNT_MAX,
    MONEY_SCALE,
    PRICE_MAX,
    QUANTITY_MAX,
    RATE_SCALE,
    bounded,
    divide,
    format_money,
)
from twin.currencies import in_own
from twin.fields import is_name
from twin.lots import share_out
from twin.market import BotOrder
from twin.money import hold_at
from twin.prices import live_mark, price_of_mark
from twin.sessions import link_again, may_trade, tick_down, tick_up
from twin.state import Account, Instrument, Order, Refused, World, malformed, not_found
from twin.trading import cancel, order_id, touch, work_on

TIME_MAX_NS = 9_006_000_000_000_000_000
RATIO_MAX = 1_000_000


@dataclass
class Action:
    """An announced action; `account`, `order` and `position` say how far its work has come."""

    id: str
    instrument: Instrument
    change: dict[str, Any]
    ex_ns: int
    pay_ns: int
    stage: str = "announced"
    account: int = 0
    order: int = 0
    position: bool = False
    below: int = 0
    before: dict[str, int | None] = field(default_factory=dict)
    owed: list[tuple[Account, int, int]] = field(default_factory=list)
    """Whom, how much, and how much of it the account counts as its own, in its own currency."""
    paid: int = 0


# Commands -------------------------------------------------------------------------------------


def announce(world: World, action_id: str, **terms: Any) -> str:
    """Announces an action, once."""
    action = Action(action_id, **terms)
    known = find(world, action.id)
    if known:
        if (known.instrument, known.change) == (action.instrument, action.change):
            return "existing"
        raise Refused("id_reused", "id_reused")
    if action.id in world.actions_over:
        return "existing"
    if action.instrument.status == "delisted":
        raise malformed("symbol")
    if not is_name(action.id):
        raise malformed("action_id")
    if not (0 <= action.ex_ns <= TIME_MAX_NS and 0 <= action.pay_ns <= TIME_MAX_NS):
        raise malformed("ex_ns")
    if 0 < action.ex_ns < world.now_ns:
        raise malformed("ex_ns")
    if 0 < action.pay_ns < max(action.ex_ns, world.now_ns):
        raise malformed("pay_ns")
    if action.instrument.contract and "symbol" not in action.change:
        raise malformed("symbol")
    check(world, action.change)
    check_owed(world, action)
    action.ex_ns = max(action.ex_ns, world.now_ns)
    world.actions.append(action)
    world.emit(
        "corporate_announced",
        action=action.id,
        symbol=action.instrument.symbol,
        change=action.change,
        ex_ns=action.ex_ns,
        pay_ns=action.pay_ns,
    )
    work_off(world)
    return "created"


def find(world: World, action_id: str) -> Action | None:
    """The action with this id, while it is not over."""
    return next((one for one in world.actions if one.id == action_id), None)


def check(world: World, change: dict[str, Any]) -> None:
    """Whether a change makes sense."""
    if "dividend" in change and not 1 <= change["dividend"] <= AMOUNT_MAX // 4:
        raise malformed("amount")
    if "new" in change:
        new, old = change["new"], change["old"]
        if new == old or not (1 <= new <= RATIO_MAX and 1 <= old <= RATIO_MAX):
            raise malformed("new")
    if "symbol" in change:
        taken = any(change["symbol"] in one.symbols for one in world.instruments)
        taken = taken or is_promised(world, change["symbol"])
        if taken or not is_name(change["symbol"]) or not is_name(change["name"]):
            raise malformed("new_symbol")
    if "delist" in change and not 0 <= change["delist"] <= PRICE_MAX:
        raise malformed("price")


def is_promised(world: World, symbol: str) -> bool:
    """Whether an announced change of symbol is going to take a symbol."""
    return any(action.change.get("symbol") == symbol for action in world.actions)


def call_off(world: World, action_id: str) -> str:
    """Takes an announcement back, as long as its time has not come."""
    action = find(world, action_id)
    if action is None:
        raise not_found("action_id")
    if action.stage != "announced":
        raise Refused("not_cancelable", "not_cancelable", "action_id")
    end(world, action, "corporate_called_off")
    return "ok"


def end(world: World, action: Action, name: str) -> None:
    """The action is over."""
    world.actions.remove(action)
    world.actions_over.append(action.id)
    world.emit(name, action=action.id)


# Work -----------------------------------------------------------------------------------------


def due(world: World) -> Action | None:
    """The action that has work to do: the one that works, else the one due first."""
    working = [one for one in world.actions if one.stage == "working"]
    if working:
        return working[0]
    times = [one.ex_ns if one.stage == "announced" else one.pay_ns for one in world.actions]
    ready = [(time, i) for i, time in enumerate(times) if time <= world.now_ns]
    return world.actions[min(ready)[1]] if ready else None


def work_off(world: World) -> None:
    """Works on actions whose time has come, as far as a turn may."""
    while not world.is_full:
        action = due(world)
        if action is None:
            return
        {"announced": begin, "working": work_on_accounts, "owing": pay}[action.stage](world, action)


def begin(world: World, action: Action) -> None:
    """The instrument stands still; its prices are as they are after the action."""
    if is_beyond_bounds(world, action):
        end(world, action, "corporate_called_off")
        return
    instrument, change, market = action.instrument, action.change, action.instrument.market
    live = live_mark(instrument)
    mark = live if price_of_mark(live) is not None else instrument.mark
    if "new" in change:
        new, old = change["new"], change["old"]

        def scaled(price: int | None) -> int | None:
            if price is None:
                return None
            return max(1, min(PRICE_MAX, divide(price * old, new, "half_even")))

        mark = {name: scaled(price) for name, price in mark.items()}
    action.stage, action.below, action.before = "working", world.next_order, instrument.mark
    instrument.mark = dict(mark)
    if "symbol" in change:
        instrument.former.append(instrument.symbol)
        instrument.terms = {**instrument.terms, "symbol": change["symbol"], "name": change["name"]}
    if "delist" in change:
        instrument.status, instrument.fills_from = "delisted", world.next_fill
    world.emit("corporate_began", action=action.id, **mark)
    if "new" in change or "delist" in change:
        # Whatever stood in the market was said about the old shares.
        market.queue = [one for one in market.queue if not isinstance(one, BotOrder)]
        market.street = {"buy": [], "sell": []}
        market.bid = market.ask = market.last = market.high = market.low = None
        market.band_reference, market.is_fresh = None, False
        market.heard.clear()


def work_on_accounts(world: World, action: Action) -> None:
    """One step: the next order or position that has to be adjusted."""
    for account in world.accounts[action.account :]:
        is_here = account.index == action.account
        order, done = (action.order, action.position) if is_here else (0, False)
        if step(world, action, account, order, done=done):
            return
    if "new" in action.change:
        action.instrument.splits.append((action.change["new"], action.change["old"]))
        action.instrument.fills_from = world.next_fill
    action.stage = "owing"
    world.emit("corporate_worked", action=action.id)
    link_again(world, [one for one in world.open if one.instrument is action.instrument])
    if may_trade(world, action.instrument):
        work_on(world, action.instrument)


def move_on(action: Action, account: Account, order: int | None = None) -> None:
    """Notes that an order, or the position, of an account is done."""
    if action.account != account.index:
        action.account, action.order, action.position = account.index, 0, False
    if order is None:
        action.position = True
    else:
        action.order = order + 1


def step(world: World, action: Action, account: Account, order: int, *, done: bool) -> bool:
    """A step of one account: positions grow before their orders and shrink after them."""
    change = action.change
    if "symbol" in change:
        return rename_step(world, action, account)
    grows = "new" in change and change["new"] > change["old"]

    def position_first() -> bool:
        return not done and position_step(world, action, account)

    def orders_first() -> bool:
        return order_step(world, action, account, order)

    steps = [position_first, orders_first] if grows else [orders_first, position_first]
    return any(one() for one in steps)


def rename_step(world: World, action: Action, account: Account) -> bool:
    """What an account has of the instrument is known by the new symbol."""
    orders = world.open_orders(account)
    has_order = any(order.instrument is action.instrument for order in orders)
    if not has_order and action.instrument.index not in account.positions:
        return False
    action.account, action.order, action.position = account.index + 1, 0, False
    world.emit("corporate_renamed", action=action.id, account=account.text)
    return True


# Orders ---------------------------------------------------------------------------------------


def order_step(world: World, action: Action, account: Account, at_least: int) -> bool:
    """Adjusts or cancels the next order of the account."""
    for order in world.open_orders(account):
        if order.instrument is not action.instrument:
            continue
        if not at_least <= order.number < action.below:
            continue
        if "delist" in action.change:
            cancel(world, order, "delisted")
            return True
        if order.is_combo or order.is_bound:
            # A net price says nothing about one leg: it stays, and ends when a leg changes.
            if "dividend" in action.change:
                continue
            cancel(world, order, "corporate_action")
            return True
        new = reduced(order, action.change) if "dividend" in action.change else split(order, action)
        if new is None:
            continue
        prices = [price for price in (new["limit_price"], new["stop_price"]) if price is not None]
        stands = all(1 <= price <= PRICE_MAX for price in prices)
        if not stands or not new["filled"] < new["qty"] <= QUANTITY_MAX:
            cancel(world, order, "corporate_action")
        else:
            adjust(world, action, order, new)
        return True
    return False


def adjust(world: World, action: Action, order: Order, new: dict[str, Any]) -> None:
    """The order has new terms."""
    promised = order.promised
    order.account.set_aside(order.instrument.currency, new["hold"] - order.hold)
    for name, value in new.items():
        setattr(order, name, value)
    order.account.promise(order, order.promised - promised)
    touch(world, order)
    move_on(action, order.account, order.number)
    world.emit(
        "corporate_order",
        action=action.id,
        order=order_id(world, order.number),
        **{name: value for name, value in new.items() if name != "more"},
        **({"more": order.more} if order.more else {}),
    )


def to_tick(instrument: Instrument, numerator: int, denominator: int, *, up: bool) -> int:
    """A quotient on the tick grid; 0 when nothing above zero is left."""
    price = min(PRICE_MAX, divide(max(0, numerator), denominator, "up" if up else "down"))
    return tick_up(instrument, price) if up else tick_down(instrument, price)


def reduced(order: Order, change: dict[str, Any]) -> dict[str, Any] | None:
    """Buy limits and sell stops that live on come down by a dividend, to the tick below."""
    is_below = (order.side, order.type) == ("buy", "limit")
    if order.side == "sell" and order.type in {"stop", "stop_limit"}:
        is_below = not order.triggered
    if order.time_in_force in {"day", "ioc", "fok"} or not is_below:
        return None
    if order.more.get("do_not_reduce"):
        return None
    instrument, one = order.instrument, 10**RATE_SCALE
    off = change["dividend"] * 10 ** instrument.terms["price_scale"]

    def less(price: int | None) -> int | None:
        return None if price is None else to_tick(instrument, price * one - off, one, up=False)

    limit, hold = less(order.limit_price), order.hold
    if order.side == "buy" and limit:
        hold = min(hold, hold_at(instrument, limit, order.leaves))
    return {
        "qty": order.qty,
        "filled": order.filled,
        "waits": order.waits,
        "more": order.more,
        "limit_price": limit,
        "stop_price": less(order.stop_price),
        "hold": hold,
        **({"shown_from": order.shown_from} if "display_qty" in order.more else {}),
    }


def split(order: Order, action: Action) -> dict[str, Any]:
    """The same value at the new ratio: prices away from the market, whole lots."""
    new, old = action.change["new"], action.change["old"]
    instrument, is_buy = order.instrument, order.side == "buy"

    def price(at: int | None, *, up: bool) -> int | None:
        return None if at is None else to_tick(instrument, at * old, new, up=up)

    filled, more = at_ratio(order.filled, new, old), split_more(order, new, old)
    leaves = instrument.whole_lots(at_ratio(order.leaves, new, old))
    waits = instrument.whole_lots(at_ratio(order.waits, new, old))
    return {
        "qty": filled + leaves + waits,
        "filled": filled,
        "waits": waits,
        "more": more,
        "limit_price": price(order.limit_price, up=not is_buy),
        "stop_price": price(order.stop_price, up=is_buy != order.type.endswith("_touched")),
        "hold": order.hold,
        **shown_part(order, filled, more.get("display_qty"), (new, old)),
    }


def shown_part(
    order: Order, filled: int, display: int | None, ratio: tuple[int, int]
) -> dict[str, int]:
    """What is left of the part that an iceberg shows; of nothing left the next part shows."""
    if display is None:
        return {}
    left = order.more["display_qty"] - (order.filled - order.shown_from)
    left = min(display, order.instrument.whole_lots(at_ratio(left, *ratio))) or display
    return {"shown_from": max(0, filled - (display - left))}


def split_more(order: Order, new: int, old: int) -> dict[str, Any]:
    """The rarer terms at the new ratio; those of the legs lie on the other side."""
    instrument, is_buy, more = order.instrument, order.side == "buy", dict(order.more)

    def price(at: int, *, up: bool) -> int:
        return max(instrument.tick, to_tick(instrument, at * old, new, up=up))

    if "trail_price" in more:
        more["trail_price"] = price(more["trail_price"], up=True)
    if "water_mark" in more:
        more["water_mark"] = price(more["water_mark"], up=not is_buy)
    if "display_qty" in more:
        shown = instrument.whole_lots(at_ratio(more["display_qty"], new, old))
        more["display_qty"] = max(instrument.lot, shown)
    if "take_profit" in more:
        more["take_profit"] = {"limit_price": price(more["take_profit"]["limit_price"], up=is_buy)}
    if "stop_loss" in more:
        up = {"stop_price": not is_buy, "limit_price": is_buy, "trail_price": True}
        more["stop_loss"] = {
            name: price(value, up=up[name]) if name in up else value
            for name, value in more["stop_loss"].items()
        }
    return more


def at_ratio(qty: int, new: int, old: int) -> int:
    """A quantity at the new ratio, cut towards zero."""
    return max(-QUANTITY_MAX, min(QUANTITY_MAX, divide(qty * new, old, "down")))


# Positions and dividends ----------------------------------------------------------------------


def position_step(world: World, action: Action, account: Account) -> bool:
    """Adjusts the position of an account, or says what it is owed."""
    instrument, change = action.instrument, action.change
    position = account.positions.get(instrument.index)
    if position is None or position.qty == 0:
        return False
    if "dividend" in change:
        return owe(world, action, account)
    if "delist" in change:
        gone, whole, qty, price = position.qty, position.qty, -position.qty, change["delist"]
    else:
        whole = at_ratio(position.qty, change["new"], change["old"])
        gone = whole - instrument.whole_lots(whole)
        qty, price = whole - gone - position.qty, price_of_mark(instrument.mark) or 0
    if whole == 0:
        cost, cash = position.cost, 0
    else:
        # Whole and part have one sign, so the share is that of their sizes.
        cost = divide(position.cost * abs(gone), abs(whole), "half_even")
        cash = bounded(instrument.value(price, gone, "half_even"))
    profit = bounded(cash - cost)
    position.qty += qty
    position.cost -= cost
    position.realized_pl += profit
    if cash:
        account.pay(instrument.currency, cash)
    here = bounded(in_own(world, account, instrument, profit))
    account.realized_pl += here
    abroad = {"realized_here": here} if instrument.currency != account.currency else {}
    lots = share_out(account, instrument)
    move_on(action, account)
    world.emit(
        "corporate_position",
        action=action.id,
        account=account.text,
        qty=qty,
        cost=-cost,
        cash=cash,
        realized_pl=profit,
        **abroad,
        **lots,
    )
    return True


def check_owed(world: World, action: Action) -> None:
    """Whether every holder can be paid."""
    if is_beyond_bounds(world, action):
        texts = (format_money(most_owed(world, action)), format_money(AMOUNT_MAX))
        raise Refused("malformed", "malformed", "amount", *texts)


def is_beyond_bounds(world: World, action: Action) -> bool:
    """Whether an account would be owed a dividend that no event can carry."""
    return "dividend" in action.change and most_owed(world, action) > AMOUNT_MAX


def most_owed(world: World, action: Action) -> int:
    """The most that one account would be owed, or would owe."""
    scale = RATE_SCALE - MONEY_SCALE + action.instrument.terms["qty_scale"]
    held = [abs(account.position(action.instrument).qty) for account in world.accounts]
    return divide(max(held, default=0) * action.change["dividend"], 10**scale, "half_even")


def owe(world: World, action: Action, account: Account) -> bool:
    """An account is owed a dividend; a short position owes it."""
    instrument = action.instrument
    scale = RATE_SCALE - MONEY_SCALE + instrument.terms["qty_scale"]
    qty = account.positions[instrument.index].qty
    amount = bounded(divide(qty * action.change["dividend"], 10**scale, "half_even"))
    if amount == 0:
        return False
    here = bounded(in_own(world, account, instrument, amount))
    action.owed.append((account, amount, here))
    account.receivable += here
    move_on(action, account)
    is_abroad = instrument.currency != account.currency
    world.emit(
        "corporate_owed",
        action=action.id,
        account=account.text,
        amount=amount,
        **({"here": here} if is_abroad else {}),
    )
    return True


def forgo(world: World, account: Account) -> None:
    """What an account is owed and not yet paid leaves it."""
    for action in world.actions:
        left = [owed for owed in action.owed[action.paid :] if owed[0] is not account]
        action.owed[action.paid :] = left
    account.receivable = 0


def pay(world: World, action: Action) -> None:
    """Pays the next dividend, or ends the action."""
    if action.paid == len(action.owed):
        end(world, action, "corporate_ended")
        return
    account, amount, here = action.owed[action.paid]
    action.paid += 1
    account.receivable -= here
    account.pay(action.instrument.currency, amount)
    world.emit("corporate_paid", action=action.id, account=account.text, amount=amount)

"""Commands about orders: submit, replace, cancel, cancel-all."""

from collections.abc import Iterator
from typing import Any

from twin import combo_orders, groups, notionals, terms, trails
from twin.amounts import ORDER_VALUE_MAX, QUANTITY_MAX, clamp, divide, format_money
from twin.checks import (
    Failure,
    check_price,
    check_quantity,
    check_terms,
    failures,
    hold_of,
    not_as_flagged,
    off_the_steps,
    outside_the_band,
    past_its_date,
    position_beyond_bounds,
)
from twin.combos import check_net_price
from twin.delays import arrival_of, receive
from twin.ids import Digest
from twin.margin import power_for
from twin.money import hold_at, margin_hold
from twin.options import free_to_sell
from twin.requests import answered, remember
from twin.review import Verdict, judge
from twin.state import Account, Delayed, Order, Refused, World, not_found
from twin.trading import arrive, cancel, order_id, touch, unlink

TERMS = ("qty", "limit_price", "stop_price", "time_in_force")


def submit(world: World, order: Order) -> tuple[str, int]:
    """Takes an order: checks it, lets it trade, lets the rest wait."""
    check_terms(order)
    digest = digest_of(order)
    known = answered(world, order.account, order.client_order_id, digest)
    if known is not None:
        return "existing", known
    notionals.prepare(world, order)
    trails.prepare(order)
    if order.is_combo:
        return combo_orders.take(world, order, digest)
    if "order_class" in order.more:
        return groups.take(world, order, digest)
    failed = next(past_its_date(world, order), None) or next(failures(world, order), None)
    failed, verdict = (failed, None) if failed else judge(world, order)
    hold = 0 if failed else hold_of(world, order)
    is_under_way = not failed and set_off(world, order)
    take(world, order, hold, digest, failed, verdict)
    if failed:
        raise failed.refused(order.number)
    tell_alerts(world, order, verdict)
    if not is_under_way:
        arrive(world, order)
    return "created", order.number


def set_off(world: World, order: Order) -> bool:
    """Sends the next order on its way, where orders are under way for some time."""
    arrives_ns = arrival_of(world, order.account, order.instrument, world.next_order)
    if arrives_ns is None:
        return False
    order.status, order.latency_ns = "pending_new", arrives_ns - world.now_ns
    send(world, "order", arrives_ns, order.account, world.next_order)
    return True


def send(
    world: World,
    kind: str,
    arrives_ns: int,
    account: Account,
    number: int,
    request: str | None = None,
    digest: int = 0,
    **asked: Any,
) -> None:
    """Lets a command about an order be under way."""
    on_tape = {"what": kind, "order": order_id(world, number), **asked}
    if "more" in asked and not asked["more"]:
        del on_tape["more"]
    delayed = Delayed(arrives_ns, account, kind, number, asked=asked, on_tape=on_tape)
    receive(world, delayed, request, digest)


def digest_of(order: Order) -> int:
    """The digest of what the order asks for."""
    digest = Digest("submit").number(order.instrument.index).text(order.side).text(order.type)
    digest.number(order.qty).maybe(order.limit_price).maybe(order.stop_price)
    digest.text(order.time_in_force)
    return (digest.text(terms.text(order.more)) if order.more else digest).state


def take(
    world: World,
    order: Order,
    hold: int,
    digest: int,
    failed: Failure | None,
    verdict: Verdict | None = None,
) -> None:
    """Keeps a new order, open with its hold or rejected."""
    order.number = world.next_order
    order.priority = world.next_priority
    order.created_ns = order.updated_ns = world.now_ns
    world.next_order += 1
    world.next_priority += 1
    world.orders[order.number] = order
    account = order.account
    if failed:
        order.status, order.reason = "rejected", failed.reason
    else:
        order.hold = hold
        account.set_aside(order.instrument.currency, hold)
        begin_leg(world, order)
        account.promise(order, order.promised)
        world.open.append(order)
    remember(world, account, order.client_order_id, digest, order.number)
    fields = terms_on_tape(world, order) | {"digest": f"{digest:016x}"}
    if failed:
        verdict = {"reason": failed.reason, "value": failed.value, "limit": failed.limit}
        world.emit("rejected", **fields, **verdict)
    else:
        world.emit("accepted", **fields, hold=hold, **(verdict.passed if verdict else {}))
        if verdict:
            count_order(world, order, verdict)


def count_order(world: World, order: Order, verdict: Verdict) -> None:
    """Counts an order that the risk policy let pass."""
    taken, keep = order.account.risk.taken, verdict.passed["keep"]
    if keep:
        taken.append(world.now_ns)
        del taken[:-keep]


def tell_alerts(world: World, order: Order, verdict: Verdict | None) -> None:
    """Raises the alerts of an order that was accepted."""
    number, account = order_id(world, order.number), order.account.text
    for found in verdict.alerts if verdict else ():
        world.emit("risk_alert", account=account, level="soft", **found, order=number)


def begin_leg(world: World, order: Order) -> None:
    """A leg belongs to its parent, and is held until that fills."""
    parent = world.orders.get(order.more.get("parent"))
    if parent:
        parent.legs.append(order.number)
    if "held" in order.more:
        order.status = "held"
        order.waits = 0 if order.is_bound else order.qty


def terms_on_tape(world: World, order: Order) -> dict[str, Any]:
    """The terms of an order as its first event carries them."""
    return {
        "order": order_id(world, order.number),
        "account": order.account.text,
        "client_order_id": order.client_order_id,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "type": order.type,
        "qty": order.qty,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "time_in_force": order.time_in_force,
        **({"more": order.more} if order.more else {}),
    }


def find_order(world: World, account: Account, number: int) -> Order:
    """An order that the account owns and the engine still keeps."""
    order = world.orders.get(number)
    if order is None or order.account is not account:
        raise not_found("order_id")
    return order


def cancel_order(
    world: World, account: Account, number: int, request: str | None
) -> tuple[str, int]:
    """Cancels one order of the account."""
    digest = Digest("cancel").number(number).state
    known = answered(world, account, request, digest)
    if known is not None:
        return "existing", known
    order = may_cancel(world, account, number)
    send_cancel(world, order, request, digest)
    return "ok", number


def may_cancel(world: World, account: Account, number: int) -> Order:
    """An order that the account may cancel."""
    order = find_order(world, account, number)
    if not order.is_open or order.is_forced:
        raise Refused("not_cancelable", "not_cancelable", order=number)
    return order


def send_cancel(world: World, order: Order, request: str | None, digest: int) -> None:
    """Cancels an order, now or when the request has arrived."""
    arrives_ns = arrival_of(world, order.account, order.instrument, order.number)
    if arrives_ns is None:
        cancel(world, order, "requested", request, digest)
    else:
        send(world, "cancel", arrives_ns, order.account, order.number, request, digest)


def cancel_all(
    world: World, account: Account, request: str | None
) -> tuple[str, tuple[list[int], int]]:
    """Cancels all open orders of the account; what does not fit into this turn follows."""
    digest = Digest("cancel_all").state

    def waiting() -> int:
        below = account.cancel_below
        return sum(order.number < below for order in world.open_orders(account))

    if answered(world, account, request, digest) is not None:
        return "existing", ([], waiting())
    orders = world.open_orders(account)
    if not orders and request is None:
        return "ok", ([], 0)
    below = world.next_order
    # Without an order the first instrument tells how long the command takes.
    instrument, number = next(iter(world.instruments), None), 0
    if orders:
        instrument, number = orders[0].instrument, orders[0].number
    arrives_ns = arrival_of(world, account, instrument, number)
    if arrives_ns is None:
        return "ok", (cancel_below(world, account, below, request, digest), waiting())
    on_tape = {"what": "cancel_all", "below": below}
    delayed = Delayed(arrives_ns, account, "cancel_all", below=below, on_tape=on_tape)
    receive(world, delayed, request, digest)
    return "ok", ([], len(orders))


def cancel_below(
    world: World, account: Account, below: int, request: str | None = None, digest: int = 0
) -> list[int]:
    """Cancels the open orders of an account with a smaller number, as many as a turn may.

    What the engine sent itself stays; what came behind it leaves one by one.
    """
    orders = [order for order in world.open_orders(account) if order.number < below]
    below = next((order.number for order in orders if order.is_forced), below)
    orders = [order for order in orders if not order.is_forced]
    account.cancel_below = below
    if request is not None:
        remember(world, account, request, digest, 0)
    world.emit(
        "cancel_all_requested",
        account=account.text,
        below=below,
        request=request,
        digest=None if request is None else f"{digest:016x}",
    )
    canceled = []
    for order in orders:
        if world.is_full:
            break
        cancel(world, order, "requested")
        canceled.append(order.number)
    return canceled


def replace(
    world: World, account: Account, number: int, request: str | None, **asked: Any
) -> tuple[str, int]:
    """Gives an open order new terms, or notes which check they failed."""
    try:
        return try_replace(world, account, number, request, **asked)
    except Refused as refused:
        if refused.outcome == "rejected":
            tell_refused(world, number, refused)
        raise


def tell_refused(world: World, number: int, refused: Refused) -> None:
    """An order keeps its terms, and perhaps a check was failed."""
    failed = {}
    if refused.outcome == "rejected":
        version = world.risk.version if world.risk else 0
        failed = {"policy": version, "value": refused.value, "limit": refused.limit}
    order = order_id(world, number)
    world.emit("replace_refused", order=order, reason=refused.reason, **failed)


def try_replace(
    world: World, account: Account, number: int, request: str | None, **asked: Any
) -> tuple[str, int]:
    """Gives an open order new terms; its place in the queue stays when only qty shrinks."""
    digest = Digest("replace").number(number).maybe(asked["qty"]).maybe(asked["limit_price"])
    digest.maybe(asked["stop_price"]).text(asked["time_in_force"] or "")
    if asked["more"]:
        digest.text(terms.text(asked["more"]))
    known = answered(world, account, request, digest.state)
    if known is not None:
        return "existing", known
    order = find_order(world, account, number)
    if not order.is_open:
        raise not_replaceable(number)
    arrives_ns = arrival_of(world, account, order.instrument, number)
    if arrives_ns is None:
        replace_now(world, account, number, asked, request, digest.state)
    else:
        checked_terms(world, order, asked, keeps_trail=False)
        send(world, "replace", arrives_ns, account, number, request, digest.state, **asked)
    return "ok", number


def checked_terms(
    world: World, order: Order, asked: dict[str, Any], *, keeps_trail: bool
) -> tuple[Order, int]:
    """The order with its new terms, and its new hold; refuses what cannot become of it."""
    if not any(value is not None and value != {} for value in asked.values()):
        raise Refused("malformed", "malformed")
    if order.is_forced:
        raise not_replaceable(order.number)
    new = new_terms(order, asked)
    if keeps_trail:
        trails.keep(order, new)
    check = combo_orders.check_replaced if order.is_combo else check_new_terms
    failed, hold = check(world, order, new)
    if failed:
        raise failed.refused(order.number)
    return new, hold


def replace_now(
    world: World,
    account: Account,
    number: int,
    asked: dict[str, Any],
    request: str | None = None,
    digest: int = 0,
) -> None:
    """Gives an order its new terms at once."""
    order = world.orders.get(number)
    if order is None or not order.is_open:
        raise not_replaceable(number)
    new, hold = checked_terms(world, order, asked, keeps_trail=True)
    keeps_priority = new.qty <= order.qty and prices_of(new) == prices_of(order)
    keeps_priority = keeps_priority and not order.is_combo
    is_resized = order.is_combo and new.qty != order.qty
    if request is not None:
        remember(world, account, request, digest, number)
    rarer = {} if new.more == order.more else {"more": new.more}
    if order.is_combo:
        verdict = combo_orders.verdict_of_replaced(world, new)
    else:
        _, verdict = judge(world, new, order)
    passed = {name: verdict.passed[name] for name in ("policy", "checks")} if verdict else {}
    change(world, order, new, hold, keeps_priority=keeps_priority)
    world.emit(
        "replaced",
        order=order_id(world, number),
        qty=order.qty,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        time_in_force=order.time_in_force,
        hold=hold,
        keeps_priority=keeps_priority,
        **rarer,
        **passed,
        request=request,
        digest=None if request is None else f"{digest:016x}",
    )
    if is_resized:
        combo_orders.resize_legs(world, order)
    if not keeps_priority:
        arrive(world, order)


def prices_of(order: Order) -> tuple[Any, ...]:
    """What costs an order its place when it changes; a trailing stop moves by itself."""
    stop = None if "water_mark" in order.more else order.stop_price
    rarer = (order.more.get(name) for name in ("trail_price", "trail_percent", "display_qty"))
    return order.limit_price, stop, *rarer


def change(world: World, order: Order, new: Order, hold: int, *, keeps_priority: bool) -> None:
    """Gives the order its new terms, hold and place."""
    order.account.set_aside(order.instrument.currency, hold - order.hold)
    promised = order.promised
    order.hold = hold
    for name in (*TERMS, "more"):
        setattr(order, name, getattr(new, name))
    order.account.promise(order, order.promised - promised)
    if not keeps_priority:
        order.priority = world.next_priority
        world.next_priority += 1
    if not keeps_priority or order.shown == 0:
        unlink(order, order.instrument)
    touch(world, order)


def not_replaceable(number: int) -> Refused:
    """The order cannot become what was asked."""
    return Refused("not_replaceable", "not_replaceable", order=number)


def new_terms(order: Order, asked: dict[str, Any]) -> Order:
    """A copy of the order with its new terms; refuses what cannot become of it."""
    given = {name: value for name, value in asked.items() if value is not None}
    new = Order(
        order.account,
        order.client_order_id,
        order.instrument,
        order.side,
        order.type,
        **{name: given.get(name, getattr(order, name)) for name in TERMS},
        number=order.number,
        filled=order.filled,
        legs=order.legs,
    )
    new.more = new_more(order, asked["more"], new.time_in_force)
    check_quantity(new.qty)
    if order.is_bound:
        raise not_replaceable(order.number)
    if order.is_combo:
        check_net_price(new)
    else:
        check_price(new.has_limit, new.limit_price, "limit_price")
    if order.type != "trailing_stop":
        check_price(new.has_stop, new.stop_price, "stop_price")
    elif "stop_price" in given:
        check_price(False, given["stop_price"], "stop_price")
    for check in (terms.check_trail, terms.check_date, terms.check_display):
        check(new)
    is_tied = "sibling" in new.more or "held" in new.more or order.legs or "notional" in new.more
    is_tied = is_tied and not order.is_combo
    retrails = "trail_price" in asked["more"] or "trail_percent" in asked["more"]
    moves_reached_stop = order.triggered and (retrails or new.stop_price != order.stop_price)
    cannot_rest = new.time_in_force in {"ioc", "fok"}
    moves_auction = new.time_in_force != order.time_in_force and (new.auction or order.auction)
    if (
        (new.terms, new.more) == (order.terms, order.more)
        or (is_tied and new.qty != order.qty)
        or new.qty <= order.filled
        or moves_reached_stop
        or cannot_rest
        or moves_auction
    ):
        raise not_replaceable(order.number)
    return new


def new_more(order: Order, asked: dict[str, Any], time_in_force: str) -> dict[str, Any]:
    """The rarer terms after a replace: trail, date and displayed quantity can change."""
    more = dict(order.more)
    if "trail_price" in asked or "trail_percent" in asked:
        more |= {name: asked.get(name) for name in ("trail_price", "trail_percent")}
    if time_in_force != "gtd":
        more.pop("expires_ns", None)
    more |= {name: asked[name] for name in ("expires_ns", "display_qty") if name in asked}
    if set(asked) - {"trail_price", "trail_percent", "expires_ns", "display_qty"}:
        raise terms.wrong("more")
    return terms.kept(more)


def check_new_terms(world: World, order: Order, new: Order) -> tuple[Failure | None, int]:
    """The first failed check of the new terms, and the new hold."""
    failure = next(failures_of_change(world, order, new), None)
    is_free = order.side == "sell" and order.account.margin is None
    if failure:
        return failure, 0
    if is_free or "held" in new.more:
        hold = order.hold if "held" in new.more else in_proportion(order, new)
        return next(failures_of_flags(world, order, new), None), hold
    hold, power = new_hold(world, order, new), power_for(world, order.account, order.instrument)
    if hold - order.hold <= max(0, power):
        return next(failures_of_flags(world, order, new), None), hold
    texts = (format_money(hold - order.hold), format_money(power))
    return Failure("insufficient_buying_power", "qty", *texts), 0


def failures_of_flags(world: World, order: Order, new: Order) -> Iterator[Failure]:
    """What dated, post-only and reduce-only orders must keep to, for what is left; and the risk."""
    if order.account.status != "active":
        yield Failure("account_not_active")
    yield from past_its_date(world, new)
    new.qty -= order.filled
    yield from not_as_flagged(new)
    new.qty += order.filled
    failed, _ = judge(world, new, order)
    if failed:
        yield failed


def failures_of_change(world: World, order: Order, new: Order) -> Iterator[Failure]:
    """The failed checks of new terms, but for the cash."""
    instrument, account = order.instrument, order.account
    yield from off_the_steps(new)
    if new.limit_price != order.limit_price:
        yield from outside_the_band(new)
    prices = (new.limit_price, new.stop_price, 1)
    at = next(price for price in prices if price is not None)
    value = instrument.value(at, new.qty, "up")
    if value > ORDER_VALUE_MAX or new.qty > QUANTITY_MAX:
        limit = format_money(ORDER_VALUE_MAX)
        yield Failure("order_too_large", "qty", format_money(value), limit)
    yield from position_beyond_bounds(world, order, new.qty - order.filled)
    more, free = new.qty - order.qty, free_to_sell(world, account, instrument)
    if order.side == "sell" and account.margin is None and more > max(0, free):
        texts = (instrument.qty_text(more), instrument.qty_text(free))
        yield Failure("insufficient_quantity", "qty", *texts)


def new_hold(world: World, order: Order, new: Order) -> int:
    """The hold of the new terms; at any price it is the old one in proportion."""
    leaves = new.qty - order.filled
    at = new.limit_price
    if at is None and not order.triggered:
        at = new.stop_price
    if at is not None and order.account.margin is not None:
        return margin_hold(
            world, new, leaves, order.instrument.value(at, leaves, "up"), order.leaves
        )
    if at is not None:
        return hold_at(order.instrument, at, leaves)
    return in_proportion(order, new)


def in_proportion(order: Order, new: Order) -> int:
    """The hold that an order has, for another quantity."""
    leaves = new.qty - order.filled
    return clamp(divide(order.hold * leaves, max(1, order.leaves), "up"))

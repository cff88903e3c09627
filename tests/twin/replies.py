"""The JSON of replies and answers, as parsed values."""

from typing import Any

from twin import combo_orders, notionals, profile, trails
from twin.amounts import RATE_SCALE, clamp, format_decimal, format_money
from twin.auctions import uncross
from twin.checks import Failure, check_terms, failures, hold_of, walk
from twin.fees import fee_of_hold, show
from twin.ids import FILL, format_time, make_id
from twin.margin import Worth, power_for, value_at, worth
from twin.options import is_option, underlying_of
from twin.prices import best_first, on_offer, outside, price, price_of_mark, shown_book, street
from twin.review import failures_of_risk
from twin.risk import risk_members
from twin.sessions import next_open, phase
from twin.state import Account, Exchange, Instrument, Order, Position, Refused, World
from twin.terms import shown as shown_terms
from twin.trading import order_id

ARCHIVES_MAX = 100
LOTS_SHOWN = 100


def show_thing(world: World, thing: Any) -> Any:
    """A thing as a reply shows it: an order by its number, canceled orders by theirs."""
    shows: list[tuple[type, Any]] = [
        (int, order_object),
        (tuple, listed),
        (Account, account_at_marks),
        (Instrument, instrument_object),
        (Exchange, lambda _, exchange: exchange_object(exchange)),
        (World, lambda *_: {"world": world.name, "as_of_seq": world.seq}),
        (Refused, refusal),
        (dict, lambda _, shown: shown),
    ]
    return next(does(world, thing) for kind, does in shows if isinstance(thing, kind))


def refusal(world: World, refused: Refused) -> dict[str, Any]:
    """The body that a refusal makes; its sentence for people is left out."""
    body: dict[str, Any] = {"reason": refused.reason}
    for name in ("field", "value", "limit"):
        if getattr(refused, name) is not None:
            body[name] = getattr(refused, name)
    if refused.next_open_ns:
        body["next_open"] = format_time(refused.next_open_ns)
    if refused.item is not None:
        body["item"] = refused.item
    if refused.order is not None:
        body["order_id"] = order_id(world, refused.order)
        body["order"] = order_object(world, refused.order)
    return body


def listed(world: World, found: tuple[Any, Any]) -> dict[str, Any]:
    """What a command about several orders has done."""
    return taken(world, found[1]) if found[0] == "orders" else canceled(world, found)


def taken(world: World, found: list[tuple[str, int]]) -> dict[str, Any]:
    """The orders of a list, and whether each is new or stood before."""
    items = [
        {
            "id": order_id(world, number),
            "outcome": outcome,
            "order": order_object(world, number),
        }
        for outcome, number in found
    ]
    return {"items": items}


def canceled(world: World, found: tuple[list[int], int]) -> dict[str, Any]:
    """What a cancel-all has done, and how many orders are still to leave."""
    numbers, remaining = found
    items = [
        {"id": order_id(world, number), "status": 200, "order": order_object(world, number)}
        for number in numbers
    ]
    return {"items": items, "remaining": remaining}


def instruments(world: World) -> dict[str, Any]:
    """All instruments by symbol."""
    listed = sorted(world.instruments, key=lambda one: one.symbol.encode())
    return {"items": [instrument_object(world, one) for one in listed]}


def exchanges(world: World) -> dict[str, Any]:
    """All exchanges by id."""
    listed = sorted(world.exchanges, key=lambda one: one.id.encode())
    return {"items": [exchange_object(one) for one in listed]}


def order_object(world: World, number: int) -> dict[str, Any] | None:
    """An order as it stands; nothing when it has left memory."""
    order = world.orders.get(number)
    if order is None:
        return None
    instrument = order.instrument
    average = None
    if order.filled:
        average = instrument.price_text(average_price(order))
    return {
        "id": order_id(world, number),
        "account_id": order.account.text,
        "client_order_id": order.client_order_id,
        "symbol": instrument.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "qty": instrument.qty_text(order.qty),
        "filled_qty": instrument.qty_text(order.filled),
        "filled_avg_price": average,
        "limit_price": maybe(instrument.price_text, order.limit_price),
        "stop_price": maybe(instrument.price_text, order.stop_price),
        "status": order.status,
        "reason": order.reason,
        **shown_terms(world, order),
        "created_at": format_time(order.created_ns),
        "updated_at": format_time(order.updated_ns),
        "as_of_seq": world.seq,
    }


def average_price(order: Order) -> int:
    """The average of the fills' prices, half-even."""
    quotient, rest = divmod(order.filled_value, order.filled)
    up = 2 * rest > order.filled or (2 * rest == order.filled and quotient % 2 == 1)
    return clamp(quotient + up)


def maybe(write: Any, value: Any) -> Any:
    """What `write` makes of a value, or nothing."""
    return None if value is None else write(value)


def account_object(world: World, account: Account, now: Worth) -> dict[str, Any]:
    """An account that is worth so much."""
    return {
        "id": account.text,
        "kind": account.kind,
        "currency": account.currency,
        "cash": format_money(account.cash),
        "equity": format_money(now.equity),
        "buying_power": format_money(now.buying_power(account)),
        "unrealized_pl": format_money(now.unrealized_pl),
        "realized_pl": format_money(account.realized_pl),
        "status": account.status,
        "as_of_seq": world.seq,
        **({"receivable": format_money(account.receivable)} if account.receivable else {}),
        **margin_members(account, now),
        **rarer_members(world, account),
        **({"kill_switch": account.risk.killed.reason} if account.risk.killed else {}),
        **risk_members(account),
    }


def margin_members(account: Account, now: Worth) -> dict[str, Any]:
    """What only a margin account shows."""
    if account.margin is None:
        return {}
    return {
        "multiplier": str(account.margin["multiplier"]),
        "long_market_value": format_money(now.long_value),
        "short_market_value": format_money(now.short_value),
        "initial_margin": format_money(now.initial),
        "maintenance_margin": format_money(now.maintenance),
    }


def rarer_members(world: World, account: Account) -> dict[str, Any]:
    """What only few accounts show: cost method, other currencies, unsettled cash, resets."""
    shown: dict[str, Any] = {}
    if account.cost_method != "average":
        shown["cost_method"] = account.cost_method
    if account.wallets:
        shown["currencies"] = {
            code: {
                "cash": format_money(wallet.cash),
                "held": format_money(wallet.held),
                "unsettled": format_money(account.unsettled_in(code)),
            }
            for code, wallet in account.wallets.items()
        }
    if account.unsettled:
        shown["unsettled_cash"] = format_money(account.unsettled_in(account.currency))
    if account.resets:
        shown["resets"] = min(account.resets, ARCHIVES_MAX)
    return shown


def account_at_marks(world: World, account: Account) -> dict[str, Any]:
    """An account at the recorded prices."""
    return account_object(world, account, worth(world, account, lambda i: price_of_mark(i.mark)))


def value(world: World, account: Account) -> dict[str, Any]:
    """The answer to `value`: the account and its positions at live prices."""
    held = [(one, account.positions.get(one.index, Position())) for one in world.instruments]
    positions = [
        position_object(*one, price(one[0])) | lots_of(world, account, one[0])
        for one in held
        if one[1].qty != 0
    ]
    return {
        "account": account_object(world, account, worth(world, account)),
        "positions": positions,
    }


def position_object(instrument: Instrument, position: Position, at: int | None) -> dict[str, Any]:
    """A position."""
    now = value_at(instrument, position, at)
    average = instrument.average_price(position.cost, position.qty)
    return {
        "symbol": instrument.symbol,
        "qty": instrument.qty_text(position.qty),
        "avg_entry_price": instrument.price_text(average),
        "market_value": format_money(now),
        "cost_basis": format_money(position.cost),
        "unrealized_pl": format_money(now - position.cost),
        "current_price": maybe(instrument.price_text, at),
        "side": "short" if position.qty < 0 else "long",
    }


def lots_of(world: World, account: Account, instrument: Instrument) -> dict[str, Any]:
    """The lots of a position, when the account keeps them."""
    lots = account.lots.get(instrument.index, [])
    if not lots:
        return {}
    shown = [
        {
            "id": make_id(world.name, FILL, lot.id),
            "qty": instrument.qty_text(lot.qty),
            "cost_basis": format_money(lot.cost),
            "opened_at": format_time(lot.opened_ns),
        }
        for lot in lots[:LOTS_SHOWN]
    ]
    return {"lot_count": len(lots), "lots": shown}


def instrument_object(world: World, instrument: Instrument) -> dict[str, Any]:
    """An instrument as a client sees it."""
    terms, rules = instrument.terms, instrument.rules
    names = ("symbol", "name", "asset_class", "exchange", "sector", "currency")
    shown = {
        **{name: terms[name] for name in names},
        "tick_size": instrument.price_text(instrument.tick),
        "lot_size": instrument.qty_text(instrument.lot),
        "status": "halted" if phase(world, instrument) == "halted" else instrument.status,
    }
    if instrument.contract:
        shown["contract"] = contract_object(world, instrument)
    if instrument.halt:
        shown["halt_reason"] = instrument.halt["reason"]
    if rules.get("industry"):
        shown["industry"] = rules["industry"]
    if rules.get("band"):
        shown["band"] = percent(rules["band"])
    if rules.get("tick_table"):
        text = instrument.price_text
        shown["tick_table"] = [[text(start), text(step)] for start, step in rules["tick_table"]]
    return shown


def contract_object(world: World, instrument: Instrument) -> dict[str, Any]:
    """The contract of an instrument as a client sees it."""
    contract = instrument.contract
    one = 10 ** instrument.terms["qty_scale"]
    shown = {
        "multiplier": format_decimal(contract["multiplier"], 6, 0),
        "tick_value": format_money(instrument.value(instrument.tick, one, "half_even")),
        "settlement": contract["settlement"],
    }
    base = underlying_of(world, instrument)
    if base:
        shown["underlying"] = base.symbol
    if contract.get("expiry_ns"):
        shown["expiry"] = format_time(contract["expiry_ns"])
    if is_option(instrument):
        shown["strike"] = instrument.price_text(contract["strike"])
        shown |= {"right": contract["right"], "style": contract["style"]}
    for which in ("initial", "maintenance"):
        if contract.get(which):
            shown[f"{which}_margin"] = format_money(contract[which])
        if contract.get(f"{which}_rate"):
            share = format_decimal(contract[f"{which}_rate"], RATE_SCALE, 0)
            shown[f"{which}_margin_rate"] = share
    if contract.get("funding_interval_ns"):
        shown["funding_interval_s"] = contract["funding_interval_ns"] // 10**9
    return shown | state_of(instrument)


def state_of(instrument: Instrument) -> dict[str, Any]:
    """What has become of a contract."""
    shown = {}
    if instrument.settlement_price:
        shown["settlement_price"] = instrument.price_text(instrument.settlement_price)
    if instrument.funding_rate:
        shown["funding_rate"] = format_decimal(instrument.funding_rate, RATE_SCALE, 0)
    if instrument.next_funding_ns:
        shown["next_funding"] = format_time(instrument.next_funding_ns)
    return shown


def percent(band: int) -> str:
    """A band in percent."""
    return format_decimal(band, RATE_SCALE - 2, 0)


def exchange_object(exchange: Exchange) -> dict[str, Any]:
    """An exchange as a client sees it."""
    terms, rules = exchange.terms, exchange.rules

    shown = {
        **{name: terms[name] for name in ("exchange", "name", "currency", "calendar")},
        "state": exchange.state,
        "fees": show(exchange.fees),
        "profile": profile.show(exchange.profile),
        "rules_version": exchange.rules_version,
    }
    if exchange.auction:
        shown["auction"] = exchange.auction
    if exchange.halt:
        shown["halt_reason"] = exchange.halt["reason"]
    if exchange.has_sessions and exchange.next_ns > 0:
        shown["next_change"] = format_time(exchange.next_ns)
    opens = next_open(exchange)
    if opens is not None:
        shown["next_open"] = format_time(opens)
    if rules.get("mic"):
        shown["mic"] = rules["mic"]
    if rules.get("band"):
        shown["band"] = percent(rules["band"])
    return shown


def quote_object(world: World, instrument: Instrument) -> dict[str, Any] | None:
    """The live quote; nothing when there was none since the start."""
    market = instrument.market
    if market.time_ns == 0:
        return None
    bid, ask = outside(instrument, "buy"), outside(instrument, "sell")
    return {
        "symbol": instrument.symbol,
        "bid": bid and instrument.price_text(bid[0]),
        "ask": ask and instrument.price_text(ask[0]),
        "bid_size": bid and instrument.qty_text(clamp(bid[1])),
        "ask_size": ask and instrument.qty_text(clamp(ask[1])),
        "last": maybe(instrument.price_text, market.last),
        "time": format_time(market.time_ns),
        **indication(world, instrument),
    }


def indication(world: World, instrument: Instrument) -> dict[str, Any]:
    """What an auction that collects orders would do now."""
    collects, _, auction = phase(world, instrument).partition(" ")
    if collects != "auction":
        return {}
    found = uncross(instrument, auction, seen_only=True)
    if found is None:
        return {"auction": auction}
    return {
        "auction": auction,
        "indicative_price": instrument.price_text(found.price),
        "paired_qty": instrument.qty_text(found.qty),
        "imbalance_qty": instrument.qty_text(found.imbalance),
        "imbalance_side": found.side,
    }


def book_object(world: World, instrument: Instrument, depth: int) -> dict[str, Any]:
    """The answer to `book`: street, bots and users together, best levels first."""

    def levels(side: str) -> list[list[Any]]:
        orders: dict[int, list[int]] = {}
        for one in shown_book(instrument, side):
            orders.setdefault(one.limit_price, []).append(on_offer(one))
        merged = {at: orders[at] for at in list(orders)[:depth]}
        for level in street(instrument, side)[:depth]:
            merged.setdefault(level.price, []).append(level.available)
        best = sorted(merged, key=lambda at: best_first(side, at))[:depth]
        return [
            [
                instrument.price_text(at),
                instrument.qty_text(clamp(sum(merged[at]))),
                len(merged[at]),
            ]
            for at in best
        ]

    return {
        "symbol": instrument.symbol,
        "bids": levels("buy"),
        "asks": levels("sell"),
        "quote": quote_object(world, instrument),
        "as_of_seq": world.seq,
    }


def preview(world: World, order: Order) -> dict[str, Any]:
    """What an order would do if it came now."""
    check_terms(order)
    if order.is_combo:
        return preview_of_combo(world, order)
    notionals.prepare(world, order)
    trails.prepare(order)
    instrument, account = order.instrument, order.account
    found = [*failures(world, order), *failures_of_risk(world, order)]
    failed = [failure_object(one) for one in found]
    walked = walk(world, order)
    if order.awaits_price:
        walked = type(walked)()
    rest = max(0, order.qty - walked.filled)
    own = (order.limit_price, order.stop_price, walked.worst, price(instrument), 0)
    at = next(one for one in own if one is not None)
    rest_value = instrument.notional(at, rest)
    fees = walked.fees + (fee_of_hold(instrument, rest, rest_value) if rest > 0 else 0)
    cost = (walked.notional + rest_value) * (1 if order.side == "buy" else -1)
    takes = hold_of(world, order)
    if order.side == "sell" and account.margin is None:
        takes += cost + fees
    after = power_for(world, account, instrument) - takes
    waits = rest > 0 and not order.awaits_price
    return {
        "cost": format_money(cost),
        "fees": format_money(fees),
        "buying_power_after": format_money(after),
        "expected_slippage": slippage(order, walked.notional, walked.filled),
        "rejections": failed,
        "warnings": [{"reason": "would_wait"}] if waits else [],
    }


def preview_of_combo(world: World, order: Order) -> dict[str, Any]:
    """The same of a multi-leg order: the strategy as a whole."""
    found = combo_orders.preview(world, order)
    return {
        "cost": format_money(found["cost"]),
        "fees": format_money(found["fees"]),
        "buying_power_after": format_money(found["after"]),
        "rejections": [failure_object(one) for one in found["failed"]],
        "warnings": [{"reason": "would_wait"}] if found["waits"] else [],
    }


def slippage(order: Order, notional: int, filled: int) -> str | None:
    """How much worse than the mid the order would fill."""
    instrument = order.instrument
    bid, ask = outside(instrument, "buy"), outside(instrument, "sell")
    if bid is None or ask is None or filled == 0:
        return None
    average = instrument.average_price(notional, filled)
    worse = average - (bid[0] + ask[0]) // 2
    return instrument.price_text(clamp(worse if order.side == "buy" else -worse))


def failure_object(failure: Failure) -> dict[str, Any]:
    """A failed check of a preview."""
    return {"reason": failure.reason, "value": failure.value, "limit": failure.limit}

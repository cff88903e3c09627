"""Random options: listed around the middle of what they are on, exercised, kept, ended."""

from typing import TYPE_CHECKING, Any

from twin.amounts import format_decimal
from twin.options import is_option, underlying_of
from twin.state import Instrument, World

if TYPE_CHECKING:
    from twin.flow import Flow

Command = dict[str, Any]
LISTED_MAX = 8


def listing(flow: "Flow", world: World) -> Command:
    """An option on something that is held, mostly one that can be listed."""
    draw = flow.random
    bases = [one for one in world.instruments if not one.contract and one.status == "active"]
    open_options = [one for one in world.instruments if is_option(one) and one.status == "active"]
    if not bases or len(open_options) >= LISTED_MAX:
        return about(flow, world)
    base = draw.choice(bases)
    symbol = f"OPT{len(world.instruments)}"
    middle = flow.middles.get(base.symbol, 100)
    flow.middles[symbol] = draw.choice([3, 12, 40])
    tick, scale = base.tick, base.terms["price_scale"]
    strike = max(1, middle + draw.choice([-6, -3, -1, 0, 1, 3, 6])) * tick
    return {
        "kind": "list_instrument",
        "symbol": symbol,
        "name": "An option",
        "asset_class": "us_option",
        "exchange": base.exchange.id,
        "currency": base.terms["currency"],
        "tick_size": format_decimal(tick, scale, 0),
        "lot_size": "1",
        "price_scale": scale,
        "qty_scale": draw.choice([0, 0, 2]),
        "source": base.terms["source"],
        "trigger": "bid_ask",
        "contract": terms(flow, base, format_decimal(strike, scale, 0)),
    }


def terms(flow: "Flow", base: Instrument, strike: str) -> Command:
    """Strike, right, style, settlement, multiplier and end."""
    draw = flow.random
    lot = format_decimal(base.lot, base.terms["qty_scale"], 0)
    contract = {
        "multiplier": draw.choice([lot, lot, "100", "1", "10", "0.5"]),
        "underlying": base.symbol,
        "expiry_ns": str(flow.now_ns + draw.choice([60, 3_600, 80_000, 300_000]) * 10**9),
        "strike": strike,
        "right": draw.choice(["call", "put"]),
        "settlement": draw.choice(["physical", "physical", "cash"]),
    }
    if draw.random() < 0.4:
        contract["style"] = draw.choice(["american", "american", "european"])
    if draw.random() < 0.02:
        contract["initial_margin"] = "5"
    return contract


def about(flow: "Flow", world: World) -> Command:
    """Exercises an option, keeps it from being exercised, or states the price of its end."""
    draw = flow.random
    held = [
        (account, world.instruments[index], position)
        for account in world.accounts
        for index, position in account.positions.items()
        if is_option(world.instruments[index]) and position.qty != 0
    ]
    alive = [one for one in held if one[1].status == "active"]
    if not held:
        return {"kind": "time"}
    account, option, position = draw.choice(alive or held)
    command: Command = {"kind": "exercise", "account_id": account.text, "symbol": option.symbol}
    kind = draw.random()
    if kind < 0.15:
        base = underlying_of(world, option)
        price = flow.price(base)
        return {"kind": "settle", "symbol": option.symbol, "price": price, "at_expiry": True}
    if kind < 0.4:
        command["kind"] = "do_not_exercise"
        if draw.random() < 0.4:
            command["revoke"] = draw.random() < 0.9
        return command
    lots = max(1, abs(position.qty) // option.lot)
    some = draw.randint(1, lots) * option.lot + (draw.random() < 0.01)
    return command | {"qty": option.qty_text(some)} | flow.request()


def trade(flow: "Flow", world: World) -> Command:
    """An order in an option, mostly a small one that somebody can carry."""
    draw = flow.random
    alive = [one for one in world.instruments if is_option(one) and one.status == "active"]
    if not alive:
        return listing(flow, world)
    option, account = draw.choice(alive), draw.choice(world.accounts)
    flow.ids += 1
    lots = draw.randint(1, draw.choice([1, 5, 40]))
    command: Command = {
        "kind": "submit",
        "account_id": account.text,
        "symbol": option.symbol,
        "side": draw.choice(["buy", "sell"]),
        "type": draw.choice(["market", "limit", "limit"]),
        "qty": option.qty_text(lots * option.lot),
        "time_in_force": draw.choice(["day", "gtc", "ioc"]),
        "client_order_id": f"order-{flow.ids}",
    }
    if command["type"] == "limit":
        command["limit_price"] = flow.price(option, 3)
    return command


def quote(flow: "Flow", world: World) -> Command:
    """The market of an option, so that its orders meet something."""
    draw = flow.random
    alive = [
        one
        for one in world.instruments
        if is_option(one) and one.status == "active" and one.terms["source"] == "street"
    ]
    if not alive:
        return flow.market(world)
    option = draw.choice(alive)
    bid, ask = sorted((flow.price(option, 2), flow.price(option, 2)), key=float)
    size = option.qty_text(draw.randint(1, 60) * option.lot)
    return {
        "kind": "quote",
        "symbol": option.symbol,
        "bid": bid,
        "bid_size": size,
        "ask": ask,
        "ask_size": size,
    }


KINDS = {listing: 0.8, about: 2, trade: 6, quote: 6}

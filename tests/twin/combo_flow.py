"""Random multi-leg orders: spreads, covered calls, collars, pairs of anything, and nonsense."""

from math import gcd
from typing import TYPE_CHECKING, Any

from twin import option_flow, order_flow
from twin.amounts import MONEY_SCALE, format_decimal
from twin.combos import Combo
from twin.ids import ORDER, make_id
from twin.margin import worth
from twin.options import is_option, underlying_of
from twin.prices import offers, price
from twin.state import Account, Instrument, Order, World

if TYPE_CHECKING:
    from twin.flow import Flow

Command = dict[str, Any]
RATIOS = [[1, 1], [1, 1], [1, 2], [2, 1], [1, 2, 1], [1, 1, 1], [1, 1, 1, 1]]


def submit(flow: "Flow", world: World) -> Command:
    """A multi-leg order; where there is too little for one, mostly something more is listed."""
    asked = terms(flow, world)
    if len(asked["legs"]) < 2 and flow.random.random() < 0.9:
        return option_flow.listing(flow, world)
    flow.ids += flow.random.random() > 0.02
    return {"kind": "submit", **asked, "client_order_id": f"order-{flow.ids}"}


def preview(flow: "Flow", world: World) -> Command:
    """What one would do."""
    return {"kind": "preview", **terms(flow, world)}


def terms(flow: "Flow", world: World) -> Command:
    """Mostly what can be traded, some of it not."""
    draw = flow.random
    traders = [one for one in world.accounts if not one.is_journal and one.status == "active"]
    richest = sorted(traders, key=lambda one: -worth(world, one).excess)[:3]
    among = richest if richest and draw.random() < 0.9 else world.accounts
    account = draw.choice(among)
    asked: Command = {
        "account_id": account.text,
        "order_class": "mleg",
        "legs": legs(flow, world, account),
        "qty": str(draw.randint(1, draw.choice([1, 1, 3, 30]))),
        "type": draw.choices(["market", "limit", "stop"], [6, 14, 0.1])[0],
        "time_in_force": draw.choices(
            ["day", "gtc", "ioc", "fok", "gtd", "opg"], [8, 8, 2, 2, 1, 0.1]
        )[0],
    }
    if (asked["type"] == "limit") != (draw.random() < 0.01):
        asked["limit_price"] = net_price(flow, world, asked["legs"])
    if (asked["time_in_force"] == "gtd") != (draw.random() < 0.01):
        asked["expires_ns"] = flow.now_ns + draw.choice([-1, 1, 60, 90_000]) * 10**9
    if draw.random() < 0.3:
        rules = ["none", "cancel_newest", "cancel_oldest", "decrement"]
        asked["self_trade"] = draw.choices(rules, [2, 6, 6, 0.3])[0]
    if draw.random() < 0.1:
        asked["when_closed"] = draw.choice(["wait", "refuse"])
    if draw.random() < 0.02:
        wrong = {"hidden": True, "symbol": "X", "side": "buy", "reduce_only": True, "notional": "5"}
        name = draw.choice([*wrong, "stop_price", "position_intent"])
        asked[name] = wrong.get(name, "buy_to_open" if name == "position_intent" else "1")
    if draw.random() < 0.01:
        asked["limit_price"] = draw.choice(["-4000000000001", "4000000000000.000001", "0", "1e9"])
    if draw.random() < 0.01:
        asked["qty"] = draw.choice(["0.5", "0", "1000000000000", "4000000000000000000"])
    return asked


def legs(flow: "Flow", world: World, account: Account) -> list[Command]:
    """Two to four legs on one exchange; where there are options mostly those on one thing."""
    draw = flow.random
    ratios = draw.choice(RATIOS)
    chosen = together(flow, world, len(ratios))
    ratios = (ratios * 2)[: len(chosen)]
    named = []
    for instrument, ratio in zip(chosen, ratios, strict=True):
        # Stock stands beside options by what one of them delivers.
        is_stock = not is_option(instrument) and any(is_option(one) for one in chosen)
        much = ratio * (draw.choice([1, 1, 10, 100]) if is_stock else 1)
        can_sell = account.margin is not None or account.position(instrument).qty > 0
        side = draw.choice(["buy", "sell"] if can_sell or draw.random() < 0.2 else ["buy"])
        leg = {"symbol": instrument.symbol, "side": side, "ratio_qty": much}
        if draw.random() < 0.25:
            closes = account.position(instrument).closing(side) > 0
            closes = closes != (draw.random() < 0.1)
            leg["position_intent"] = f"{side}_to_{'close' if closes else 'open'}"
        named.append(leg)
    common = gcd(*(leg["ratio_qty"] for leg in named)) if named else 1
    for leg in named:
        leg["ratio_qty"] = str(leg["ratio_qty"] // (common if draw.random() < 0.99 else 1))
    if named and draw.random() < 0.02:
        spoil(flow, named)
    return named


def spoil(flow: "Flow", named: list[Command]) -> None:
    """Breaks one leg."""
    leg = flow.random.choice(named)
    how = flow.random.randrange(6)
    if how == 0:
        leg["ratio_qty"] = flow.random.choice(["0", "0.5", "-1", "20000", 1, None])
    elif how == 1:
        leg["symbol"] = "NONE"
    elif how == 2:
        leg["side"] = "hold"
    elif how == 3:
        leg["position_intent"] = flow.random.choice(["buy_to_open", "open", 5])
    elif how == 4:
        named.append(dict(leg))
    else:
        del leg[flow.random.choice(list(leg))]


def together(flow: "Flow", world: World, count: int) -> list[Instrument]:
    """Instruments that mostly can be traded together."""
    draw = flow.random
    fitting = world.instruments
    if draw.random() < 0.97:
        first = draw.choice(world.instruments)
        alive = [one for one in world.instruments if is_option(one) and one.status == "active"]
        if alive and draw.random() < 0.7:
            first = draw.choice(alive)
        venue = (first.exchange, first.currency)
        fitting = [one for one in fitting if (one.exchange, one.currency) == venue]
        fitting = [one for one in fitting if not one.is_margined and one.status == "active"]
        base = underlying_of(world, first) if is_option(first) else None
        if base and draw.random() < 0.7:
            fitting = [one for one in fitting if base in (one, underlying_of(world, one))]
            fresh = [one for one in fitting if offers(one, "buy") and offers(one, "sell")]
            fitting = fresh if len(fresh) > 1 else fitting
    return draw.sample(fitting, min(count, len(fitting)))


def net_price(flow: "Flow", world: World, named: list[Command]) -> str:
    """About what one strategy costs now."""
    draw, parts = flow.random, list[tuple[Instrument, int]]()
    for leg in named:
        instrument = world.find_instrument(leg.get("symbol", ""))
        try:
            ratio = int(leg.get("ratio_qty") or 1)
        except ValueError:
            ratio = 1
        if instrument:
            parts.append((instrument, ratio if leg.get("side") == "buy" else -ratio))
    if not parts:
        return "1"

    def size(part: tuple[Instrument, int]) -> int:
        return part[0].contract.get("multiplier", 10**MONEY_SCALE)

    pricing = max(parts, key=size)[0]
    one = 10 ** pricing.terms["qty_scale"]
    money = sum(
        part.notional(price(part) or 0, ratio * 10 ** part.terms["qty_scale"])
        for part, ratio in parts
    )
    more = draw.randint(-4, draw.choice([4, 40]))
    ticks = pricing.average_price(money, one) // pricing.tick + more
    at = ticks * pricing.tick + (draw.random() < 0.01)
    return format_decimal(at, pricing.terms["price_scale"], 0)


def add_replaced(flow: "Flow", world: World, command: Command, order: Order) -> None:
    """Another quantity in whole strategies, another net price."""
    draw, combo = flow.random, Combo(world, order)
    command.pop("limit_price", None)
    command.pop("qty", None)
    if draw.random() < 0.6:
        named = [
            {"symbol": one.instrument.symbol, "side": one.side, "ratio_qty": one.ratio // one.one}
            for one in combo.parts
        ]
        command["limit_price"] = net_price(flow, world, named)
    if draw.random() < 0.6:
        command["qty"] = str(draw.randint(max(1, combo.strategies - 3), combo.strategies + 3))


def cancel(flow: "Flow", world: World) -> Command:
    """Cancels a multi-leg order, or one of its legs."""
    draw = flow.random
    tied = [one for one in world.open if one.is_combo or one.is_bound]
    if not tied or draw.random() < 0.3:
        return submit(flow, world)
    order = draw.choice(tied)
    kind = draw.choice(["cancel", "replace", "replace"])
    command = {
        "kind": kind,
        "account_id": order.account.text,
        "order_id": make_id(world.name, ORDER, order.number),
        **flow.request(),
    }
    if kind == "replace" and order.is_combo:
        add_replaced(flow, world, command, order)
    elif kind == "replace":
        command["qty"] = "7"
    return command


def serve(flow: "Flow", world: World) -> Command:
    """The market of a leg of an order that rests moves, mostly to where the order trades."""
    draw = flow.random
    resting = [one for one in world.open if one.is_combo]
    if not resting:
        return option_flow.quote(flow, world)
    part = draw.choice(Combo(world, draw.choice(resting)).parts)
    instrument = part.instrument
    exchange = instrument.exchange
    if exchange.state != "open" and exchange.has_sessions:
        return {"kind": "session", "exchange": exchange.id, "state": "open"}
    away = draw.randint(0, 6) if part.side == "sell" else -draw.randint(0, 6)
    if instrument.terms["source"] == "agents":
        side = "sell" if part.side == "buy" else "buy"
        return flow.agent_order(world) | {
            "symbol": instrument.symbol,
            "side": side,
            "price": order_flow.beside(flow, instrument, away),
            "qty": instrument.qty_text(part.ratio * draw.choice([1, 3, 20])),
        }
    size = instrument.qty_text(part.ratio * draw.choice([1, 3, 20]))
    bid, ask = (order_flow.beside(flow, instrument, away + by) for by in (0, draw.randint(0, 2)))
    return {
        "kind": "quote",
        "symbol": instrument.symbol,
        "bid": bid,
        "bid_size": size,
        "ask": ask,
        "ask_size": size,
    }


KINDS = {submit: 8, preview: 0.7, cancel: 1, serve: 5}

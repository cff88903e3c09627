"""Random fill profiles, with latency now and then."""

import random
from typing import TYPE_CHECKING, Any

from twin.prices import offers
from twin.profile import CIRCUMSTANCES
from twin.sessions import may_trade
from twin.state import Instrument, World

if TYPE_CHECKING:
    from twin.flow import Flow


def profile(draw: random.Random) -> Any:
    """A fill profile: mostly plain, now and then a preset or one with rarer rules."""
    if draw.random() < 0.15:
        return draw.choice(["realistic", "optimistic", "conservative", "alpaca_paper", "none"])
    found: dict[str, Any] = {
        "name": "realistic",
        "spread_ticks": draw.choice([0, 1, 2, 3, 10]),
        "participation": draw.choice(["0", "0.1", "0.333333333", "1"]),
        "market_orders": draw.choice(["street", "next_bar"]),
    }
    if draw.random() < 0.4:
        found["command_latency"] = latency(draw)
    if draw.random() < 0.1:
        found["event_latency"] = latency(draw)
    if draw.random() < 0.1:
        found["preset"] = draw.choice(["realistic", "conservative", "alpaca_paper"])
    if draw.random() < 0.5:
        found |= rarer_rules(draw)
    return found


def rarer_rules(draw: random.Random) -> dict[str, Any]:
    """Some of the rules that plain profiles do not have."""
    models = ["none", "ticks", "bps", "volume_share", "square_root", "almgren_2005"]
    all_ = {
        "spread_rate": draw.choice(["0.000001", "0.01", "0.2"]),
        "depth": draw.choice(["displayed", "volume", "unlimited"]),
        "slippage": draw.choice(models),
        "slippage_ticks": draw.choice([0, 1, 3, "100"]),
        "slippage_rate": draw.choice(["0.0005", "0.02", "1", "7.5"]),
        "daily_volume": draw.choice([1, 500, 1_000_000, 10**15]),
        "daily_volatility": draw.choice(["0.01", "0.5"]),
        "outstanding": draw.choice([1, 100_000, 10**15]),
        "factors": [factor(draw) for _ in range(draw.randint(1, 3))],
        "queue": draw.choice(["touch", "trade_through", "volume_ahead", "volume_ahead"]),
        "bar_through": draw.random() < 0.8,
        "path": draw.choice(["nearer_first", "high_first", "low_first", "stops_first"]),
        "gap": draw.choice(["open", "worst"]),
        "partial_rate": draw.choice(["0.1", "0.5", "1"]),
    }
    return {name: all_[name] for name in draw.sample(list(all_), draw.randint(1, 8))}


def factor(draw: random.Random) -> dict[str, str]:
    """A circumstance that multiplies slippage."""
    found = {"factor": draw.choice(["0", "0.5", "2", "30"])}
    for name, words in CIRCUMSTANCES.items():
        if draw.random() < 0.4:
            found[name] = draw.choice(words)
    return found


def latency(draw: random.Random) -> dict[str, Any]:
    """How long messages are under way."""
    found: dict[str, Any] = {"mean_ms": draw.choice(["0", "1", "250", "1500.000001", "60000"])}
    if draw.random() < 0.8:
        found["model"] = draw.choice(["constant", "normal", "log_normal", "normal", "none"])
    if draw.random() < 0.6:
        found["deviation_ms"] = draw.choice(["1", "400", "2000"])
        found["sigma"] = draw.choice(["0.5", "2.999999999", "0.000001"])
    if draw.random() < 0.3:
        found["least_ms"] = draw.choice(["0.5", "100"])
    if draw.random() < 0.3:
        found["most_ms"] = draw.choice(["1", "3000"])
    return found


def set_profile(flow: "Flow", world: World) -> dict[str, Any]:
    """A new profile for an exchange or an instrument."""
    draw = flow.random
    scope = draw.choice([*world.exchanges, *world.instruments])
    named = {"symbol": scope.symbol} if isinstance(scope, Instrument) else {"exchange": scope.id}
    return {"kind": "set_profile", **named, "profile": profile(draw)}


def ask(flow: "Flow", world: World) -> dict[str, Any]:
    """Which rules count, and what has a name."""
    draw = flow.random
    if draw.random() < 0.1:
        return {"kind": "presets"}
    scope = draw.choice([*world.exchanges, *world.instruments])
    name = "symbol" if isinstance(scope, Instrument) else "exchange"
    return {"kind": "rules", name: scope.symbol if name == "symbol" else scope.id}


def come_too_late(flow: "Flow", world: World) -> dict[str, Any]:
    """All or nothing at once, and the street is empty before it can arrive."""
    open_ = [one for one in world.instruments if one.status == "active" and may_trade(world, one)]
    slow = [one for one in open_ if one.profile["command_latency"]["mean_ns"]]
    found = [(one, offer) for one in slow for offer in offers(one, "buy")[:1]]
    if not found:
        return flow.time(world)
    instrument, offer = flow.random.choice(found)
    symbol = instrument.symbol
    flow.script.append({"kind": "depth", "symbol": symbol, "bids": [], "asks": []})
    wanted = {"qty": flow.qty(instrument, 1), "limit_price": instrument.price_text(offer.price)}
    about = {"symbol": symbol, "side": "buy", "type": "limit", "time_in_force": "fok"}
    account = flow.random.choice(world.accounts).text
    flow.ids += 1
    order_id = f"order-{flow.ids}"
    command = {"kind": "submit", "account_id": account, "client_order_id": order_id}
    return command | about | wanted


def print_at_an_order(flow: "Flow", world: World) -> dict[str, Any]:
    """A print at the price of an order that rests where prints pass what stands before it."""
    resting = [
        order
        for order in world.open
        if order.ahead is not None and order.instrument.terms["source"] == "street"
    ]
    if not resting:
        return flow.trade(world)
    order = flow.random.choice(resting)
    at = order.instrument.price_text(order.limit_price)
    print_ = {"kind": "trade", "symbol": order.instrument.symbol, "price": at}
    return print_ | {"qty": flow.qty(order.instrument, 30)}


KINDS = {set_profile: 0.2, ask: 0.3, come_too_late: 0.8, print_at_an_order: 1.2}
"""How often each of them comes."""

"""Random orders that ask for more than most: trails, parts that are shown, amounts, groups."""

from typing import TYPE_CHECKING, Any

from twin.amounts import format_decimal
from twin.group_terms import NEEDS
from twin.state import Instrument, Order, World

if TYPE_CHECKING:
    from twin.flow import Flow

Command = dict[str, Any]
PERCENTS = ["0.05", "1", "2.5", "10", "0.0001", "99.9999"]


def add_terms(flow: "Flow", terms: Command, instrument: Instrument) -> None:
    """Perhaps a trail, a shown part, or an amount of money; mostly where it fits."""
    draw, kind = flow.random, terms["type"]
    if (kind == "trailing_stop") != (draw.random() < 0.003):
        terms |= trail(flow, instrument)
    is_limit = kind == "limit"
    if draw.random() < (0.15 if is_limit else 0.004):
        terms["display_qty"] = part_of(flow, instrument, terms["qty"])
    if draw.random() < (0.1 if is_limit else 0.004):
        terms["hidden"] = draw.random() < 0.95
    if draw.random() < (0.12 if kind in {"market", "limit"} else 0.003):
        terms["notional"] = draw.choice(["1", "25.5", "300", "0.000001", "4000", "12345.678901"])
        if draw.random() < 0.97:
            del terms["qty"]


def trail(flow: "Flow", instrument: Instrument) -> Command:
    """A distance: an amount or a percentage."""
    draw = flow.random
    if draw.random() < 0.4:
        return {"trail_percent": draw.choice(PERCENTS)}
    return {"trail_price": ticks(flow, instrument, draw.randint(1, 7))}


def ticks(flow: "Flow", instrument: Instrument, count: int) -> str:
    """So many ticks, now and then off the grid."""
    at = count * instrument.tick + (flow.random.random() < 0.01)
    return format_decimal(at, instrument.terms["price_scale"], 0)


def beside(flow: "Flow", instrument: Instrument, away: int) -> str:
    """A price so many ticks from the middle."""
    return ticks(flow, instrument, max(1, flow.middles.get(instrument.symbol, 100) + away))


def part_of(flow: "Flow", instrument: Instrument, qty: str) -> str:
    """A part of a quantity in whole lots, or about so much."""
    scale = instrument.terms["qty_scale"]
    try:
        lots = int(float(qty) * 10**scale) // instrument.lot
    except (ValueError, OverflowError):
        lots = 3
    lots = flow.random.randint(1, max(1, min(lots, 10**6)))
    lots = max(1, lots // flow.random.choice([1, 2, 5]))
    return format_decimal(lots * instrument.lot, scale, 0)


def group(flow: "Flow", world: World) -> Command:
    """A bracket, an oco or an oto whose prices mostly lie around the middle."""
    draw, terms = flow.random, flow.order_terms(world)
    found = world.find_instrument(terms["symbol"])
    instrument = found or world.instruments[0]
    for name in ("notional", "trail_price", "trail_percent", "stop_price", "trigger"):
        terms.pop(name, None)
    terms.setdefault("qty", flow.qty(instrument))
    kind = draw.choice(["bracket", "bracket", "oco", "oto"])
    if kind == "oco":
        terms["type"] = "limit"
    elif terms["type"] not in {"market", "limit"}:
        terms["type"] = draw.choice(["market", "limit"])
    terms["time_in_force"] = draw.choices(["gtc", "day", "ioc"], [12, 6, 0.2])[0]
    terms.pop("expires_ns", None)
    add_prices(flow, terms, instrument, kind)
    flow.ids += 1
    return {"kind": "submit", **terms, "client_order_id": f"order-{flow.ids}"}


def add_prices(flow: "Flow", terms: Command, instrument: Instrument, kind: str) -> None:
    """The limit price of the parent, where its legs take profit, and where they stop."""
    draw = flow.random
    exits = terms["side"] if kind == "oco" else {"buy": "sell", "sell": "buy"}[terms["side"]]
    up = 1 if (exits == "sell") != (draw.random() < 0.02) else -1
    profit, loss = draw.choice(NEEDS[kind]) if draw.random() < 0.98 else (True, True)
    terms.pop("limit_price", None)
    if kind == "oco":
        terms["limit_price"] = beside(flow, instrument, up * draw.randint(0, 7))
    elif terms["type"] == "limit":
        terms["limit_price"] = flow.price(instrument, 5)
    if draw.random() < 0.99:
        terms["order_class"] = kind
    if profit:
        terms["take_profit"] = {"limit_price": beside(flow, instrument, up * draw.randint(1, 7))}
        if kind == "oco" and draw.random() < 0.5:
            del terms["limit_price"]
    if loss:
        terms["stop_loss"] = stop_loss(flow, instrument, -up)


def stop_loss(flow: "Flow", instrument: Instrument, way: int) -> Command:
    """A stop, a stop-limit or a trailing stop."""
    draw = flow.random
    if draw.random() < 0.3:
        return trail(flow, instrument)
    loss = {"stop_price": beside(flow, instrument, way * draw.randint(1, 7))}
    if draw.random() < 0.3:
        loss["limit_price"] = beside(flow, instrument, way * draw.randint(0, 9))
    if draw.random() < 0.01:
        loss |= trail(flow, instrument)
    return loss


def add_replaced(flow: "Flow", command: Command, order: Order | None) -> None:
    """What else a replace may change: trail, shown part, date."""
    draw = flow.random
    if order is None:
        return
    is_tied = order.legs or {"sibling", "held", "notional"} & set(order.more)
    if is_tied and draw.random() < 0.8:
        command.pop("qty", None)
    if draw.random() < (0.5 if order.type == "trailing_stop" else 0.01):
        command |= trail(flow, order.instrument)
    if draw.random() < (0.4 if "display_qty" in order.more else 0.01):
        qty = order.instrument.qty_text(order.qty)
        command["display_qty"] = part_of(flow, order.instrument, qty)
    if draw.random() < (0.3 if order.time_in_force == "gtd" else 0.005):
        command["expires_ns"] = flow.now_ns + draw.choice([-1, 60, 90_000]) * 10**9
    if draw.random() < 0.005:
        command["hidden"] = True


KINDS = {group: 8}

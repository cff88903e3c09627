"""Cost methods and lots: which cost a fill takes out of a position."""

from dataclasses import dataclass
from typing import Any

from twin.money import cost_of, share_of, signed
from twin.state import Account, Instrument, Lot, Order

Change = dict[str, Any]
"""As on the tape: `closed`, a list of id, quantity and cost, and `opened`, quantity and cost."""


@dataclass
class Booked:
    """What a fill does to its position: cost added or removed, profit, lots when they are kept."""

    cost: int
    realized_pl: int
    lots: Change | None = None


def keeps_lots(account: Account, instrument: Instrument) -> bool:
    """Contracts are at average cost in every account."""
    return account.cost_method != "average" and not instrument.contract


def book_fill(order: Order, qty: int, notional: int) -> Booked:
    """Books a fill by the cost method of its account."""
    account, instrument, side = order.account, order.instrument, order.side
    position = account.position(instrument)
    if not keeps_lots(account, instrument):
        return Booked(*cost_of(position, side, qty, notional))
    closing = min(qty, position.closing(side))
    closed = close_lots(order, closing)
    cost_closed = sum(cost for _, _, cost in closed)
    notional_closed = share_of(notional, closing, qty)
    opened_cost = notional - notional_closed
    opened = [signed(side, qty - closing), signed(side, opened_cost)] if qty > closing else [0, 0]
    profit = signed(side, cost_closed - notional_closed)
    return Booked(cost_closed + opened_cost, profit, {"closed": closed, "opened": opened})


def close_lots(order: Order, closing: int) -> list[list[int]]:
    """Takes a quantity out of the lots, in the order of the account's method."""
    closed = []
    for lot in [*lots_in_order(order), in_no_lot(order)]:
        part = min(abs(lot.qty), closing)
        if part > 0:
            closed.append([lot.id, part, share_of(abs(lot.cost), part, abs(lot.qty))])
            closing -= part
    return closed


def in_no_lot(order: Order) -> Lot:
    """What came otherwise than by a fill, such as by an exercise; it goes last."""
    account, instrument = order.account, order.instrument
    lots, position = account.lots.get(instrument.index, []), account.position(instrument)
    qty = position.qty - sum(lot.qty for lot in lots)
    return Lot(0, qty, position.cost - sum(lot.cost for lot in lots), 0)


def lots_in_order(order: Order) -> list[Lot]:
    """Newest first, or those that the order names, or oldest first."""
    lots = list(order.account.lots.get(order.instrument.index, []))
    if order.account.cost_method == "lifo":
        return lots[::-1]
    if order.account.cost_method == "specific":
        named = order.more.get("lot_ids", [])
        first = [lot for name in named for lot in lots if lot.id == name]
        return first + [lot for lot in lots if lot.id not in named]
    return lots


def change_lots(
    account: Account, instrument: Instrument, change: Change, fill: int, time_ns: int
) -> None:
    """Changes the lots of a position as a fill says; a new lot has the number of the fill."""
    lots = account.lots.pop(instrument.index, [])
    for number, qty, cost in change["closed"]:
        for lot in lots:
            if lot.id == number:
                sign = 1 if lot.qty > 0 else -1
                lot.qty -= sign * qty
                lot.cost -= sign * cost
    lots = [lot for lot in lots if lot.qty != 0]
    qty, cost = change["opened"]
    if qty:
        lots.append(Lot(fill, qty, cost, time_ns))
    if lots:
        account.lots[instrument.index] = lots


def share_out(account: Account, instrument: Instrument) -> dict[str, Any]:
    """Lots keep their shares of a position that has become another, all together exactly.

    The shares are counted up from the oldest lot on, so no rounding adds up.
    """
    lots, position = account.lots.pop(instrument.index, []), account.position(instrument)
    all_qty, all_cost = sum(lot.qty for lot in lots), sum(lot.cost for lot in lots)
    shared: list[Lot] = []
    seen_qty = seen_cost = given_qty = given_cost = 0
    for lot in lots:
        seen_qty, seen_cost = seen_qty + lot.qty, seen_cost + lot.cost
        qty = part_of(position.qty, seen_qty, all_qty) - given_qty
        cost = part_of(position.cost, seen_cost, all_cost) - given_cost
        given_qty, given_cost = given_qty + qty, given_cost + cost
        if qty == 0 and shared:
            # What became too small to be a lot leaves its cost to the one before it.
            shared[-1].cost += cost
        elif shared and shared[-1].qty == 0:
            shared[-1] = Lot(lot.id, qty, shared[-1].cost + cost, lot.opened_ns)
        else:
            shared.append(Lot(lot.id, qty, cost, lot.opened_ns))
    shared = [lot for lot in shared if lot.qty != 0]
    if not shared:
        return {}
    account.lots[instrument.index] = shared
    return {"lots": [[lot.id, lot.qty, lot.cost, lot.opened_ns] for lot in shared]}


def part_of(total: int, part: int, whole: int) -> int:
    """The share of a total; part and whole have one sign."""
    return share_of(total, abs(part), abs(whole)) if whole else 0

"""Orders that the engine itself sends to close positions, and orders that it takes away."""

from twin.orders import digest_of, take
from twin.state import Account, Instrument, Order, World
from twin.trading import arrive, cancel


def force(world: World, account: Account, instrument: Instrument, qty: int, why: str) -> None:
    """Sends a market order that closes `qty` of a position; it passes no check."""
    order = Order(
        account=account,
        client_order_id=f"{why}-{world.next_order}",
        instrument=instrument,
        side="sell" if qty > 0 else "buy",
        type="market",
        qty=abs(qty),
        limit_price=None,
        stop_price=None,
        time_in_force="gtc",
        more={"forced": why},
    )
    take(world, order, 0, digest_of(order), None)
    arrive(world, order)


def cancel_orders(world: World, account: Account, reason: str, *, every: bool) -> bool:
    """Cancels open orders, all or those that open positions; says whether none is left."""
    for order in world.open_orders(account):
        if order.is_forced or not (every or is_opening(order)):
            continue
        if world.is_full:
            return False
        cancel(world, order, reason)
    return True


def is_opening(order: Order) -> bool:
    """Whether an order would make a position larger."""
    return order.account.position(order.instrument).closing(order.side) == 0


def close_positions(world: World, account: Account, why: str) -> bool:
    """Sends an order for every position that has none yet; says whether all have one."""
    if account.is_journal:
        return True
    held = [one for one in world.instruments if account.position(one).qty != 0]
    quantities = [(instrument, account.position(instrument).qty) for instrument in held]
    for instrument, qty in quantities:
        if world.is_full:
            return False
        orders = world.open_orders(account)
        if not any(one.is_forced and one.instrument is instrument for one in orders):
            force(world, account, instrument, qty, why)
    return True

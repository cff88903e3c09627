"""Request ids: the same id with the same body is the same request."""

from twin.state import Account, Refused, World, not_found

DAY_NS = 86_400 * 10**9
KEPT = 10_000
CLEARED = 2


def answered(world: World, account: Account, request: str | None, digest: int) -> int | None:
    """The order of an earlier request (0: none); nothing when the id is new."""
    if request not in account.requests:
        return None
    known, number, _ = account.requests[request]
    if known != digest:
        raise Refused("id_reused", "id_reused", order=number or None)
    if number != 0 and number not in world.orders:
        raise not_found("order_id")
    return number


def remember(world: World, account: Account, request: str, digest: int, number: int) -> None:
    """Keeps a request id; each new one clears at most two old ones."""
    account.requests[request] = (digest, number, world.now_ns)
    for _ in range(CLEARED):
        clear_oldest(world, account)


def clear_oldest(world: World, account: Account) -> None:
    """Drops the oldest id if it is old, and its closed order; that of an open order waits."""
    request = next(iter(account.requests))
    digest, number, time_ns = account.requests[request]
    if len(account.requests) <= KEPT and world.now_ns - time_ns < DAY_NS:
        return
    del account.requests[request]
    order = world.orders.get(number)
    if order is not None and order.is_open and order.account is account:
        account.requests[request] = (digest, number, time_ns)
    elif order is not None and order.client_order_id == request:
        del world.orders[number]

"""Positions: look at, close."""

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    command,
    endpoint,
    for_account,
    get,
    listed,
    part,
)
from papertape.client.replies.accounts import ClosedPositions, Position
from papertape.client.replies.orders import Order


class Positions(Group[Face]):
    """`client.positions`. Without an id each is about the client's own account."""

    @endpoint
    def all(self, account_id: str | None = None) -> Call[list[Position]]:
        """What an account holds, valued at the present market."""
        return for_account(listed("/positions", Position), account_id)

    @endpoint
    def get(self, symbol: str, account_id: str | None = None) -> Call[Position]:
        """What an account holds of one instrument."""
        return for_account(get(f"/positions/{part(symbol)}", Position), account_id)

    @endpoint
    def close(
        self,
        symbol: str,
        account_id: str | None = None,
        *,
        qty: Amount | None = None,
        percentage: Amount | None = None,
        strategy: str | None = None,
        request_id: str | None = None,
    ) -> Call[Order]:
        """Close a position at the market, or a quantity or percentage of it."""
        query = {"qty": qty, "percentage": percentage, "strategy": strategy}
        call = command("DELETE", f"/positions/{part(symbol)}", Order, request_id)
        return for_account(call.with_query(query), account_id)

    @endpoint
    def close_all(
        self,
        account_id: str | None = None,
        *,
        cancel_orders: bool = False,
        strategy: str | None = None,
        request_id: str | None = None,
    ) -> Call[ClosedPositions]:
        """Close all positions at the market; each is answered for itself."""
        call = command("DELETE", "/positions", ClosedPositions, request_id)
        query = {"cancel_orders": cancel_orders, "strategy": strategy}
        return for_account(call.with_query(query), account_id)

"""Trades: executions with their receipts, and notes on them."""

from typing import TypedDict, Unpack

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Moment,
    Page,
    change,
    command,
    endpoint,
    for_account,
    get,
    pages,
    part,
    table,
)
from papertape.client.groups.orders import Side
from papertape.client.replies.accounts import Trade, TradeFigures


class TradeFilters(TypedDict, total=False):
    """Which trades. `end` is the first moment after."""

    account_id: str | None
    symbol: str | None
    side: Side | None
    order_id: str | None
    start: Moment | None
    end: Moment | None
    limit: int
    cursor: str | None


class Trades(Group[Face]):
    """`client.trades`."""

    @endpoint
    def page(self, **filters: Unpack[TradeFilters]) -> Call[Page[Trade]]:
        """Trades, the newest first."""
        return for_account(_page(filters), filters.get("account_id"))

    each = pages(page)

    @endpoint
    def csv(self, **filters: Unpack[TradeFilters]) -> Call[str]:
        """Trades as CSV."""
        return for_account(table(_page(filters)), filters.get("account_id"))

    @endpoint
    def statistics(
        self,
        account_id: str | None = None,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Call[TradeFigures]:
        """What the closed trades of a span made."""
        span = {"from": start, "to": end}
        return for_account(get("/trades/statistics", TradeFigures, **span), account_id)

    @endpoint
    def get(self, trade_id: str) -> Call[Trade]:
        """One trade."""
        return get(f"/trades/{part(trade_id)}", Trade)

    @endpoint
    def note(self, trade_id: str, note: str | None) -> Call[Trade]:
        """Write on a trade; None takes the note away."""
        path = f"/trades/{part(trade_id)}"
        return Call("PATCH", path, Trade, body={"note": note}, is_harmless=True)

    @endpoint
    def record(
        self,
        symbol: str,
        side: Side,
        qty: Amount,
        price: Amount,
        *,
        fee: Amount | None = None,
        note: str | None = None,
        account_id: str | None = None,
        request_id: str | None = None,
    ) -> Call[Trade]:
        """Write down a trade that was made elsewhere, in an account of kind journal."""
        call = command(
            "POST",
            "/trades",
            Trade,
            request_id,
            symbol=symbol,
            side=side,
            qty=qty,
            price=price,
            fee=fee,
            note=note,
        )
        return for_account(call, account_id)

    @endpoint
    def correct(
        self, trade_id: str, qty: Amount, price: Amount, fee: Amount | None = None
    ) -> Call[Trade]:
        """Other figures for a trade; the old ones stay in the ledger."""
        path = f"/trades/{part(trade_id)}/correct"
        return change("POST", path, Trade, qty=qty, price=price, fee=fee)

    @endpoint
    def bust(self, trade_id: str) -> Call[None]:
        """Undo a trade; it stays in the ledger."""
        return change("POST", f"/trades/{part(trade_id)}/bust", type(None))


def _page(filters: TradeFilters) -> Call[Page[Trade]]:
    return get(
        "/trades",
        Page[Trade],
        symbol=filters.get("symbol"),
        side=filters.get("side"),
        order_id=filters.get("order_id"),
        limit=filters.get("limit"),
        cursor=filters.get("cursor"),
        **{"from": filters.get("start"), "to": filters.get("end")},
    )

"""Accounts and what belongs to one: positions, fills, ledger, equity, what it made."""

from typing import Literal, Unpack

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
    listed,
    pages,
    part,
)
from papertape.client.groups.orders import OrderFilters, order_page
from papertape.client.replies.accounts import (
    Account,
    EquityPoint,
    Fill,
    Flattened,
    Fork,
    LedgerLine,
    Metrics,
    Position,
    Statement,
    StrategyFigures,
    Transfer,
)
from papertape.client.replies.orders import Order

CostMethod = Literal["average", "fifo", "lifo", "specific"]


class Accounts(Group[Face]):
    """`client.accounts`. Without an id each is about the client's own account."""

    @endpoint
    def all(self, *, archived: bool | None = None) -> Call[list[Account]]:
        """The caller's accounts, valued at the present market; with `archived` those put away."""
        return listed("/accounts", Account, archived=archived)

    @endpoint
    def open(
        self,
        name: str,
        *,
        kind: Literal["cash", "margin", "journal"] = "cash",
        currency: str = "USD",
        starting_cash: Amount | None = None,
        multiplier: Amount | None = None,
        cost_method: CostMethod | None = None,
        request_id: str | None = None,
    ) -> Call[Account]:
        """A further account."""
        return command(
            "POST",
            "/accounts",
            Account,
            request_id,
            name=name,
            kind=kind,
            currency=currency,
            starting_cash=starting_cash,
            multiplier=multiplier,
            cost_method=cost_method,
        )

    @endpoint
    def get(self, account_id: str | None = None) -> Call[Account]:
        """One account."""
        return for_account(get("/accounts/{account}", Account), account_id)

    @endpoint
    def positions(self, account_id: str | None = None) -> Call[list[Position]]:
        """What the account holds."""
        return for_account(listed("/accounts/{account}/positions", Position), account_id)

    @endpoint
    def orders_page(self, **filters: Unpack[OrderFilters]) -> Call[Page[Order]]:
        """Orders of the account, the newest first."""
        page = order_page("/accounts/{account}/orders", filters)
        return for_account(page, filters.get("account_id"))

    orders = pages(orders_page)

    @endpoint
    def fills_page(
        self, account_id: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Call[Page[Fill]]:
        """Fills, the newest first."""
        call = get("/accounts/{account}/fills", Page[Fill], limit=limit, cursor=cursor)
        return for_account(call, account_id)

    fills = pages(fills_page)

    @endpoint
    def ledger_page(
        self, account_id: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Call[Page[LedgerLine]]:
        """Lines of the ledger, the newest first."""
        call = get("/accounts/{account}/ledger", Page[LedgerLine], limit=limit, cursor=cursor)
        return for_account(call, account_id)

    ledger = pages(ledger_page)

    @endpoint
    def equity_page(
        self, account_id: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Call[Page[EquityPoint]]:
        """The equity at the end of each minute, the newest first."""
        call = get("/accounts/{account}/equity", Page[EquityPoint], limit=limit, cursor=cursor)
        return for_account(call, account_id)

    equity = pages(equity_page)

    @endpoint
    def metrics(self, account_id: str | None = None) -> Call[Metrics]:
        """How the account did since it was opened, or reset."""
        return for_account(get("/accounts/{account}/metrics", Metrics), account_id)

    @endpoint
    def strategies(self, account_id: str | None = None) -> Call[list[StrategyFigures]]:
        """What the orders of each strategy made."""
        path = "/accounts/{account}/strategies"
        return for_account(listed(path, StrategyFigures), account_id)

    @endpoint
    def statement(
        self,
        account_id: str | None = None,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Statement]:
        """What the account had, what moved, what it has; `end` is the first moment after."""
        span = {"from": start, "to": end, "limit": limit, "cursor": cursor}
        return for_account(get("/accounts/{account}/statements", Statement, **span), account_id)

    @endpoint
    def statement_csv(
        self,
        account_id: str | None = None,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Call[str]:
        """The lines of a statement as CSV."""
        span = {"from": start, "to": end, "format": "csv"}
        return for_account(get("/accounts/{account}/statements", str, **span), account_id)

    # --- changes -----------------------------------------------------------------------------

    @endpoint
    def rename(self, account_id: str, name: str) -> Call[Account]:
        """Another name."""
        return change("PATCH", f"/accounts/{part(account_id)}", Account, name=name)

    @endpoint
    def reset(
        self,
        account_id: str | None = None,
        *,
        starting_cash: Amount | None = None,
        request_id: str | None = None,
    ) -> Call[Account]:
        """Begin again, with the cash it was opened with or another; the id stays."""
        path = "/accounts/{account}/reset"
        call = command("POST", path, Account, request_id, starting_cash=starting_cash)
        return for_account(call, account_id)

    @endpoint
    def clone(
        self,
        account_id: str | None = None,
        *,
        name: str | None = None,
        request_id: str | None = None,
    ) -> Call[Account]:
        """A fresh account with the terms of this one."""
        call = command("POST", "/accounts/{account}/clone", Account, request_id, name=name)
        return for_account(call, account_id)

    @endpoint
    def deposit(
        self,
        sum: Amount,  # noqa: A002 - what it is
        account_id: str | None = None,
        *,
        currency: str | None = None,
        request_id: str | None = None,
    ) -> Call[Account]:
        """Put money in."""
        return _moved("deposit", sum, account_id, currency, request_id)

    @endpoint
    def withdraw(
        self,
        sum: Amount,  # noqa: A002 - what it is
        account_id: str | None = None,
        *,
        currency: str | None = None,
        request_id: str | None = None,
    ) -> Call[Account]:
        """Take money out."""
        return _moved("withdraw", sum, account_id, currency, request_id)

    @endpoint
    def transfer(
        self,
        sum: Amount,  # noqa: A002 - what it is
        to_account_id: str,
        account_id: str | None = None,
        *,
        currency: str | None = None,
        request_id: str | None = None,
    ) -> Call[Transfer]:
        """Move money to another account of the caller."""
        call = command(
            "POST",
            "/accounts/{account}/transfer",
            Transfer,
            request_id,
            amount=sum,
            to_account_id=to_account_id,
            currency=currency,
        )
        return for_account(call, account_id)

    @endpoint
    def flatten(
        self,
        account_id: str | None = None,
        *,
        strategy: str | None = None,
        request_id: str | None = None,
    ) -> Call[Flattened]:
        """Cancel all orders, then close all positions."""
        call = command("POST", "/accounts/{account}/flatten", Flattened, request_id)
        return for_account(call.with_query({"strategy": strategy}), account_id)

    @endpoint
    def archive(self, account_id: str, *, request_id: str | None = None) -> Call[Account]:
        """Put an account away."""
        return command("POST", f"/accounts/{part(account_id)}/archive", Account, request_id)

    @endpoint
    def restore(self, account_id: str, *, request_id: str | None = None) -> Call[Account]:
        """Take an account out again."""
        return command("POST", f"/accounts/{part(account_id)}/restore", Account, request_id)

    @endpoint
    def fork(
        self,
        account_id: str | None = None,
        *,
        seq: int | None = None,
        at: Moment | None = None,
        request_id: str | None = None,
    ) -> Call[Fork]:
        """A new world that begins at a moment of the tape: a turn's number, or a time."""
        call = command("POST", "/accounts/{account}/fork", Fork, request_id, seq=seq, at=at)
        return for_account(call, account_id)


def _moved(
    way: str, money: Amount, account_id: str | None, currency: str | None, request_id: str | None
) -> Call[Account]:
    path = f"/accounts/{{account}}/{way}"
    call = command("POST", path, Account, request_id, amount=money, currency=currency)
    return for_account(call, account_id)

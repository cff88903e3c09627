"""`papertape accounts`, `papertape account ...`."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from papertape.cli.connection import Account, AsJson, Url, connected
from papertape.cli.showing import show_json, show_members, show_rows

if TYPE_CHECKING:
    from papertape.client.replies.accounts import Account as AccountReply

account_app = typer.Typer(help="One account: look at it, open, fund, reset, flatten.")

Amount = Annotated[str, typer.Argument(help="How much money, such as 2500.00.")]


def accounts(url: Url = None, as_json: AsJson = False) -> None:
    """List your accounts, at the present market."""
    with connected(url, as_json) as client:
        found = client.accounts.all()
        if as_json:
            show_json(found)
            return
        columns = ("id", "name", "kind", "currency", "cash", "equity", "buying_power", "status")
        show_rows(found, columns, none="no accounts")


@account_app.callback(invoke_without_command=True)
def show(
    context: typer.Context, account: Account = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Show an account."""
    if context.invoked_subcommand is None:
        with connected(url, as_json, account=account) as client:
            _show(client.accounts.get(), as_json)


@account_app.command("open")
def open_account(
    name: str,
    kind: Annotated[
        Literal["cash", "margin", "journal"], typer.Option(help="What it may do.")
    ] = "cash",
    currency: str = "USD",
    cash: Annotated[str | None, typer.Option(help="Starting cash.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Open a further account."""
    with connected(url, as_json) as client:
        made = client.accounts.open(
            name,
            kind=kind,
            currency=currency,
            starting_cash=cash,
        )
        _show(made, as_json)


@account_app.command()
def deposit(
    amount: Amount, account: Account = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Put money in."""
    with connected(url, as_json, account=account) as client:
        _show(client.accounts.deposit(amount), as_json)


@account_app.command()
def withdraw(
    amount: Amount, account: Account = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Take money out."""
    with connected(url, as_json, account=account) as client:
        _show(client.accounts.withdraw(amount), as_json)


@account_app.command()
def reset(
    cash: Annotated[str | None, typer.Option(help="Starting cash; else as before.")] = None,
    account: Account = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Begin again: all orders and positions go."""
    if not yes:
        typer.confirm("All orders and positions of the account go. Reset it?", abort=True, err=True)
    with connected(url, as_json, account=account) as client:
        _show(client.accounts.reset(starting_cash=cash), as_json)


@account_app.command()
def flatten(account: Account = None, url: Url = None, as_json: AsJson = False) -> None:
    """Cancel all orders, then close all positions at the market."""
    with connected(url, as_json, account=account) as client:
        done = client.accounts.flatten()
        if as_json:
            show_json(done)
            return
        typer.echo(f"{len(done.canceled)} orders canceled, {len(done.positions)} positions closed")
        for one in done.positions:
            if one.problem is not None:
                typer.echo(f"{one.symbol}: {one.problem.reason}: {one.problem.detail}", err=True)


def _show(account: "AccountReply", as_json: bool) -> None:
    if as_json:
        show_json(account)
    else:
        show_members(account, leave_out=("as_of_seq",))

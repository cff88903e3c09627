"""`papertape order ...`, `positions`, `close`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from papertape.cli.connection import Account, AsJson, Url, connected
from papertape.cli.showing import show_json, show_members, show_rows

if TYPE_CHECKING:
    from papertape.client.replies.orders import Order, Preview

order = typer.Typer(help="Send, look at, change and cancel orders.", no_args_is_help=True)

Symbol = Annotated[str, typer.Argument(help="What to trade, such as AAPL or BTC/USD.")]
Qty = Annotated[str | None, typer.Argument(help="How much; else give --notional.")]
Limit = Annotated[str | None, typer.Option(help="Limit price.")]
Stop = Annotated[str | None, typer.Option(help="Stop price.")]
Trail = Annotated[str | None, typer.Option(help="Distance of a trailing stop.")]
TrailPercent = Annotated[str | None, typer.Option(help="The same in percent.")]
Notional = Annotated[str | None, typer.Option(help="Amount of money instead of a quantity.")]
Type = Annotated[
    Literal[
        "market",
        "limit",
        "stop",
        "stop_limit",
        "trailing_stop",
        "market_if_touched",
        "limit_if_touched",
    ]
    | None,
    typer.Option("--type", help="Else it follows from the prices."),
]
Tif = Literal["day", "gtc", "gtd", "ioc", "fok", "opg", "cls"]
TimeInForce = Annotated[Tif, typer.Option("--tif", help="Time in force.")]
Expires = Annotated[str | None, typer.Option(help="When a gtd order ends (RFC 3339).")]
TakeProfit = Annotated[str | None, typer.Option(help="Limit price that closes with a profit.")]
StopLoss = Annotated[str | None, typer.Option(help="Stop price that closes with a loss.")]
Display = Annotated[str | None, typer.Option(help="Shown part of an iceberg.")]
Flag = Annotated[bool, typer.Option()]
Strategy = Annotated[str | None, typer.Option(help="What you send it for.")]
Tag = Annotated[list[str] | None, typer.Option(help="May be given several times.")]
ClientOrderId = Annotated[
    str | None, typer.Option("--id", help="Your id of the order; a repeat does nothing twice.")
]
Preview_ = Annotated[bool, typer.Option("--preview", help="Say what it would cost; send nothing.")]

_LISTED = (
    *("id", "created_at", "symbol", "side", "type", "qty", "filled_qty", "limit_price"),
    *("stop_price", "filled_avg_price", "status"),
)


def _sending(side: str, told: str) -> Callable[..., None]:
    """The command that sends an order of a side; both have the same options."""

    def send(
        symbol: Symbol,
        qty: Qty = None,
        limit: Limit = None,
        stop: Stop = None,
        trail: Trail = None,
        trail_percent: TrailPercent = None,
        notional: Notional = None,
        kind: Type = None,
        tif: TimeInForce = "day",
        expires: Expires = None,
        take_profit: TakeProfit = None,
        stop_loss: StopLoss = None,
        display: Display = None,
        hidden: Flag = False,
        post_only: Flag = False,
        reduce_only: Flag = False,
        extended_hours: Flag = False,
        strategy: Strategy = None,
        tag: Tag = None,
        client_order_id: ClientOrderId = None,
        preview: Preview_ = False,
        account: Account = None,
        url: Url = None,
        as_json: AsJson = False,
    ) -> None:
        _send(side, locals())

    send.__doc__ = told
    return send


order.command("buy")(_sending("buy", "Buy: `papertape order buy AAPL 10 --limit 190`."))
order.command("sell")(_sending("sell", "Sell, or sell short where the account may."))


def _send(side: str, given: dict[str, Any]) -> None:
    terms = _terms(side, given)
    as_json = given["as_json"]
    with connected(given["url"], as_json, account=given["account"]) as client:
        if given["preview"]:
            _show_preview(client.orders.preview(**terms), as_json)
            return
        sent = client.orders.submit(**terms)
        if as_json:
            show_json(sent)
        else:
            typer.echo(_sentence(sent))


def _terms(side: str, given: dict[str, Any]) -> Any:
    """The options as the terms of an order; what was not given is left out."""
    both = given["take_profit"] and given["stop_loss"]
    either = given["take_profit"] or given["stop_loss"]
    terms = {
        "symbol": given["symbol"],
        "side": side,
        "qty": given["qty"],
        "notional": given["notional"],
        "type": given["kind"],
        "limit_price": given["limit"],
        "stop_price": given["stop"],
        "trail_price": given["trail"],
        "trail_percent": given["trail_percent"],
        "time_in_force": given["tif"],
        "expire_time": given["expires"],
        "display_qty": given["display"],
        "order_class": "bracket" if both else "oto" if either else None,
        "take_profit": given["take_profit"] and {"limit_price": given["take_profit"]},
        "stop_loss": given["stop_loss"] and {"stop_price": given["stop_loss"]},
        "strategy": given["strategy"],
        "tags": given["tag"],
        "client_order_id": given["client_order_id"],
    }
    flags = ("hidden", "post_only", "reduce_only", "extended_hours")
    terms |= {flag: True for flag in flags if given[flag]}
    return {name: value for name, value in terms.items() if value is not None}


def _sentence(sent: "Order") -> str:
    """What became of an order."""
    filled = ""
    if sent.filled_qty:
        filled = f", {sent.filled_qty:f} filled at {sent.filled_avg_price:f}"
    return f"{sent.id}: {sent.side} {sent.qty:f} {sent.symbol} {sent.type}, {sent.status}{filled}"


def _show_preview(preview: "Preview", as_json: bool) -> None:
    if as_json:
        show_json(preview)
        return
    show_members(preview, leave_out=("rejections", "warnings"))
    for word, objections in (("rejected", preview.rejections), ("warning", preview.warnings)):
        for objection in objections:
            typer.echo(f"{word}: {objection.reason}: {objection.detail}")


@order.command("list")
def list_orders(
    status: Annotated[str, typer.Option(help="open, closed, all, or statuses.")] = "open",
    symbol: Annotated[str | None, typer.Option(help="Of this instrument only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most lines.")] = 50,
    account: Account = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List orders, the newest first."""
    with connected(url, as_json, account=account) as client:
        orders = client.orders.page(status=status, symbol=symbol, limit=limit).items
        if as_json:
            show_json(orders)
        else:
            show_rows(orders, _LISTED, none="no orders")


OrderId = Annotated[str, typer.Argument(metavar="ID")]


@order.command()
def show(order_id: OrderId, url: Url = None, as_json: AsJson = False) -> None:
    """Show one order."""
    with connected(url, as_json) as client:
        found = client.orders.get(order_id)
        if as_json:
            show_json(found)
        else:
            show_members(found)


@order.command()
def replace(
    order_id: OrderId,
    qty: Annotated[str | None, typer.Option(help="Quantity.")] = None,
    limit: Limit = None,
    stop: Stop = None,
    trail: Trail = None,
    trail_percent: TrailPercent = None,
    tif: Annotated[Tif | None, typer.Option("--tif", help="Time in force.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Change a working order; it keeps its id."""
    changes: Any = {
        "qty": qty,
        "limit_price": limit,
        "stop_price": stop,
        "trail_price": trail,
        "trail_percent": trail_percent,
        "time_in_force": tif,
    }
    with connected(url, as_json) as client:
        changed = client.orders.replace(
            order_id, **{name: value for name, value in changes.items() if value is not None}
        )
        if as_json:
            show_json(changed)
        else:
            typer.echo(_sentence(changed))


@order.command()
def cancel(
    order_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Cancel orders: all that can be canceled are, and the exit code is 1 when one cannot.

    What is no id at all is refused before any order is canceled.
    """
    with connected(url, as_json) as client:
        if len(order_ids) == 1:
            client.orders.cancel(order_ids[0])
            _say_canceled(order_ids, as_json)
            return
        canceled = client.orders.cancel_many(order_ids)
        if as_json:
            show_json(canceled.items)
        for order_id, item in zip(order_ids, canceled.items, strict=True):
            problem = item.problem and f"{item.problem.reason}: {item.problem.detail}"
            if not as_json:
                typer.echo(f"{order_id}: {problem or 'canceled'}", err=bool(problem))
    if any(item.problem for item in canceled.items):
        raise typer.Exit(1)


def _say_canceled(order_ids: list[str], as_json: bool) -> None:
    if as_json:
        show_json([{"id": order_id, "status": 204} for order_id in order_ids])
    else:
        typer.echo(f"{order_ids[0]}: canceled")


@order.command()
def cancel_all(account: Account = None, url: Url = None, as_json: AsJson = False) -> None:
    """Cancel all working orders of an account."""
    with connected(url, as_json, account=account) as client:
        canceled = client.orders.cancel_all()
        if as_json:
            show_json(canceled)
        else:
            typer.echo(f"{len(canceled.items) + canceled.remaining} orders canceled")


# --- positions -----------------------------------------------------------------------------------


def positions(account: Account = None, url: Url = None, as_json: AsJson = False) -> None:
    """List what an account holds, at the present market."""
    with connected(url, as_json, account=account) as client:
        held = client.positions.all()
        if as_json:
            show_json(held)
            return
        columns = ("symbol", "side", "qty", "avg_entry_price", "current_price", "market_value")
        show_rows(held, (*columns, "unrealized_pl"), none="nothing held")


def close(
    symbol: Annotated[str | None, typer.Argument(help="What to close; else all positions.")] = None,
    qty: Annotated[str | None, typer.Option(help="So much of it.")] = None,
    percentage: Annotated[str | None, typer.Option(help="So many percent of it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Close all positions.")] = False,
    account: Account = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Close a position at the market, or a part of it, or all positions."""
    with connected(url, as_json, account=account) as client:
        if (symbol is None) != everything:
            raise ValueError("give a SYMBOL, or --all for all positions")
        if symbol is not None:
            sent = client.positions.close(symbol, qty=qty, percentage=percentage)
            show_json(sent) if as_json else typer.echo(_sentence(sent))
            return
        if qty is not None or percentage is not None:
            raise ValueError("--qty and --percentage are of one SYMBOL, not of --all")
        closed = client.positions.close_all().items
        if as_json:
            show_json(closed)
            return
        for one in closed:
            problem = one.problem and f"{one.problem.reason}: {one.problem.detail}"
            typer.echo(_sentence(one.order) if one.order else f"{one.symbol}: {problem}")
        if not closed:
            typer.echo("nothing held")

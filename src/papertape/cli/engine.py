"""`papertape engine ...`: for those who run a product."""

from typing import TYPE_CHECKING, Annotated

import typer

from papertape.cli.connection import AsJson, Url, connected
from papertape.cli.showing import show_json, words

if TYPE_CHECKING:
    from papertape.client.replies.engine import EngineStatus

engine = typer.Typer(help="The engine of a running product.", no_args_is_help=True)

Symbol = Annotated[str | None, typer.Option(help="The instrument.")]
ExchangeId = Annotated[str | None, typer.Option("--exchange", help="The exchange.")]


@engine.command("status")
def engine_status(url: Url = None, as_json: AsJson = False) -> None:
    """Say whether the engine works, which part of the day it is, and what is halted."""
    with connected(url, as_json) as client:
        _show(client.engine.status(), as_json)


@engine.command("halt")
def engine_halt(
    symbol: Symbol = None,
    exchange: ExchangeId = None,
    reason: Annotated[str, typer.Option(help="Why, as everybody is told.")] = "by an operator",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let an instrument or an exchange trade no more (admins)."""
    with connected(url, as_json) as client:
        _show(client.engine.halt(symbol=symbol, exchange=exchange, reason=reason), as_json)


@engine.command("resume")
def engine_resume(
    symbol: Symbol = None,
    exchange: ExchangeId = None,
    auction: Annotated[
        bool | None, typer.Option(help="Collect orders first, until the next resume.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let an instrument or an exchange trade again (admins)."""
    with connected(url, as_json) as client:
        _show(client.engine.resume(symbol=symbol, exchange=exchange, auction=auction), as_json)


def _show(status: "EngineStatus", as_json: bool) -> None:
    if as_json:
        show_json(status)
        return
    lines = [
        f"{status.world} is {status.state} at {words(status.time)}, turn {status.seq}",
        f"market {status.market}, {status.waiting} commands waiting",
    ]
    if status.kill_switch:
        lines.append(f"kill switch: {status.kill_switch}")
    if status.clock_jump:
        lines.append("the wall clock jumped: time stands still until it is back")
    lines += [f"{one.exchange} {one.state}" for one in status.exchanges]
    lines += [
        f"halted {one.exchange} {one.symbol or '(all)'}: {one.reason}" for one in status.halted
    ]
    typer.echo("\n".join(lines))

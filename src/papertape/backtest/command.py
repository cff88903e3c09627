"""What `papertape backtest` does: load, run, print a summary, write the figures as JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from papertape.backtest.failures import BacktestError, StrategyFailedError
from papertape.backtest.result import Result
from papertape.backtest.run import FillOn, run
from papertape.markets.files import BrokenFile
from papertape.strategies import ParameterError, Strategy, parameters_of
from papertape.strategies.loading import LoadError, load_strategy
from papertape.strategies.parameters import split_setting

DAY_NS = 86_400 * 10**9
DAYS_FOR_A_YEAR = 90
"""Below this many days, what is scaled up to a year says little."""
EXIT_OK, EXIT_STRATEGY_FAILED, EXIT_WRONG_CALL = 0, 1, 2


def run_command(
    target: str,
    data: Path | str,
    symbol: str | None = None,
    cash: str = "100000",
    fee: str = "0.001",
    settings: Iterable[str] = (),
    fill_on: str = "next_open",
    json_path: Path | str | None = None,
) -> int:
    """Backtest `FILE.py:Class` over a bar file and return the exit code of the program.

    0: the run ended, its summary is on standard output. 1: the strategy raised. 2: something about
    the call is wrong. For 1 and 2 one sentence on standard error says what.
    """
    try:
        strategy = load_strategy(target)
        params = dict(split_setting(setting) for setting in settings)
        result = run(strategy, data, symbol, cash, fee, _fill_on(fill_on), params)
        if json_path is not None:
            _write_figures(Path(json_path), result)
    except StrategyFailedError as error:
        return _complain(error, EXIT_STRATEGY_FAILED)
    except (LoadError, ParameterError, BacktestError, BrokenFile) as error:
        return _complain(error, EXIT_WRONG_CALL)
    shown = {name: params.get(name, p.default) for name, p in parameters_of(strategy).items()}
    print_summary(Console(), strategy, shown, result, fee, fill_on)
    return EXIT_OK


def _fill_on(text: str) -> FillOn:
    word = text.replace("-", "_")
    if word == "next_open":
        return "next_open"
    if word == "close":
        return "close"
    raise BacktestError(f"--fill-on must be next_open or close, not {text}")


def _complain(error: Exception, code: int) -> int:
    print(f"papertape backtest: {error}", file=sys.stderr)  # noqa: T201 - the command's voice
    return code


def _write_figures(path: Path, result: Result) -> None:
    try:
        path.write_text(json.dumps(result.figures(), indent=2) + "\n")
    except OSError as error:
        raise BacktestError(f"cannot write {path}: {error.strerror}") from None


def print_summary(
    console: Console,
    strategy: type[Strategy],
    params: dict[str, object],
    result: Result,
    fee: str,
    fill_on: str,
) -> None:
    """Print what was run and what came of it."""
    first, last = (_day(result.time_ns[at]) for at in (0, -1))
    settings = "  ".join(f"{name}={value}" for name, value in params.items())
    console.print(
        f"[bold]{strategy.__name__}[/bold] on {result.symbol}  {settings}", soft_wrap=True
    )
    fills = "the next bar's open" if _fill_on(fill_on) == "next_open" else "the bar's close"
    console.print(
        f"{result.bars:,} bars, {first} to {last}; cash {result.cash:,.2f}, "
        f"fee {float(fee) * 100:g} % of each fill, orders fill at {fills}",
        soft_wrap=True,
    )
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    for label, value in _lines(result):
        table.add_row(label, value)
    console.print(table)
    for note in _notes(result):
        console.print(f"[yellow]{note}[/yellow]", soft_wrap=True)


def _lines(result: Result) -> list[tuple[str, str]]:
    return [
        ("Final equity", f"{result.final_equity:,.2f}"),
        ("Total return", _figure(result.total_return, ".2%")),
        ("Return a year", _figure(result.cagr, ".2%")),
        (f"Sharpe ({result.periods_per_year:,} bars a year)", _figure(result.sharpe, ".3f")),
        ("Volatility a year", _figure(result.volatility, ".2%")),
        ("Deepest drawdown", _figure(result.max_drawdown, ".2%")),
        ("Trades (orders filled)", f"{result.trades:,}"),
        ("Round trips", f"{result.round_trips:,}"),
        ("Won of them", _figure(result.win_rate, ".1%")),
        ("Fees", f"{result.fees:,.2f}"),
        ("Speed", f"{result.bars_per_second:,.0f} bars/s ({result.seconds:.3f} s)"),
    ]


def _figure(value: float, form: str) -> str:
    """The value as text; a dash for a figure that is not defined for this run."""
    return "-" if math.isnan(value) else format(value, form)


def _notes(result: Result) -> list[str]:
    notes = [f"{count} orders refused: {reason}" for reason, count in result.refused.items()]
    if result.unfilled:
        notes.append(f"{result.unfilled} orders were still waiting when the data ended")
    days = int(result.time_ns[-1] - result.time_ns[0]) / DAY_NS
    if days < DAYS_FOR_A_YEAR:
        notes.append(f"Figures of a year are a guess: the data spans {days:.0f} days")
    if not result.trades:
        notes.append("No order was filled, so there is nothing to judge")
    return notes


def _day(time_ns: int) -> str:
    moment = datetime.fromtimestamp(int(time_ns) // 10**9, UTC)
    return f"{moment:%Y-%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%Y-%m-%d %H:%M}"

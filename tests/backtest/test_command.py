"""The command: summary, JSON, and one sentence for everything that can be wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from papertape.backtest.command import run_command

EXAMPLES = Path(__file__).parents[2] / "examples"
CROSSOVER = f"{EXAMPLES / 'sma_crossover.py'}:SmaCrossover"
PAPERTAPE = [sys.executable, "-c", "from papertape.cli import main; main()"]
FIGURES = [
    "final_equity",
    "total_return",
    "sharpe",
    "max_drawdown",
    "trades",
    "fees",
    "seconds",
    "bars_per_second",
]


def test_the_figures_are_written_as_json(bar_file, tmp_path, capsys):
    out = tmp_path / "out.json"
    code = run_command(CROSSOVER, bar_file(), settings=["fast=5", "slow=20"], json_path=out)

    assert code == 0
    figures = json.loads(out.read_text())
    assert list(figures) == FIGURES
    assert figures["trades"] > 10
    assert figures["total_return"] == pytest.approx(figures["final_equity"] / 100_000 - 1)
    assert -1 < figures["max_drawdown"] < 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("example", ["sma_crossover.py:SmaCrossover", "buy_and_hold.py:BuyAndHold"])
def test_the_examples_run_on_the_sample(example, capsys):
    assert run_command(f"{EXAMPLES}/{example}", EXAMPLES / "ACME-1d.csv") == 0
    assert "750 bars, 2023-01-03 to 2025-11-17" in capsys.readouterr().out


def test_a_figure_that_is_not_defined_is_a_dash(bar_file, capsys):
    assert run_command(f"{EXAMPLES / 'buy_and_hold.py'}:BuyAndHold", bar_file()) == 0
    shown = capsys.readouterr().out
    assert shown.split("Won of them")[1].split()[0] == "-"
    assert "nan" not in shown


def test_the_summary_says_what_was_run_and_what_came_of_it(bar_file, capsys):
    assert run_command(CROSSOVER, bar_file(), settings=["fast=5"], fill_on="close") == 0
    shown = capsys.readouterr().out
    for words in (
        "SmaCrossover on ACME  fast=5  slow=30  size=100",
        "400 bars, 2000-01-01 to 2001-03-08; cash 100,000.00",
        "fee 0.1 % of each fill, orders fill at the bar's close",
        "Sharpe (252 bars a year)",
        "Trades (orders filled)",
        "Deepest drawdown",
    ):
        assert words in shown, words


@pytest.mark.parametrize("example", ["sma_crossover.py:SmaCrossover", "buy_and_hold.py:BuyAndHold"])
@pytest.mark.parametrize("name", ["ACME-1d.csv", "BTCUSD-1d.csv"])
def test_the_examples_run_and_trade(bar_file, tmp_path, example, name):
    out = tmp_path / "out.json"
    assert run_command(f"{EXAMPLES / example}", bar_file(name=name), json_path=out) == 0
    assert json.loads(out.read_text())["trades"] >= 1


def test_holding_is_what_the_price_did(bar_file, tmp_path):
    out = tmp_path / "out.json"
    rows = [("100.00", "100.00")] * 3 + [("100.00", "120.00")]
    target = f"{EXAMPLES / 'buy_and_hold.py'}:BuyAndHold"
    run_command(
        target, bar_file(rows), cash="10000", fee="0", settings=["share=0.5"], json_path=out
    )
    assert json.loads(out.read_text())["final_equity"] == 11_000


def test_a_short_run_warns_that_yearly_figures_are_a_guess(bar_file, capsys):
    run_command(CROSSOVER, bar_file(count=40))
    assert "Figures of a year are a guess: the data spans 42 days" in capsys.readouterr().out
    run_command(CROSSOVER, bar_file(count=400))
    assert "guess" not in capsys.readouterr().out


def test_a_run_without_trades_says_so(bar_file, capsys):
    assert run_command(CROSSOVER, bar_file([("1.00", "1.00")] * 40)) == 0
    assert "No order was filled" in capsys.readouterr().out


WRONG = [
    ({"target": "nowhere.py:A"}, 2, "there is no strategy file nowhere.py"),
    (
        {"target": f"{CROSSOVER}x"},
        2,
        "there is no class SmaCrossoverx in sma_crossover.py; did you",
    ),
    ({"data": "nowhere.csv"}, 2, "nowhere.csv: there is no such file"),
    ({"cash": "-1"}, 2, "cash must be above zero, not -1"),
    ({"fee": "x"}, 2, "fee must be a number, not 'x'"),
    ({"fill_on": "never"}, 2, "--fill-on must be next_open or close, not never"),
    ({"settings": ["fsat=1"]}, 2, "has no parameter fsat; did you mean fast?"),
    ({"settings": ["fast=x"]}, 2, "fast must be a whole number, not 'x'"),
    ({"settings": ["fast"]}, 2, "'fast' is no setting; write --set name=value"),
    ({"json_path": "/nowhere/out.json"}, 2, "cannot write /nowhere/out.json"),
    ({"settings": ["fast=50"]}, 1, "in on_start: ValueError: fast (50) must be smaller"),
]


@pytest.mark.parametrize(("changed", "code", "message"), WRONG)
def test_what_is_wrong_is_one_sentence(bar_file, capsys, changed, code, message):
    call = {"target": CROSSOVER, "data": bar_file()} | changed
    assert run_command(**call) == code
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_a_broken_data_file_names_its_line(bar_file, capsys):
    path = bar_file()
    path.write_text(path.read_text().replace(",1000\n", ",-7\n"))
    assert run_command(CROSSOVER, path) == 2
    assert "ACME-1d.csv, line 2: volume is negative (-7)" in capsys.readouterr().err


def test_the_command_line_passes_everything_on(bar_file, tmp_path):
    out = tmp_path / "out.json"
    options = ["--data", bar_file(), "--symbol", "XYZ", "--cash", "5000", "--fee", "0"]
    settings = ["--set", "fast=5", "--set", "slow=20", "--set", "size=3", "--fill-on", "close"]
    command = [*PAPERTAPE, "backtest", CROSSOVER, *options, *settings]
    ran = subprocess.run([*command, "--json", out], capture_output=True, text=True, check=True)

    assert "SmaCrossover on XYZ  fast=5  slow=20  size=3" in ran.stdout
    figures = json.loads(out.read_text())
    assert figures["fees"] == 0
    assert 4_000 < figures["final_equity"] < 6_000

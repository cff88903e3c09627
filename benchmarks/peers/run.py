"""Runs the peers beside us: makes an environment for each, runs its script, compares the rates.

A ratio says more than a figure: it was measured on one machine, minutes apart.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PEERS: dict[str, list[str]] = {
    "bars_backtesting.py": ["backtesting==0.6.6"],
    "bars_backtrader.py": ["backtrader==1.9.78.123", "pandas"],
    "bars_nautilus.py": ["nautilus_trader==1.221.0"],
    "bars_vectorbt.py": ["vectorbt==1.2.0", "vectorbt-rust==1.2.0"],
    "feed_hftbacktest.py": ["hftbacktest==2.4.4"],
    "flow_exchange_core.py": ["numpy"],
    "flow_lightmatchingengine.py": ["lightmatchingengine==2019.1.4", "numpy"],
    "flow_limit_order_book.py": ["limit-order-book==2.0.0", "numpy"],
    "flow_liquibook.py": ["liquibook==2.0.1", "numpy"],
}
"""Script: what pip installs for it."""
ABSENT: dict[str, str] = {
    "CppTrader": "no package registry has it, only its repository (github.com/chronoxor/CppTrader)",
}
"""Peers that belong here and have no script: why."""
PEER_OF: dict[str, list[str]] = {
    "book, shallow": ["liquibook, shallow", "exchange-core, book"],
    "book, deep": ["liquibook, deep"],
    "world, shallow": ["exchange-core, world"],
    "feed of quotes and prints, 20 orders in the queue model": ["hftbacktest, inputs"],
    "backtest, empty strategy": ["nautilus_trader, empty"],
    "backtest, Python SMA(10/30)": ["backtesting.py", "backtrader", "nautilus_trader, SMA"],
    "backtest, array SMA(10/30)": ["vectorbt"],
    "sweep of 1,000 array strategies, 100 k bars": ["vectorbt, 1,000 pairs"],
    "one command a call from Python": ["lightmatchingengine", "limit-order-book"],
}
"""Row of ours: the peers that do the same work."""
MINUTES_MAX = 15


def measure(
    bars: "np.ndarray", flows: "dict[str, tuple[np.ndarray, dict[str, int]]]"
) -> list[dict[str, Any]]:
    """Install and run every peer; one that cannot be had or fails is named, with the reason.

    `flows` has "shallow" and "deep": the operations, and the totals of every correct book.
    """
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_out(folder, bars, flows)
        for script, packages in PEERS.items():
            try:
                found += _run(script, packages, folder)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{script} was left out: {_reason(error)}", file=sys.stderr)
    for peer, reason in ABSENT.items():
        print(f"{peer} was left out: {reason}", file=sys.stderr)
    return found


def _lay_out(
    folder: Path, bars: "np.ndarray", flows: "dict[str, tuple[np.ndarray, dict[str, int]]]"
) -> None:
    """Write the data where the scripts look for it."""
    np.save(folder / "bars.npy", bars)
    np.save(folder / "flow.npy", flows["shallow"][0])
    np.save(folder / "flow-deep.npy", flows["deep"][0])
    totals = {shape: expected for shape, (_, expected) in flows.items()}
    (folder / "expected.json").write_text(json.dumps(totals))


def _reason(error: Exception) -> str:
    """What a failed program said last, else what is known of the failure."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done after {MINUTES_MAX} minutes"
    lines = [line for line in (getattr(error, "stderr", None) or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else str(error)


def _run(script: str, packages: list[str], folder: Path) -> list[dict[str, Any]]:
    place = folder / script.removesuffix(".py")
    venv.create(place, with_pip=True)
    python = str(place / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _call([*install, *packages], dict(os.environ))
    told = _call(
        [python, str(HERE / script)],
        {**os.environ, "PEER_DATA": str(folder), "PYTHONPATH": ""},
    )
    lines = [line for line in told.splitlines() if line.startswith("{")]
    return [{**json.loads(line), "packages": packages} for line in lines]


def _call(command: list[str], environment: dict[str, str]) -> str:
    """What a program prints; its errors are kept for the reason why it failed."""
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES_MAX,
        env=environment,
    )
    return done.stdout


def compared(ours: list[dict[str, Any]], peers: list[dict[str, Any]]) -> str:
    """Give lines that say how many times as fast a row of ours is as each of its peers."""
    values = {row["name"]: row for row in ours}
    lines = []
    for name, wanted in PEER_OF.items():
        row = values.get(name)
        for peer in (peer for peer in peers if row and peer["name"] in wanted):
            theirs = statistics.median(peer["rates"])
            # A row in seconds is one piece of work.
            rate = 1 / row["value"] if row["unit"] == "s" else row["value"]
            lines.append(
                f"{name}: {rate / theirs:,.1f} x {peer['name']} ({theirs:,.3g} {peer['unit']})"
            )
    return "\n".join(lines)

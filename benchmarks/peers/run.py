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
    "flow_lightmatchingengine.py": ["lightmatchingengine==2019.1.4", "numpy"],
    "flow_limit_order_book.py": ["limit-order-book==2.0.0", "numpy"],
}
"""Script: what pip installs for it."""
PEER_OF: dict[str, list[str]] = {
    "backtest, empty strategy": ["nautilus_trader, empty"],
    "backtest, Python SMA(10/30)": ["backtesting.py", "backtrader", "nautilus_trader, SMA"],
    "backtest, array SMA(10/30)": ["vectorbt"],
    "sweep of 1,000 array strategies, 100 k bars": ["vectorbt, 1,000 pairs"],
    "one command a call from Python": ["lightmatchingengine", "limit-order-book"],
}
"""Row of ours: the peers that do the same work."""
MINUTES_MAX = 15


def measure(bars: "np.ndarray", flow: "np.ndarray") -> list[dict[str, Any]]:
    """Install and run every peer; one that does not install or run is told and left out."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "bars.npy", bars)
        np.save(Path(folder) / "flow.npy", flow)
        for script, packages in PEERS.items():
            try:
                found += _run(script, packages, Path(folder))
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{script} was left out: {error}", file=sys.stderr)
    return found


def _run(script: str, packages: list[str], folder: Path) -> list[dict[str, Any]]:
    place = folder / script.removesuffix(".py")
    venv.create(place, with_pip=True)
    python = str(place / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *packages], check=True, timeout=60 * MINUTES_MAX)
    done = subprocess.run(
        [python, str(HERE / script)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60 * MINUTES_MAX,
        env={**os.environ, "PEER_DATA": str(folder), "PYTHONPATH": ""},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [{**json.loads(line), "packages": packages} for line in lines]


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

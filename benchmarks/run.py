"""Measures the speeds of Papertape: prints one table, writes benchmarks/results/<time>.json.

usage: python benchmarks/run.py [engine] [backtest] [start] [server]    (all of them by default)

Each part is a module with `run() -> list[dict]`; a row has name, value, unit, runs, median, best.
The machine and its load are part of every result: compare only figures of one run.
"""

import importlib
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

PARTS = {
    "engine": "engine",
    "backtest": "backtest",
    "start": "start_up",
    "server": "serving",
}
RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, object]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return {
        "processors": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "commit": commit.stdout.strip() or None,
    }


def measure(part: str) -> list[dict[str, object]]:
    started = time.perf_counter()
    rows = importlib.import_module(PARTS[part]).run()
    print(f"{part}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return [{"part": part, **row} for row in rows]


def table(rows: list[dict[str, object]]) -> str:
    names = ("name", "value", "unit", "median", "best")
    lines = [names, *(tuple(_cell(row[name]) for name in names) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]

    def text(line: tuple[str, ...]) -> str:
        name, value, unit, median, best = (
            cell.ljust(width) if k in {0, 2} else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return f"{name}  {value} {unit}  {median}  {best}".rstrip()

    head, *body = map(text, lines)
    return "\n".join([head, "-" * len(head), *body])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def peers_beside(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Run the peers too (`make bench PEERS=1`) and print how ours compare."""
    import data
    from peers import run as peers

    flows = {shape: data.flow(deep=shape == "deep") for shape in ("shallow", "deep")}
    measured = peers.measure(
        data.bars(), {shape: (made, asdict(totals)) for shape, (made, totals) in flows.items()}
    )
    print(peers.compared(rows, measured))
    return measured


def main(parts: list[str]) -> int:
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"unknown part {sorted(unknown)}; choose from {sorted(PARTS)}", file=sys.stderr)
        return 2
    about = machine()
    rows = [row for part in parts or PARTS for row in measure(part)]
    print(table(rows))
    peers = peers_beside(rows) if os.environ.get("PEERS") else []
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(
        json.dumps({"time": now.isoformat(), **about, "rows": rows, "peers": peers}, indent=1)
    )
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

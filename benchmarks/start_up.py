"""How long Python needs before anything of ours happens: `import papertape`, and the command line.

The time of an empty Python is taken off the import, not off the command: users wait for all of it.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RUNS = 7


def run() -> list[dict[str, Any]]:
    """Milliseconds, the median of several fresh processes."""
    empty = statistics.median(_runs([sys.executable, "-c", "pass"]))
    imports = [taken - empty for taken in _runs([sys.executable, "-c", "import papertape"])]
    command = str(Path(sys.executable).parent / "papertape")
    return [
        _row("import papertape, beyond an empty Python", imports),
        _row("papertape --help", _runs([command, "--help"])),
    ]


def _runs(command: list[str]) -> list[float]:
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append((time.perf_counter() - started) * 1_000)
    return taken


def _row(name: str, taken: list[float]) -> dict[str, Any]:
    median = statistics.median(taken)
    row = {"name": name, "value": median, "unit": "ms", "runs": taken}
    return {**row, "median": median, "best": min(taken)}

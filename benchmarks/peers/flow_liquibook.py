"""liquibook: its C++ order book on the flow, compiled here against the headers of its wheel."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import liquibook
from measured import DATA, RUNS, expect, flow_file, tell_rates

FLAGS = ["-O3", "-march=native", "-std=c++17", "-w"]
SOURCE = Path(__file__).with_suffix(".cpp")
FLOWS = {"shallow": RUNS, "deep": 1}
"""Flow: how often; the deep one takes long, since liquibook walks all orders of a price."""


def compiled(folder):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        sys.exit("no C++ compiler is installed")
    headers = Path(liquibook.__file__).parents[1] / "include" / "liquibook"
    program = Path(folder) / "flow_liquibook"
    command = [compiler, *FLAGS, "-I", headers, "-I", headers.parent, SOURCE, "-o", program]
    subprocess.run(list(map(str, command)), check=True)
    return str(program)


def main():
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        program = compiled(folder)
        for shape, runs in FLOWS.items():
            path, count = flow_file(shape)
            command = [program, path, str(count), str(runs)]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            lines = [line.split() for line in told.splitlines()]
            rates = [count / float(seconds) for seconds, *_ in lines]
            trades, volume, live = map(int, lines[-1][1:])
            totals = {"trades": trades, "volume": volume, "live": live}
            expect(shape, totals)
            tell_rates(f"liquibook, {shape}", rates, "operations/s", totals)


if __name__ == "__main__":
    main()

"""Random commands by the million: `python -m twin.soak 2000000` (with `tests` on the path).

Splits the work over seeds and processes, says how far it is, and ends with the smallest steps that
make twin and core differ, if there are any.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path

from twin.differ import Difference, run, shrink
from twin.reach import write

RUN = 2_000


def one(task: tuple[int, int]) -> tuple[int, Counter[str], Difference | None]:
    """Plays one seed."""
    seed, count = task
    try:
        return seed, run(seed, count), None
    except Difference as difference:
        return seed, Counter(), shrink(difference)
    except Exception as error:
        raise RuntimeError(f"the twin broke at seed {seed}") from error


def main() -> int:
    """Plays as many commands as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", type=int, nargs="?", default=2_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--each", type=int, default=RUN, help="commands of one seed")
    parser.add_argument("--reach", type=Path, help="write down here what was reached often")
    ask = parser.parse_args()
    tasks = [(ask.seed + i, ask.each) for i in range(-(-ask.commands // ask.each))]
    words, reached = Counter[str](), Counter[str]()
    began, done = time.monotonic(), 0
    print(f"{len(tasks) * ask.each} commands from seed {ask.seed} on")
    with multiprocessing.get_context("spawn").Pool(ask.processes) as pool:
        for seed, found, difference in pool.imap_unordered(one, tasks):
            if difference:
                print(f"seed {seed}: {difference}")
                return 1
            words += found
            reached.update(word for word, count in found.items() if count)
            done += ask.each
            if done % (50 * ask.each) == 0:
                print(f"{done} commands, {done / (time.monotonic() - began):.0f}/s", flush=True)
    if ask.reach:
        write(ask.reach, reached, len(tasks))
    for word, count in sorted(words.items()):
        print(f"{count:>12} {word}")
    print(f"no difference in {done} commands, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

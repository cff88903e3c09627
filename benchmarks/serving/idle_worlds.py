"""Loads the world of a stopped product many times over, and tells milliseconds and MB of each.

usage: python -m serving.idle_worlds DATA_DIR COUNT
"""

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path

from papertape.floor.loading import Loaded, load_world
from papertape.floor.process import DATABASE, SNAPSHOTS
from papertape.storage.bodies import open_tape_reader
from papertape.storage.snapshots import SnapshotFolder
from serving.product import resident_mb

WORLD = "main"


def main(data_dir: Path, count: int) -> None:
    """Print the figures as JSON."""
    _load(data_dir)  # what is imported and allocated once
    before, taken, kept = resident_mb(os.getpid()), [], []
    for _ in range(count):
        started = time.perf_counter()
        kept.append(_load(data_dir))
        taken.append((time.perf_counter() - started) * 1e3)
    print(json.dumps({"ms": taken, "mb": (resident_mb(os.getpid()) - before) / count}))


def _load(data_dir: Path) -> Loaded:
    with closing(open_tape_reader(data_dir / DATABASE)) as reader:
        head = reader.head(WORLD)
        if head is None:
            raise RuntimeError(f"{data_dir} has no world {WORLD}")
        return load_world(WORLD, head, reader, SnapshotFolder(data_dir / SNAPSHOTS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

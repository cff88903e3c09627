"""Adds golden tapes for what no golden tape shows yet: see README.md. None is ever rewritten."""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from golden.tapes import FOLDER, KINDS, SUMS, Tape, features, golden, kinds, read, replay, sums

TESTS = ["cargo", "test", "--quiet", "--locked", "-p", "papertape-core"]
RECORDED = ["--test", "scenarios", "--test", "auctions"]


def main() -> int:
    """Plays the scenario tables and keeps the fewest tapes that show all that is new in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="the folder, such as 0.2.0")
    folder = FOLDER / parser.parse_args().version
    folder.mkdir(exist_ok=True)
    tapes = played()
    known = {feature for path in golden() for tape in read(path) for feature in features(tape)}
    chosen = fewest(tapes, known)
    for table in sorted({table for table, _ in chosen}):
        write(free(folder, table), [tape for name, tape in chosen if name == table])
    (folder / SUMS).write_text(sums(folder), "utf-8")
    found = {kind for path in golden() for tape in read(path) for kind in kinds(tape)}
    KINDS.write_text("\n".join(sorted(found)) + "\n", "utf-8")
    return 0


def played() -> list[tuple[str, Tape]]:
    """What every scenario leaves, with the name of its table."""
    with tempfile.TemporaryDirectory() as raw:
        environment = os.environ | {"PAPERTAPE_RECORD": raw}
        subprocess.run([*TESTS, *RECORDED], env=environment, check=True)
        paths = sorted(Path(raw).glob("*.jsonl"))
        return [(path.stem, tape) for path in paths for tape in read(path)]


def fewest(tapes: list[tuple[str, Tape]], known: set[str]) -> list[tuple[str, Tape]]:
    """Greedily those that show the most that is new for their length."""
    left = [(features(tape) - known, table, tape) for table, tape in tapes]
    chosen: list[tuple[str, Tape]] = []
    while left := [(new, table, tape) for new, table, tape in left if new]:
        new, table, tape = max(left, key=lambda it: len(it[0]) / (2_000 + length(it[2])))
        chosen.append((table, tape))
        left = [(more - new, name, other) for more, name, other in left]
    return chosen


def length(tape: Tape) -> int:
    return sum(len(body) for *_, body in tape.turns)


def free(folder: Path, table: str) -> Path:
    """A name that no file has: the table's, or the table's with a number."""
    names = (f"{table}{number}.jsonl.gz" for number in ("", *(f"-{it}" for it in range(2, 99))))
    return next(folder / name for name in names if not (folder / name).exists())


def write(path: Path, tapes: list[Tape]) -> None:
    """The tapes, and what the present engine makes of each; the same bytes for the same tapes."""
    lines = []
    for tape in tapes:
        lines += [{"scenario": tape.title}, *tape.turns, replay(tape.turns)]
    text = "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines
    )
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{path.name}: {len(tapes)} tapes, {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())

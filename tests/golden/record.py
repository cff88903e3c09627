"""Makes the golden tapes of a version, once: see README.md. They are never rewritten."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from golden.tapes import FOLDER, SUMS, read, replay, sums

SCENARIOS = ["cargo", "test", "--quiet", "--locked", "-p", "papertape-core", "--test", "scenarios"]


def main() -> int:
    """Records the scenario tables that have no tape of this version yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="the folder, such as 0.2.0")
    parser.add_argument("tables", nargs="*", help="only these tables; all that are new by default")
    ask = parser.parse_args()
    folder = FOLDER / ask.version
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as raw:
        subprocess.run(SCENARIOS, env=os.environ | {"PAPERTAPE_RECORD": raw}, check=True)
        for path in sorted(Path(raw).glob("*.jsonl")):
            if not ask.tables or path.stem in ask.tables:
                write(path, folder)
    (folder / SUMS).write_text(sums(folder), "utf-8")
    return 0


def write(raw: Path, folder: Path) -> None:
    """Adds to each tape what the present engine makes of it."""
    path = folder / raw.name
    if path.exists():
        print(f"{path.name} stands already and stays as it is")
        return
    with path.open("w", encoding="utf-8") as file:
        for tape in read(raw):
            lines = [{"scenario": tape.title}, *tape.turns, replay(tape.turns)]
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.name} {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())

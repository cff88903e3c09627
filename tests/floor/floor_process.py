"""A floor as a process of its own, without parent, follower and server."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIPT = """
import pathlib, sys
sys.path.insert(0, sys.argv[2])
from floor.small_exchange import Street
from papertape.floor.link.frames import LinkAddresses
from papertape.floor import process
from papertape.storage.place import PostgresSchema, PostgresUrl
process.LOCK_PATIENCE_S = 0.2
folder, url = pathlib.Path(sys.argv[1]), sys.argv[3]
place = PostgresSchema(PostgresUrl.read(url), "exchange") if url else None
sys.exit(process.run_floor(
    data_dir=folder,
    worlds=[process.WorldSpec("main", Street())],
    place=place,
    addresses=LinkAddresses.in_folder(folder),
    ready=lambda: print("ready", flush=True),
))
"""


def floor_process(folder: Path, database_url: str = "") -> "subprocess.Popen[str]":
    """A floor on a data folder, with its tape in PostgreSQL where an address is given."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(TESTS), database_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

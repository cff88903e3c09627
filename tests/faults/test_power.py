"""A loss of power at any moment: what was told is there, and all of it fits together."""

import pickle
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from faults.forgetful_disk import NO_SHARED_SQLITE, Disk, Note
from floor.small_exchange import ALICE
from papertape.floor.verify import VerifyRefusedError, verify
from papertape.storage.sqlite.storage import SqliteStorage

CUTS = 30
SEED = 20261127
TESTS = Path(__file__).parents[1]


def recorded(folder: Path, synchronous: str) -> list[Note]:
    """Every write and sync of a product that traded on a folder."""
    notes = folder / "notes"
    script = Path(__file__).with_name("forgetful_disk.py")
    ran = subprocess.run(
        [sys.executable, script, folder / "data", synchronous, notes],
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == NO_SHARED_SQLITE:
        pytest.skip("the SQLite of this Python cannot be listened to")
    assert ran.returncode == 0, ran.stderr
    found: list[Note] = pickle.loads(notes.read_bytes())
    return found


def lost(notes: list[Note], cut: int, draw: random.Random, folder: Path) -> list[str]:
    """What is wrong after a loss of power behind the first `cut` notes."""
    disk = Disk(notes[:cut])
    disk.lose_power(draw, folder)
    try:
        found = [str(finding) for finding in verify(folder)]
    except VerifyRefusedError as error:
        return [str(error)]
    if found:
        return found
    with closing(SqliteStorage(folder / "exchange.db")) as storage:
        return [name for name in disk.told if storage.known_order("main", ALICE, name) is None]


def moments(notes: list[Note], draw: random.Random, count: int) -> list[int]:
    """Moments behind the first order that was told."""
    first = next(place for place, note in enumerate(notes, 1) if note[0] == "told")
    return [draw.randint(first, len(notes)) for _ in range(count)]


def test_a_loss_of_power_loses_nothing_that_was_told(
    tmp_path: Path, fault_rounds: int | None
) -> None:
    draw = random.Random(SEED)
    notes = recorded(tmp_path, "FULL")
    checkpoints = sum(note[0] == "sync" and note[1].endswith(".db") for note in notes)
    assert checkpoints > 5, "the log must have been folded into the file now and then"
    for number, cut in enumerate(moments(notes, draw, fault_rounds or CUTS)):
        assert lost(notes, cut, draw, tmp_path / f"cut{number}") == [], f"cut at {cut}"


def test_without_syncing_the_same_loses_orders_so_the_disk_does_forget(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    notes = recorded(tmp_path, "OFF")
    cuts = moments(notes, draw, 8)
    damaged = [lost(notes, cut, draw, tmp_path / f"cut{n}") for n, cut in enumerate(cuts)]
    assert all(damaged), "a disk that forgets must have lost something at each of the cuts"

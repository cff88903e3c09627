import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.storage_rows import SampleRows, account, batch
from papertape.domain.errors import CommitFailedError, TapeBrokenError
from papertape.storage.sqlite.storage import SqliteStorage


def test_the_file_is_in_wal_mode_and_every_commit_is_synced(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "exchange.db")
    pragmas = [storage._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS]
    storage.close()
    assert pragmas == list(PRAGMAS.values())


PRAGMAS = {"journal_mode": "wal", "synchronous": 2}


def test_a_world_whose_head_is_gone_is_a_broken_tape_not_a_new_world(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "exchange.db")
    storage.commit("main", storage.take_over("main", ""), batch(1))
    storage._connection.execute("DELETE FROM world_head")
    with pytest.raises(TapeBrokenError, match=r"world 'main', seq 1, table world_head"):
        storage.take_over("main", "")
    storage.close()


def test_a_write_that_fails_before_commit_leaves_nothing(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "exchange.db")
    head = storage.take_over("main", "")
    pages = storage._connection.execute("PRAGMA page_count").fetchone()[0]
    storage._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    many = SampleRows(accounts=[account(1, account_id=f"{n:036d}") for n in range(5_000)])
    with pytest.raises(CommitFailedError, match="full"):
        storage.commit("main", head, batch(1, 1, many))
    storage._connection.execute("PRAGMA max_page_count = 1000000")
    assert list(storage.tail("main", 0)) == []
    assert storage.commit("main", head, batch(1, 1, many)).seq == 1
    storage.close()


def test_a_locked_database_is_a_failed_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papertape.storage.sqlite.connection.BUSY_TIMEOUT_S", 0.05)
    storage = SqliteStorage(tmp_path / "exchange.db")
    head = storage.take_over("main", "")
    other = sqlite3.connect(tmp_path / "exchange.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CommitFailedError, match="locked"):
        storage.commit("main", head, batch(1))
    other.execute("ROLLBACK")
    other.close()
    assert storage.commit("main", head, batch(1)).seq == 1
    storage.close()


def test_a_batch_cut_off_by_the_end_of_the_process_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    storage = SqliteStorage(path)
    storage.commit("main", storage.take_over("main", ""), batch(1))
    storage.close()
    script = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
c.execute("INSERT INTO tape SELECT world, 2, time_ns, market_seq, body, hash FROM tape")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    storage = SqliteStorage(path)
    assert [row.seq for row in storage.tail("main", 0)] == [1]
    storage.close()


def test_files_of_before_that_others_can_read_become_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    storage = SqliteStorage(path)
    storage.commit("main", storage.take_over("main", ""), batch(1))
    files = [path.with_name(path.name + beside) for beside in ("", "-wal", "-shm")]
    for file in files:
        file.chmod(0o644)
    other = SqliteStorage(path)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    other.close()
    storage.close()


def test_a_file_that_cannot_be_made_private_is_told(tmp_path: Path, monkeypatch, caplog) -> None:
    path = tmp_path / "exchange.db"
    SqliteStorage(path).close()
    path.chmod(0o644)

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    SqliteStorage(path).close()
    assert f"{path} can be read by others" in caplog.text

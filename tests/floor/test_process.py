"""The floor as a process: started, asked, ended, refused."""

import asyncio
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from floor.floor_process import floor_process, wait_ready
from floor.small_exchange import SmallExchange, buy, open_account, value
from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.ports import FloorUnavailableError
from papertape.floor.process import EXIT_FINAL
from papertape.floor.verify import verify
from papertape.storage.lock import DataFolderLock

Start = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts floors; none of them outlives its test."""
    started: list[subprocess.Popen[str]] = []

    def start_floor(folder: Path) -> "subprocess.Popen[str]":
        started.append(floor_process(folder))
        return started[-1]

    yield start_floor
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


async def test_a_floor_serves_and_ends_cleanly_on_sigterm(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path)
    wait_ready(process)
    async with FloorClient(LinkAddresses.in_folder(tmp_path)) as client:
        await client.connected()
        assert (await client.ask("main", open_account())).outcome == "created"
        assert (await client.ask("main", buy("a"))).outcome == "created"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert verify(tmp_path) == []


def test_ctrl_c_is_left_to_the_parent(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path)
    wait_ready(process)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_second_floor_on_the_same_folder_is_refused_and_asks_not_to_be_restarted(
    start: Start, tmp_path: Path
) -> None:
    with DataFolderLock(tmp_path):
        process = start(tmp_path)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == EXIT_FINAL
    assert "is in use by process" in errors


def test_a_broken_tape_is_refused_by_name(start: Start, tmp_path: Path) -> None:
    exchange = SmallExchange(tmp_path)
    exchange.ask(open_account(), buy("a"))
    exchange.close()
    with closing(sqlite3.connect(tmp_path / "exchange.db", isolation_level=None)) as connection:
        connection.execute("UPDATE tape SET body = replace(body, 'ACME', 'ACMF') WHERE seq = 3")
    process = start(tmp_path)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == EXIT_FINAL
    assert "world 'main', seq 3, table tape" in errors


async def test_a_killed_floor_starts_again_where_its_last_commit_was(
    start: Start, tmp_path: Path
) -> None:
    process = start(tmp_path)
    wait_ready(process)
    async with FloorClient(LinkAddresses.in_folder(tmp_path)) as client:
        await client.connected()
        await client.ask("main", open_account())
        before = await client.ask("main", buy("a", qty="3"))
        process.kill()
        process.communicate()
        with pytest.raises(FloorUnavailableError):
            await client.ask("main", value())
        again = start(tmp_path)
        await asyncio.to_thread(wait_ready, again)
        await client.connected()
        assert (await client.ask("main", buy("a", qty="3"))).outcome == "existing"
        assert b'"qty":"3"' in (await client.ask("main", value())).body
    assert before.outcome == "created"
    again.terminate()
    again.communicate(timeout=10)
    assert verify(tmp_path) == []

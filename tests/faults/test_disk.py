"""The disk takes nothing more: orders are refused, and go on by themselves when it does again."""

import asyncio
import resource
import signal
from pathlib import Path

import msgspec

from floor.floor_process import floor_process, wait_ready
from floor.small_exchange import buy, command, open_account, value
from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.ports import FloorUnavailableError
from papertape.floor.verify import verify

ORDERS_MAX = 400


async def test_a_full_disk_refuses_orders_loses_none_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    process = floor_process(tmp_path)
    try:
        wait_ready(process)
        async with FloorClient(LinkAddresses.in_folder(tmp_path)) as client:
            await client.connected()
            await client.ask("main", open_account(cash="1000000.00"))
            told, doubtful = await trade_until_full(client, process.pid, tmp_path)
            assert told
            status = await client.ask("main", command("floor_status"))
            counters = msgspec.json.decode(status.body)
            assert counters["failed_commits"] + counters["unknown_commits"] >= 1
            allow(process.pid, resource.RLIM_INFINITY)
            assert await until_taken(client, doubtful) in {"created", "existing"}
            for name in told:
                assert (await client.ask("main", order(name))).outcome == "existing"
            assert (await client.ask("main", order("after"))).outcome == "created"
            held = msgspec.json.decode((await client.ask("main", value())).body)
            assert held["positions"][0]["qty"] == str(len(told) + 2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors
        assert "cannot write" in errors
        assert "disk" in errors
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert verify(tmp_path) == []


def order(name: str) -> bytes:
    return buy(name, qty="1", limit_price="11.00")


def allow(pid: int, size: int) -> None:
    """Let a process write files up to a size; beyond it the system answers as a full disk does."""
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))


async def trade_until_full(client: FloorClient, pid: int, folder: Path) -> tuple[list[str], str]:
    """The orders that were told while there was room, and the one that there was none for."""
    allow(pid, (folder / "exchange.db-wal").stat().st_size + 200_000)
    told = []
    for number in range(ORDERS_MAX):
        name = f"order{number}"
        try:
            reply = await client.ask("main", order(name))
        except FloorUnavailableError as error:
            refused = error
            break
        assert reply.outcome == "created"
        told.append(name)
    else:
        raise AssertionError("the disk was never full")
    assert refused.reason in {"not_accepted", "outcome_unknown"}
    return told, name


async def until_taken(client: FloorClient, name: str) -> str:
    """The word of the floor once it writes again; it tries by itself every two seconds."""
    while True:
        try:
            return (await client.ask("main", order(name))).outcome
        except FloorUnavailableError as error:
            await asyncio.sleep(error.retry_after / 10)

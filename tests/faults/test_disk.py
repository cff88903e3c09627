"""The disk takes nothing more: orders are refused, and go on by themselves when it does again."""

import asyncio
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from floor.floor_process import floor_process, wait_ready
from floor.small_exchange import ALICE, HandClock, SmallExchange, buy, command, open_account, value
from papertape.floor.disk import DiskRoom, room_of_disk
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


# --- nearly full ----------------------------------------------------------------------------------

GIB = 1024**3


class HandDisk:
    """A disk whose room a test sets."""

    def __init__(self) -> None:
        self.free, self.whole = 10 * GIB, 20 * GIB

    def room_of(self, folder: Path) -> tuple[int, int]:
        return self.free, self.whole


@pytest.fixture
def disk() -> HandDisk:
    return HandDisk()


@pytest.fixture
def exchange(tmp_path: Path, disk: HandDisk) -> Iterator[SmallExchange]:
    clock = HandClock()
    made = SmallExchange(
        tmp_path, clock=clock, disk=DiskRoom(tmp_path, disk.room_of, clock.seconds)
    )
    made.ask(open_account())
    yield made
    made.close()


def test_a_disk_that_is_nearly_full_refuses_new_orders_and_takes_cancels(
    exchange: SmallExchange, disk: HandDisk
) -> None:
    _, rests = exchange.ask_one(buy("rests", limit_price="1.00"))
    _, changes = exchange.ask_one(buy("changes", limit_price="1.00"))
    disk.free = disk.whole * 4 // 100
    exchange.step(2)
    refused, cancelled, replaced, seen, repeated, reused = exchange.ask(
        buy("new"),
        command("cancel", account_id=ALICE, order_id=rests["id"]),
        command("replace", account_id=ALICE, order_id=changes["id"], qty="5"),
        value(),
        buy("rests", limit_price="1.00"),
        buy("rests", limit_price="2.00"),
    )
    assert (refused[0], refused[1]["reason"]) == ("not_accepted", "not_accepted")
    assert "the disk is nearly full" in refused[1]["detail"]
    assert (cancelled[0], replaced[0], seen[0]) == ("ok", "ok", "ok")
    assert (repeated[0], repeated[1]["id"]) == ("existing", rests["id"])
    assert reused[0] == "id_reused"
    assert exchange.status()["disk_low"] is True


def test_new_orders_are_taken_again_when_there_is_a_little_more_room(
    exchange: SmallExchange, disk: HandDisk
) -> None:
    for free, taken in ((0.049, False), (0.055, False), (0.061, True), (0.055, True)):
        disk.free = int(disk.whole * free)
        exchange.step(2)
        outcome, _ = exchange.ask_one(buy(f"at {free} {taken}"))
        assert outcome == ("created" if taken else "not_accepted"), free


def test_on_a_large_disk_two_gigabytes_are_room_enough(
    exchange: SmallExchange, disk: HandDisk
) -> None:
    disk.free, disk.whole = 3 * GIB, 1000 * GIB
    exchange.step(2)
    assert exchange.ask_one(buy("a"))[0] == "created"


def test_the_room_of_this_disk_is_known(tmp_path: Path) -> None:
    free, whole = room_of_disk(tmp_path)
    assert 0 <= free <= whole
    assert whole > 0
    assert isinstance(DiskRoom(tmp_path).is_low(), bool)

"""The floor as the server sees it: every body of `FloorPort` must pass."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floor.small_exchange import (
    ALICE,
    Street,
    buy,
    command,
    open_account,
    value,
)
from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.link.server import LinkServer
from papertape.floor.local import LocalFloor
from papertape.floor.loop import FloorLoop
from papertape.floor.ports import FloorPort, Link, StreamBatch
from papertape.floor.process import WorldSpec, open_world
from papertape.storage.snapshots import SnapshotFolder
from papertape.storage.sqlite.storage import SqliteStorage


def floor_on(link: Link, storage: SqliteStorage, folder: Path) -> FloorLoop:
    world = open_world(
        WorldSpec("main", Street()),
        storage=storage,
        snapshots=SnapshotFolder(folder / "snapshots"),
        link=link,
    )
    return FloorLoop(link, [world])


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[FloorPort]:
    storage = SqliteStorage(folder / "exchange.db")
    async with LocalFloor(lambda link: floor_on(link, storage, folder)) as floor:
        yield floor
    storage.close()


@asynccontextmanager
async def linked(folder: Path) -> AsyncIterator[FloorPort]:
    storage = SqliteStorage(folder / "exchange.db")
    addresses = LinkAddresses.in_folder(folder)
    floor = floor_on(LinkServer(addresses), storage, folder)
    thread = threading.Thread(target=floor.run)
    thread.start()
    async with FloorClient(addresses) as client:
        await client.connected()
        yield client
    floor.stop()
    await asyncio.to_thread(thread.join)
    storage.close()


@pytest.fixture(params=[local, linked])
async def floor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FloorPort]:
    async with request.param(tmp_path) as opened:
        assert (await opened.ask("main", open_account())).outcome == "created"
        yield opened


async def test_a_command_is_answered_with_its_outcome_and_json(floor: FloorPort) -> None:
    reply = await floor.ask("main", buy("a"))
    assert reply.outcome == "created"
    assert json.loads(reply.body)["status"] == "filled"
    assert (await floor.ask("main", buy("a"))).outcome == "existing"


async def test_commands_of_many_callers_are_all_answered(floor: FloorPort) -> None:
    asked = [floor.ask("main", buy(f"order-{number}", qty="1")) for number in range(1_200)]
    replies = await asyncio.gather(*asked)
    orders = {json.loads(reply.body)["client_order_id"] for reply in replies}
    assert orders == {f"order-{number}" for number in range(1_200)}
    seen = json.loads((await floor.ask("main", value())).body)
    assert seen["positions"][0]["qty"] == "1200"


async def test_an_unknown_world_is_not_found(floor: FloorPort) -> None:
    reply = await floor.ask("elsewhere", value())
    assert reply.outcome == "not_found"
    assert json.loads(reply.body)["reason"] == "unknown_world"


async def test_a_question_of_a_stranger_is_not_found(floor: FloorPort) -> None:
    reply = await floor.ask("main", value("00000000-0000-0000-0000-00000000dead"))
    assert reply.outcome == "not_found"


async def test_every_listener_hears_what_was_committed(floor: FloorPort) -> None:
    first, second = floor.streams(), floor.streams()
    tasks = [asyncio.create_task(orders_heard(stream)) for stream in (first, second)]
    await asyncio.sleep(0.7)  # a new listener's connection may take a moment
    reply = json.loads((await floor.ask("main", buy("heard"))).body)
    for task in tasks:
        heard = await asyncio.wait_for(task, 5)
        assert heard["client_order_id"] == "heard"
        assert heard["id"] == reply["id"]


async def orders_heard(stream: AsyncIterator[StreamBatch]) -> dict[str, str]:
    async for batch in stream:
        for message in batch.private:
            if message.channel == "orders":
                assert message.account_id == ALICE
                return dict(json.loads(message.data))
    raise AssertionError("the stream ended")


async def test_the_market_is_told_to_listeners(floor: FloorPort) -> None:
    stream = floor.streams()
    channels: set[str] = set()

    async def listen() -> None:
        async for batch in stream:
            channels.update(message.channel for message in batch.market)
            if {"trades:ACME", "bars:ACME:1m"} <= channels:
                return

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.7)
    await floor.ask("main", buy("a"))
    await asyncio.wait_for(task, 5)


async def test_the_status_of_a_world_can_be_asked(floor: FloorPort) -> None:
    status = json.loads((await floor.ask("main", command("floor_status"))).body)
    assert status["world"] == "main"
    assert status["commits"] >= 1
    assert status["market"] in {"running", "ended"}

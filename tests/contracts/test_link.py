"""The floor's end of a link: every body of the port `Link` must pass."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from papertape.floor.fan_out import FanOut
from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.link.server import LinkServer
from papertape.floor.local import LocalLink
from papertape.floor.ports import Asked, Link, MarketMessage, Reply, StreamBatch


class Asker(Protocol):
    """Asks through the other end, without waiting for more than the reply."""

    async def __call__(self, world: str, command: bytes, request_id: str = "") -> Reply:
        """Ask one command."""
        ...


@dataclass
class Ends:
    """Both ends of one link."""

    floor: Link
    ask: Asker


async def local() -> AsyncIterator[Ends]:
    loop = asyncio.get_running_loop()
    link = LocalLink(loop, FanOut())

    async def ask(world: str, command: bytes, request_id: str = "") -> Reply:
        answered: asyncio.Future[Reply] = loop.create_future()
        link.put(Asked(answered, world, command, request_id))
        return await answered

    yield Ends(link, ask)
    link.close()


async def over_zeromq(folder: Path) -> AsyncIterator[Ends]:
    addresses = LinkAddresses.in_folder(folder)
    server = LinkServer(addresses)
    async with FloorClient(addresses) as client:
        while not client.is_connected:
            server.receive(0.0)
            server.flush()
            await asyncio.sleep(0.01)
        yield Ends(server, client.ask)
    server.close()


@pytest.fixture(params=["local", "zeromq"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ends]:
    made = local() if request.param == "local" else over_zeromq(tmp_path)
    async for both in made:
        yield both


async def received(link: Link, count: int) -> list[Asked]:
    """What came in, once it is `count`."""
    asked: list[Asked] = []
    for _ in range(500):
        asked += link.receive(0.0)
        if len(asked) >= count:
            return asked
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {len(asked)} of {count} came in")


async def test_what_is_asked_comes_in_as_it_was_sent(ends: Ends) -> None:
    waiting = asyncio.create_task(ends.ask("main", b"\x00 any bytes \xff"))
    (asked,) = await received(ends.floor, 1)
    assert (asked.world, asked.command) == ("main", b"\x00 any bytes \xff")
    ends.floor.answer(asked.ticket, Reply("ok", b"\xff\x00"))
    ends.floor.flush()
    assert await waiting == Reply("ok", b"\xff\x00")


async def test_the_id_of_the_request_comes_with_its_command(ends: Ends) -> None:
    waiting = [
        asyncio.create_task(ends.ask("main", b"x", "request-1")),
        asyncio.create_task(ends.ask("main", b"y")),
    ]
    asked = await received(ends.floor, 2)
    assert [(one.command, one.request_id) for one in asked] == [(b"x", "request-1"), (b"y", "")]
    for one in asked:
        ends.floor.answer(one.ticket, Reply("ok", b""))
    ends.floor.flush()
    await asyncio.gather(*waiting)


async def test_commands_of_one_caller_keep_their_order(ends: Ends) -> None:
    commands = [b"%d" % number for number in range(1_500)]
    waiting = [asyncio.create_task(ends.ask("main", data)) for data in commands]
    asked = await received(ends.floor, len(commands))
    assert [one.command for one in asked] == commands
    for one in asked:
        ends.floor.answer(one.ticket, Reply("ok", one.command))
    ends.floor.flush()
    assert [reply.body for reply in await asyncio.gather(*waiting)] == commands


async def test_a_reply_leaves_only_with_the_flush(ends: Ends) -> None:
    waiting = asyncio.create_task(ends.ask("main", b"x"))
    (asked,) = await received(ends.floor, 1)
    ends.floor.answer(asked.ticket, Reply("ok", b"y"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    ends.floor.flush()
    assert (await waiting).body == b"y"


async def test_answers_may_come_in_any_order(ends: Ends) -> None:
    waiting = [asyncio.create_task(ends.ask("main", b"%d" % number)) for number in range(20)]
    asked = await received(ends.floor, 20)
    for one in reversed(asked):
        ends.floor.answer(one.ticket, Reply("ok", one.command))
        ends.floor.flush()
    assert [reply.body for reply in await asyncio.gather(*waiting)] == [
        b"%d" % number for number in range(20)
    ]


async def test_an_answer_to_a_caller_that_went_away_harms_nobody(ends: Ends) -> None:
    gone = asyncio.create_task(ends.ask("main", b"gone"))
    (asked,) = await received(ends.floor, 1)
    gone.cancel()
    await asyncio.sleep(0)
    ends.floor.answer(asked.ticket, Reply("ok", b""))
    ends.floor.flush()
    stays = asyncio.create_task(ends.ask("main", b"stays"))
    (asked,) = await received(ends.floor, 1)
    ends.floor.answer(asked.ticket, Reply("ok", b"here"))
    ends.floor.flush()
    assert (await stays).body == b"here"


async def test_publishing_waits_for_nobody(ends: Ends) -> None:
    message = MarketMessage("main", "trades:ACME", "trade", b"x" * 1_000)
    for _ in range(2_000):
        ends.floor.publish(StreamBatch([], [message]))
    assert ends.floor.receive(0.0) == []

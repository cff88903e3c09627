import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.link.server import LinkServer
from papertape.floor.ports import (
    Asked,
    MarketMessage,
    NotAccepted,
    OutcomeUnknown,
    PrivateMessage,
    Reply,
    StreamBatch,
)

ECHO = """
import pathlib, sys, time
from papertape.floor.link.frames import LinkAddresses
from papertape.floor.link.server import LinkServer
from papertape.floor.ports import Reply
link = LinkServer(LinkAddresses.in_folder(pathlib.Path(sys.argv[1])))
print("ready", flush=True)
while True:
    for asked in link.receive(0.05):
        if asked.command != b"silence":
            link.answer(asked.ticket, Reply("ok", asked.command))
    link.flush()
"""


class EchoFloor:
    """A link server on a thread that answers each command by `reply`."""

    def __init__(self, addresses: LinkAddresses, reply: Callable[[Asked], Reply | None]) -> None:
        self.link = LinkServer(addresses)
        self.to_publish: list[StreamBatch] = []
        self._reply = reply
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            for asked in self.link.receive(0.01):
                reply = self._reply(asked)
                if reply is not None:
                    self.link.answer(asked.ticket, reply)
            while self.to_publish:
                self.link.publish(self.to_publish.pop(0))
            self.link.flush()
        self.link.close()

    def end(self) -> None:
        self._ending.set()
        self._thread.join()


@pytest.fixture
def addresses(tmp_path: Path) -> LinkAddresses:
    return LinkAddresses.in_folder(tmp_path)


@pytest.fixture
def echo(addresses: LinkAddresses) -> Iterator[EchoFloor]:
    floor = EchoFloor(addresses, lambda asked: Reply("ok", asked.world.encode() + asked.command))
    yield floor
    floor.end()


async def test_many_questions_at_once_each_get_their_own_answer(
    echo: EchoFloor, addresses: LinkAddresses
) -> None:
    async with FloorClient(addresses) as client:
        await client.connected()
        commands = [str(number).encode() for number in range(2_000)]
        replies = await asyncio.gather(*[client.ask("w", data) for data in commands])
        assert [reply.body for reply in replies] == [b"w" + data for data in commands]


async def test_refusals_of_the_floor_are_raised(addresses: LinkAddresses) -> None:
    refusal = b'{"reason":"r","detail":"because"}'
    floor = EchoFloor(addresses, lambda asked: Reply(asked.command.decode(), refusal))
    async with FloorClient(addresses) as client:
        await client.connected()
        with pytest.raises(NotAccepted, match="because") as not_accepted:
            await client.ask("w", b"not_accepted")
        assert (not_accepted.value.reason, not_accepted.value.retry_after) == ("not_accepted", 1.0)
        with pytest.raises(OutcomeUnknown, match="because"):
            await client.ask("w", b"outcome_unknown")
        assert (await client.ask("w", b"too_many")).outcome == "too_many"
    floor.end()


async def test_without_a_floor_nothing_is_accepted(addresses: LinkAddresses) -> None:
    async with FloorClient(addresses) as client:
        assert not client.is_connected
        with pytest.raises(NotAccepted, match="not reachable"):
            await client.ask("w", b"x")
        with pytest.raises(TimeoutError):
            await client.connected(0.1)


async def test_too_much_in_flight_is_not_accepted(addresses: LinkAddresses) -> None:
    floor = EchoFloor(addresses, lambda asked: None)
    async with FloorClient(addresses, in_flight_max=10) as client:
        await client.connected()
        waiting = [asyncio.create_task(client.ask("w", b"x")) for _ in range(10)]
        await asyncio.sleep(0.05)
        with pytest.raises(NotAccepted, match="in flight"):
            await client.ask("w", b"x")
    for task in waiting:
        with pytest.raises(OutcomeUnknown):
            await task
    floor.end()


async def test_a_floor_that_does_not_answer_leaves_the_outcome_unknown(
    addresses: LinkAddresses,
) -> None:
    floor = EchoFloor(addresses, lambda asked: None)
    async with FloorClient(addresses, answer_seconds_max=0.3) as client:
        await client.connected()
        with pytest.raises(OutcomeUnknown, match="in time"):
            await client.ask("w", b"x")
    floor.end()


async def test_a_killed_floor_is_noticed_within_a_second_and_its_successor_found(
    tmp_path: Path, addresses: LinkAddresses
) -> None:
    first = start_echo(tmp_path)
    async with FloorClient(addresses) as client:
        await client.connected()
        assert (await client.ask("w", b"hello")).body == b"hello"
        in_flight = asyncio.create_task(client.ask("w", b"silence"))
        await asyncio.sleep(0.1)
        killed_at = time.monotonic()
        first.kill()
        with pytest.raises(OutcomeUnknown, match="has ended"):
            await in_flight
        assert time.monotonic() - killed_at < 1.0
        with pytest.raises(NotAccepted):
            await client.ask("w", b"hello")
        end(first)
        second = start_echo(tmp_path)
        await client.connected()
        assert (await client.ask("w", b"again")).body == b"again"
        second.kill()
        end(second)


async def test_streams_arrive_in_order_and_a_new_floor_is_a_gap(addresses: LinkAddresses) -> None:
    batch = StreamBatch(
        [PrivateMessage(7, None, "w", "alice", "orders", "order", b"{}")],
        [MarketMessage("w", "quotes:ACME", "quote", b"{}")],
    )
    async with FloorClient(addresses) as client:
        stream = client.streams()
        first = EchoFloor(addresses, lambda asked: None)
        await client.connected()
        await asyncio.sleep(0.6)  # the first sign of life on the stream
        first.to_publish += [batch, batch]
        gap = await anext(stream)
        assert gap.gap
        assert [await anext(stream), await anext(stream)] == [batch, batch]
        first.end()
        second = EchoFloor(addresses, lambda asked: None)
        assert (await asyncio.wait_for(anext(stream), 5)).gap
        second.to_publish.append(batch)
        assert await asyncio.wait_for(anext(stream), 5) == batch
        second.end()


async def test_garbage_from_a_stranger_does_no_harm(
    echo: EchoFloor, addresses: LinkAddresses
) -> None:
    import zmq

    context = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    stranger.connect(addresses.ask)
    for data in (b"", b"\x00", b"\xc1" * 50, b"GET / HTTP/1.1\r\n\r\n"):
        stranger.send(data)
    stranger.send_multipart([b"two", b"frames"])
    async with FloorClient(addresses) as client:
        await client.connected()
        assert (await client.ask("w", b"x")).outcome == "ok"
    stranger.close(linger=0)
    context.term()


def test_a_long_data_folder_gets_its_sockets_elsewhere_and_always_at_the_same_place(
    tmp_path: Path,
) -> None:
    deep = tmp_path / ("d" * 120)
    assert LinkAddresses.in_folder(deep) == LinkAddresses.in_folder(deep)
    assert len(LinkAddresses.in_folder(deep).ask) < 107
    assert LinkAddresses.in_folder(deep) != LinkAddresses.in_folder(tmp_path / ("e" * 120))


def start_echo(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", ECHO, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.wait()
    assert process.stdout is not None
    process.stdout.close()

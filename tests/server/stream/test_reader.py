"""One client's outbox: order kept, newest wins, and the bound of what may wait."""

import asyncio

import pytest

from papertape.server.stream import reader as bounds
from papertape.server.stream.reader import CLOSE_BEHIND, Reader


class Pipe:
    """A connection that takes `capacity` bytes, and more after `drain`."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.unsent_bytes = 0
        self.written: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.on_writable = lambda: None

    @property
    def is_writable(self) -> bool:
        return self.unsent_bytes < self.capacity

    def write(self, frames: bytes) -> None:
        self.written.append(frames)
        self.unsent_bytes += len(frames)

    def drain(self) -> None:
        self.unsent_bytes = 0
        self.on_writable()

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


def reader_on(pipe: Pipe) -> tuple[Reader, list[bool]]:
    gave_up: list[bool] = []
    return Reader(pipe, lambda: gave_up.append(True)), gave_up


async def test_a_fast_reader_gets_each_frame_at_once() -> None:
    pipe = Pipe(10**9)
    reader, _ = reader_on(pipe)
    reader.send(b"a")
    reader.offer("quotes:A", b"b")
    reader.send(b"c")
    assert pipe.written == [b"a", b"b", b"c"]
    assert reader.messages_behind == 0


async def test_a_slow_reader_gets_ordered_frames_all_and_conflated_ones_newest() -> None:
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"first ")
    for number in range(5):
        reader.send(f"order{number} ".encode())
        reader.offer("quotes:A", f"A{number} ".encode())
        reader.offer("quotes:B", f"B{number} ".encode())
    assert pipe.written == [b"first "]
    pipe.drain()
    pipe.drain()
    assert b"".join(pipe.written) == b"first order0 order1 order2 order3 order4 A4 B4 "
    assert (reader.messages_behind, reader.bytes_behind) == (0, pipe.unsent_bytes)


async def test_nothing_overtakes_what_waits() -> None:
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"1")
    reader.send(b"2")
    pipe.unsent_bytes = 0  # room again, but the flush has not come yet
    reader.send(b"3")
    pipe.drain()
    assert b"".join(pipe.written) == b"123"


async def test_a_channel_that_was_left_is_not_sent_any_more() -> None:
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"1")
    reader.offer("quotes:A", b"A")
    reader.forget("quotes:A")
    pipe.drain()
    assert pipe.written == [b"1"]


@pytest.mark.parametrize(
    ("frames", "size", "closes"),
    [(900, 10, False), (1002, 10, True), (20, 60_000, True), (15, 60_000, False)],
)
async def test_the_bound_is_a_thousand_messages_or_a_mebibyte(
    monkeypatch, frames: int, size: int, closes: bool
) -> None:
    monkeypatch.setattr(bounds, "GRACE_S", 0.02)
    pipe = Pipe(1)
    reader, gave_up = reader_on(pipe)
    for _ in range(frames):
        reader.send(b"x" * size)
    assert pipe.closed is None, "a burst has a moment of grace"
    await asyncio.sleep(0.1)
    assert (pipe.closed is not None) == closes
    assert gave_up == ([True] if closes else [])
    if closes:
        assert pipe.closed[0] == CLOSE_BEHIND
        assert reader.messages_behind == 0


async def test_the_buffer_of_the_connection_counts(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "GRACE_S", 0.02)
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"x" * 1024 * 1024)
    reader.send(b"y")
    await asyncio.sleep(0.1)
    assert pipe.closed is not None


async def test_replaced_messages_count_until_the_client_takes_something(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "GRACE_S", 0.02)
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"1")
    for _ in range(900):
        reader.offer("quotes:A", b"A")
    pipe.drain()
    for _ in range(900):
        reader.offer("quotes:A", b"A")
    await asyncio.sleep(0.1)
    assert pipe.closed is None
    for _ in range(200):
        reader.offer("quotes:A", b"A")
    await asyncio.sleep(0.1)
    assert pipe.closed is not None


async def test_who_takes_the_burst_in_time_stays(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "GRACE_S", 0.1)
    pipe = Pipe(1)
    reader, gave_up = reader_on(pipe)
    for _ in range(1500):
        reader.send(b"x")
    while reader.messages_behind:
        pipe.drain()
    await asyncio.sleep(0.2)
    assert (pipe.closed, gave_up) == (None, [])


async def test_far_beyond_the_bound_there_is_no_grace() -> None:
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    for _ in range(8_010):
        reader.send(b"x")
    assert pipe.closed is not None
    assert reader.messages_behind == 0


async def test_room_waits_until_all_was_handed_over() -> None:
    pipe = Pipe(1)
    reader, _ = reader_on(pipe)
    reader.send(b"1")
    await asyncio.wait_for(reader.room(), 1)
    reader.send(b"2")
    waiting = asyncio.create_task(reader.room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    pipe.drain()
    await asyncio.wait_for(waiting, 1)

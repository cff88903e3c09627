"""Handing messages out: who gets what, when, and encoded once."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.floor.ports import MarketMessage, PrivateMessage, StreamBatch
from papertape.server.stream import hub as hub_module
from papertape.server.stream.hub import Hub
from papertape.server.stream.reader import Reader


class Listener:
    """A reader whose connection takes everything, and what it took."""

    is_writable = True
    unsent_bytes = 0

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.on_writable = lambda: None
        self.reader = Reader(self, lambda: None)

    def write(self, frames: bytes) -> None:
        self.frames.append(frames)

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("nobody is slow here")

    @property
    def data(self) -> list:
        """The data of each message, which is a bare number in these tests."""
        return [json.loads(frame[frame.index(b"{") :])["data"] for frame in self.frames]


def private(seq: int, prev: int | None, account="a", channel="orders", world="main"):
    return PrivateMessage(seq, prev, world, account, channel, "order", str(seq).encode())


def market(number: int, channel="quotes:A", kind="quote", world="main") -> MarketMessage:
    return MarketMessage(world, channel, kind, str(number).encode())


@pytest.fixture
def hub() -> Hub:
    return Hub("main")


def live(hub: Hub, account="a", channel="orders") -> Listener:
    listener = Listener()
    hub.join_private(listener.reader, account, channel).release(0)
    return listener


def test_private_messages_go_to_those_who_asked_for_them(hub) -> None:
    first, second = live(hub), live(hub)
    fills, stranger = live(hub, channel="fills"), live(hub, account="b")
    hub.take(StreamBatch([private(1, None), private(2, 1), private(3, None, world="other")]))
    assert first.data == second.data == [1, 2]
    assert fills.data == stranger.data == []
    assert first.frames[0] is second.frames[0], "encoded once for all"


def test_who_left_gets_nothing(hub) -> None:
    listener = live(hub)
    hub.leave_private(listener.reader, "a", "orders")
    hub.leave_private(listener.reader, "a", "orders")
    hub.take(StreamBatch([private(1, None)]))
    assert listener.data == []


def test_what_comes_before_the_start_is_held_and_cut_at_the_start(hub) -> None:
    listener = Listener()
    subscription = hub.join_private(listener.reader, "a", "orders")
    hub.take(StreamBatch([private(1, None), private(2, 1), private(3, 2)]))
    assert listener.data == []
    subscription.release(2)
    hub.take(StreamBatch([private(4, 3)]))
    assert listener.data == [3, 4]


def test_a_gap_holds_everybody_and_says_so(hub) -> None:
    listener, told = live(hub), []

    def on_gap() -> None:
        told.append(True)

    hub.listen_for_gaps(on_gap)
    hub.take(StreamBatch([private(1, None)]))
    hub.take(StreamBatch([private(5, 4)], gap=True))
    assert (listener.data, told) == ([1], [True])
    assert hub.missed("a", "orders", 1) is None
    assert len(hub.missed("a", "orders", 4)) == 1
    hub.stop_listening(on_gap)
    hub.take(StreamBatch(gap=True))
    assert told == [True]


async def test_market_messages_wait_for_a_tick_in_which_the_newest_wins(hub) -> None:
    listener = Listener()
    hub.join_market(listener.reader, "quotes:A")
    hub.take(StreamBatch(market=[market(1), market(2), market(9, "quotes:B")]))
    hub.take(StreamBatch(market=[market(3), market(8, world="other")]))
    assert listener.data == []
    await asyncio.sleep(hub_module.TICK_S * 2)
    assert listener.data == [3]
    hub.take(StreamBatch(market=[market(4)]))
    hub.leave_market(listener.reader, "quotes:A")
    await asyncio.sleep(hub_module.TICK_S * 2)
    assert listener.data == [3]
    assert (hub.newest("quotes:A"), hub.newest("quotes:B")) == (b"4", b"9")


async def test_no_print_of_a_tick_is_lost(hub) -> None:
    listener = Listener()
    hub.join_market(listener.reader, "trades:A")
    hub.take(StreamBatch(market=[market(n, "trades:A", "trade") for n in range(100)]))
    hub.send_due()
    assert listener.data == list(range(100))
    assert hub.recent_prints("trades:A") == [str(n).encode() for n in range(50, 100)]


async def test_after_a_gap_old_quotes_are_not_shown(hub) -> None:
    hub.take(StreamBatch(market=[market(1)]))
    hub.take(StreamBatch(gap=True))
    assert hub.newest("quotes:A") is None
    listener = Listener()
    hub.offer_newest(listener.reader, "quotes:A")
    assert listener.data == []


async def test_a_stream_that_ends_or_fails_is_taken_up_again_with_a_gap(hub, monkeypatch) -> None:
    monkeypatch.setattr(hub_module, "RECONNECT_S", 0.001)
    listener, taken, gaps = live(hub), [], []
    hub.listen_for_gaps(lambda: gaps.append(len(taken)))

    four_times = asyncio.Event()

    async def streams() -> AsyncIterator[StreamBatch]:
        taken.append(True)
        if len(taken) == 4:
            four_times.set()
        yield StreamBatch([private(len(taken), None)])
        if len(taken) == 1:
            raise ConnectionError("gone")

    running = asyncio.create_task(hub.run(streams))
    await asyncio.wait_for(four_times.wait(), 5)
    running.cancel()
    assert gaps[:3] == [1, 2, 3]
    assert listener.data == [1]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60))
def test_whatever_the_pauses_ordered_frames_come_all_and_conflated_ones_end_newest(steps) -> None:
    """Against a naive twin: two lists, no queue."""
    pipe = Listener()
    sent: list[str] = []
    newest: dict[str, str] = {}
    for number, (channel, writable) in enumerate(steps):
        pipe.is_writable = writable
        if writable:
            pipe.on_writable()
        text = f"{channel}{number};"
        if channel == "a":
            pipe.reader.send(text.encode())
            sent.append(text)
        else:
            pipe.reader.offer(channel, text.encode())
            newest[channel] = text
    pipe.is_writable = True
    pipe.on_writable()
    got = [part + ";" for part in b"".join(pipe.frames).decode().split(";")[:-1]]
    assert [text for text in got if text.startswith("a")] == sent
    for channel, text in newest.items():
        assert [one for one in got if one.startswith(channel)][-1] == text
    assert len(got) == len(set(got))

"""What connections wait with: as asyncio's own, for one reader."""

import asyncio

import pytest

from papertape.server.stream.waiting import Gate, Inbox


async def test_an_inbox_gives_what_was_put_in_its_order_and_waits_for_more() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put_nowait(1)
    inbox.put_nowait(2)
    assert [await inbox.get(), await inbox.get(), inbox.empty()] == [1, 2, True]
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put_nowait(3)
    inbox.put_nowait(4)
    assert [await waiting, inbox.empty(), await inbox.get()] == [3, False, 4]


async def test_a_reader_that_gives_up_loses_nothing() -> None:
    inbox: Inbox[int] = Inbox()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(1)  # arrives, and the reader ends before it could take it
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await inbox.get() == 1


async def test_a_second_reader_is_told_that_there_is_one() -> None:
    inbox: Inbox[int] = Inbox()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one reader"):
        await inbox.get()
    inbox.put_nowait(1)
    assert await waiting == 1


async def test_a_gate_is_open_until_it_is_shut_and_then_lets_all_through_at_once() -> None:
    gate = Gate()
    await gate.wait()
    gate.clear()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not gate.is_set()
    assert not any(task.done() for task in waiting)
    gate.set()
    gate.clear()  # as with an event, who waited is through all the same
    await asyncio.gather(*waiting)
    assert not gate.is_set()

import asyncio

from papertape.floor.fan_out import WAITING_MAX, FanOut
from papertape.floor.ports import MarketMessage, StreamBatch


def batch(number: int) -> StreamBatch:
    return StreamBatch([], [MarketMessage("main", "trades:ACME", "trade", b"%d" % number)])


async def test_all_listeners_get_every_batch_in_order() -> None:
    fan_out = FanOut()
    first, second = fan_out.listen(), fan_out.listen()
    for number in range(3):
        fan_out.tell(batch(number))
    for stream in (first, second):
        assert [await anext(stream) for _ in range(3)] == [batch(number) for number in range(3)]


async def test_a_batch_that_says_nothing_is_not_told() -> None:
    fan_out = FanOut()
    stream = fan_out.listen()
    fan_out.tell(StreamBatch())
    fan_out.tell(StreamBatch(gap=True))
    assert await anext(stream) == StreamBatch(gap=True)


async def test_a_listener_that_does_not_listen_loses_batches_and_is_told_so() -> None:
    fan_out = FanOut()
    slow, quick = fan_out.listen(), fan_out.listen()
    for number in range(WAITING_MAX + 3):
        fan_out.tell(batch(number))
        assert (await anext(quick)) == batch(number)
    for number in range(WAITING_MAX):
        assert (await anext(slow)) == batch(number)
    fan_out.tell(batch(0))
    assert (await anext(slow)).gap


async def test_closing_ends_every_listener() -> None:
    fan_out = FanOut()
    heard: list[StreamBatch] = []

    async def listen() -> None:
        heard.extend([told async for told in stream])

    stream = fan_out.listen()
    task = asyncio.create_task(listen())
    fan_out.tell(batch(1))
    await asyncio.sleep(0)
    fan_out.close()
    await asyncio.wait_for(task, 1)
    assert heard == [batch(1)]

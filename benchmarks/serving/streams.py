"""Stream clients: how many messages reach how many of them, how late; what an idle one costs."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from serving.product import Product, Trader, processor_seconds, product, resident_mb

CLIENTS = 1_000
IDLE_CLIENTS = 5_000
SECONDS = 10.0
AT_ONCE = 100
SYMBOLS = 5


def run() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`."""
    with product() as running:
        trader = running.traders(1)[0]
        rows = uvloop.run(_fan_out(running, trader))
        return [*rows, *uvloop.run(_idle(running, trader))]


@dataclass
class _Seen:
    messages: int = 0
    late_ms: list[float] = field(default_factory=list)


async def _fan_out(running: Product, trader: Trader) -> list[dict[str, Any]]:
    seen = _Seen()
    listed = running.call("/api/v1/instruments", token=trader.token)["items"][:SYMBOLS]
    channels = [f"{kind}:{one['symbol']}" for one in listed for kind in ("quotes", "book")]
    sockets = await _connected(running, trader, CLIENTS, channels)
    server = running.role("server")
    used, started = processor_seconds(server), time.perf_counter()
    readers = [
        asyncio.create_task(_read(socket, seen, number == 0))
        for number, socket in enumerate(sockets)
    ]
    await asyncio.sleep(SECONDS)
    seconds = time.perf_counter() - started
    used = processor_seconds(server) - used
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await asyncio.gather(*(socket.close() for socket in sockets))
    late = sorted(seen.late_ms)
    return [
        _row(f"stream deliveries to {CLIENTS:,} clients", seen.messages / seconds, "messages/s"),
        _row("p99 from the quote's own time to its reader", late[int(len(late) * 0.99)], "ms"),
        _row("processor of the server meanwhile", used / seconds * 100, "%"),
    ]


async def _read(socket: ClientConnection, seen: _Seen, timed: bool) -> None:
    """Count messages; one reader decodes them, the others stay cheap."""
    async for message in socket:
        seen.messages += 1
        if timed:
            told = json.loads(message)
            at = told["data"].get("time") if told["type"] == "quote" else None
            if at:
                then = datetime.fromisoformat(at[:26] + "+00:00").timestamp()
                seen.late_ms.append((time.time() - then) * 1e3)


async def _idle(running: Product, trader: Trader) -> list[dict[str, Any]]:
    server = running.role("server")
    before = resident_mb(server)
    sockets = await _connected(running, trader, IDLE_CLIENTS, [])
    cost = resident_mb(server) - before
    await asyncio.gather(*(socket.close() for socket in sockets))
    return [_row(f"{IDLE_CLIENTS:,} idle stream clients, above the baseline", cost, "MB")]


async def _connected(
    running: Product, trader: Trader, count: int, channels: list[str]
) -> list[ClientConnection]:
    async def one() -> ClientConnection:
        socket = await connect(
            f"ws://{running.host}:{running.port}/api/v1/stream", compression=None, max_queue=None
        )
        await socket.send(json.dumps({"action": "auth", "token": trader.token}))
        await socket.recv()
        if channels:
            await socket.send(json.dumps({"action": "subscribe", "channels": channels}))
        return socket

    made: list[ClientConnection] = []
    while len(made) < count:
        made += await asyncio.gather(*(one() for _ in range(min(AT_ONCE, count - len(made)))))
    return made


def _row(name: str, value: float, unit: str) -> dict[str, Any]:
    value = round(value, 1)
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "runs": [value],
        "median": value,
        "best": value,
    }

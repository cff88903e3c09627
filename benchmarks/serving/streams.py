"""Stream clients: how many messages reach how many of them, how late; what an idle one costs."""

import asyncio
import base64
import json
import os
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
_TEXT = 1
"""The kind of frame that carries a message."""


def run() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`."""
    with product() as running:
        rows = uvloop.run(_fan_out(running, running.traders(1)[0]))
    with product() as running:  # anew: what a thousand busy clients left would hide the cost
        return [*rows, *uvloop.run(_idle(running, running.traders(1)[0]))]


@dataclass
class _Seen:
    messages: int = 0
    late_ms: list[float] = field(default_factory=list)


async def _fan_out(running: Product, trader: Trader) -> list[dict[str, Any]]:
    seen = _Seen()
    listed = running.call("/api/v1/instruments", token=trader.token)["items"][:SYMBOLS]
    channels = [f"{kind}:{one['symbol']}" for one in listed for kind in ("quotes", "book")]
    readers = await _reading(running, trader, channels, seen)
    server = running.role("server")
    own, used, started = time.process_time(), processor_seconds(server), time.perf_counter()
    before = seen.messages
    await asyncio.sleep(SECONDS)
    seconds = time.perf_counter() - started
    used = processor_seconds(server) - used
    own, told = time.process_time() - own, seen.messages - before
    for reader in readers:
        reader.close()
    late = sorted(seen.late_ms)
    return [
        _row(f"stream deliveries to {CLIENTS:,} clients", told / seconds, "messages/s"),
        _row("p99 from the quote's own time to its reader", late[int(len(late) * 0.99)], "ms"),
        _row("processor of the server meanwhile", used / seconds * 100, "%"),
        _row("processor of the server for a delivery", used / max(told, 1) * 1e6, "us"),
        _row("processor of the readers meanwhile", own / seconds * 100, "%"),
    ]


class _Reader(asyncio.Protocol):
    """Counts the frames of one stream by their lengths; only the timed one looks into them.

    A thousand clients of a WebSocket library in one process keep it busy long before the server
    is, so they would measure themselves.
    """

    def __init__(self, say: list[bytes], seen: _Seen, *, is_timed: bool) -> None:
        self._say = say
        self._seen = seen
        self._is_timed = is_timed
        self._read = b""
        self._is_open = False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /api/v1/stream HTTP/1.1\r\nHost: papertape\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._read = read = self._read + data if self._read else data
        if not self._is_open:
            head, found, read = read.partition(b"\r\n\r\n")
            if not found:
                return
            self._open(head)
        place = self._frames(read)
        self._read = read[place:]

    def _open(self, head: bytes) -> None:
        if b" 101 " not in head:
            self.ready.set_exception(RuntimeError(f"no stream: {head!r}"))
        self._is_open = True
        for message in self._say:
            self._transport.write(_masked(message))
        self.ready.set_result(None)

    def _frames(self, read: bytes) -> int:
        """Count the whole frames; where the first broken one begins."""
        place, size, counted = 0, len(read), 0
        while size - place >= 2:
            length, body = read[place + 1], place + 2
            if length == 126:
                length, body = int.from_bytes(read[body : body + 2], "big"), body + 2
            elif length == 127:
                length, body = int.from_bytes(read[body : body + 8], "big"), body + 8
            if body + length > size:
                break
            counted += 1
            if self._is_timed:
                self._look(read[place], read[body : body + length])
            place = body + length
        self._seen.messages += counted
        return place

    def _look(self, kind: int, message: bytes) -> None:
        if kind & 0x0F != _TEXT:
            return
        told = json.loads(message)
        at = told["data"].get("time") if told["type"] == "quote" else None
        if at:
            then = datetime.fromisoformat(at[:26] + "+00:00").timestamp()
            self._seen.late_ms.append((time.time() - then) * 1e3)

    def close(self) -> None:
        self._transport.abort()


def _masked(message: bytes) -> bytes:
    """A text frame of a client; a mask of zeros leaves the message as it is."""
    size = len(message)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
    return bytes([0x80 | _TEXT]) + length + bytes(4) + message


async def _reading(
    running: Product, trader: Trader, channels: list[str], seen: _Seen
) -> list[_Reader]:
    """As many readers as there are clients, all subscribed; the first one is timed."""
    loop = asyncio.get_running_loop()
    say = [
        json.dumps({"action": "auth", "token": trader.token}).encode(),
        json.dumps({"action": "subscribe", "channels": channels}).encode(),
    ]
    made: list[_Reader] = []
    for number in range(CLIENTS):
        _, reader = await loop.create_connection(
            lambda is_timed=number == 0: _Reader(say, seen, is_timed=is_timed),
            running.host,
            running.port,
        )
        made.append(reader)
        await reader.ready
    return made


async def _idle(running: Product, trader: Trader) -> list[dict[str, Any]]:
    server = running.role("server")
    before = resident_mb(server)
    sockets = await _connected(running, trader, IDLE_CLIENTS)
    cost = resident_mb(server) - before
    await asyncio.gather(*(socket.close() for socket in sockets))
    return [_row(f"{IDLE_CLIENTS:,} idle stream clients, above the baseline", cost, "MB")]


async def _connected(running: Product, trader: Trader, count: int) -> list[ClientConnection]:
    async def one() -> ClientConnection:
        socket = await connect(
            f"ws://{running.host}:{running.port}/api/v1/stream", compression=None, max_queue=None
        )
        await socket.send(json.dumps({"action": "auth", "token": trader.token}))
        await socket.recv()
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

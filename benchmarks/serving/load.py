"""Load over HTTP/1.1 connections that stay open, as cheap as Python can make it.

Open loop: requests are due at constant intervals, whether or not earlier ones were answered, and a
latency counts from the moment its request was due; so a server that stalls is charged for all who
waited (Tene, "How NOT to measure latency"). Closed loop: each client sends its next request when
the last one was answered, which gives the rate at saturation.
"""

import asyncio
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop

TICK_S = 0.001


@dataclass
class Measured:
    """What a load saw; latencies in seconds, sorted."""

    seconds: float
    latencies: list[float]
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the answers stayed within."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1e3


class _Connection(asyncio.Protocol):
    """One request at a time; tells when it was answered."""

    def __init__(self, answered: "Callable[[_Connection, int], None]") -> None:
        self._answered = answered
        self._read = b""
        self._missing = 0
        self._status = 0
        self.due = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._read += data
            head, found, body = self._read.partition(b"\r\n\r\n")
            if not found:
                return
            self._read = b""
            self._status = int(head[9:12])
            place = head.find(b"content-length:")
            length = int(head[place + 15 : head.index(b"\r\n", place)]) if place > 0 else 0
            self._missing = length - len(body)
        if self._missing <= 0:
            self._missing = 0
            self._answered(self, self._status)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            raise RuntimeError(f"a connection of the load was lost: {error!r}")


Requests = Iterator[bytes]


def open_loop(
    host: str, port: int, requests: Requests, *, rate: float, seconds: float, connections: int
) -> Measured:
    """Send `rate` requests a second for a while, and wait for all answers."""
    return uvloop.run(_open_loop(host, port, requests, rate, seconds, connections))


async def _open_loop(
    host: str, port: int, requests: Requests, rate: float, seconds: float, connections: int
) -> Measured:
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    idle: deque[_Connection] = deque()
    waiting: deque[float] = deque()

    all_answered = asyncio.Event()
    total = int(rate * seconds)

    def answered(connection: _Connection, status: int) -> None:
        latencies.append(time.perf_counter() - connection.due)
        statuses[status] += 1
        if len(latencies) == total:
            all_answered.set()
        if waiting:
            connection.send(next(requests), waiting.popleft())
        else:
            idle.append(connection)

    idle.extend(await _connect(host, port, connections, answered))
    started = time.perf_counter()
    sent = 0
    while sent < total:
        due_now = min(total, int((time.perf_counter() - started) * rate) + 1)
        for number in range(sent, due_now):
            due = started + number / rate
            if idle:
                idle.popleft().send(next(requests), due)
            else:
                waiting.append(due)
        sent = due_now
        await asyncio.sleep(TICK_S)
    await all_answered.wait()
    taken = time.perf_counter() - started
    for connection in idle:
        connection.transport.close()
    return Measured(taken, sorted(latencies), statuses)


def closed_loop(
    host: str, port: int, requests: Requests, *, seconds: float, connections: int
) -> Measured:
    """Every connection sends its next request when the last one was answered."""
    return uvloop.run(_closed_loop(host, port, requests, seconds, connections))


async def _closed_loop(
    host: str, port: int, requests: Requests, seconds: float, connections: int
) -> Measured:
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    done = asyncio.Event()
    working = connections

    def answered(connection: _Connection, status: int) -> None:
        nonlocal working
        now = time.perf_counter()
        latencies.append(now - connection.due)
        statuses[status] += 1
        if now < until:
            connection.send(next(requests), now)
            return
        working -= 1
        if not working:
            done.set()

    made = await _connect(host, port, connections, answered)
    started = time.perf_counter()
    until = started + seconds
    for connection in made:
        connection.send(next(requests), time.perf_counter())
    await done.wait()
    taken = time.perf_counter() - started
    for connection in made:
        connection.transport.close()
    return Measured(taken, sorted(latencies), statuses)


async def _connect(
    host: str, port: int, count: int, answered: Callable[[_Connection, int], None]
) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(count):
        _, connection = await loop.create_connection(lambda: _Connection(answered), host, port)
        made.append(connection)
    return made


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: papertape\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def market_orders(traders: list[tuple[str, str]], symbol: str = "AAPL") -> Requests:
    """Market orders for one share, of one (token, account) after the other, bought then sold."""
    sides = [
        [_market_order(token, account, symbol, side) for token, account in traders]
        for side in ("buy", "sell")
    ]
    return itertools.cycle([*sides[0], *sides[1]])


def _market_order(token: str, account: str, symbol: str, side: str) -> bytes:
    body = {"account_id": account, "symbol": symbol, "side": side, "type": "market", "qty": "1"}
    return request("POST", "/api/v1/orders", token, json.dumps(body).encode())

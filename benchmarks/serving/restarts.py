"""Starts: on existing data, and on a history of a million orders; and what comes first then.

The history is written by the floor of a real product, through its link, for accounts that users
opened over HTTP; each account has as many orders. Seconds are until the product says that it is
ready and `/readyz` agrees; a start after SIGKILL finds the log and the tail as they lay.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from websockets.sync.client import ClientConnection, connect

from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from serving.product import Product, Trader, processor_seconds, product

ORDERS = int(os.environ.get("BENCH_ORDERS", "1000000"))
USERS = 10
IN_FLIGHT = 200
RUNS = 3
SNAPSHOT_SECONDS_MAX = 600.0
WORLDS = 20
PRIVATE = ["orders", "fills", "account", "positions"]


def run() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`."""
    with TemporaryDirectory() as folder:
        with product(folder) as running:
            traders = running.traders(USERS)
            running.own_some(traders)
        small = [_start(folder) for _ in range(RUNS)]
        with product(folder):
            uvloop.run(_write_history(Path(folder), _orders(traders, ORDERS, "history")))
            _wait_for_snapshot(Path(folder))
        starts = [_start(folder) for _ in range(RUNS)]
        _kill_under_load(folder, traders)
        killed = [_start(folder)]
        first, second = _first_messages(folder, traders)
    history = f"{ORDERS:,} orders in history"
    return [
        *_start_rows("papertape up on existing data", small),
        *_start_rows(f"papertape up, {history}", starts),
        *_start_rows(f"papertape up after SIGKILL, {history}", killed),
        _row(f"first private message of an account after it, {history}", first, "ms"),
        _row("its second one", second, "ms"),
        *_idle_worlds(),
    ]


def _start(folder: str) -> tuple[float, float]:
    """Seconds until it is ready, and of processor time of all its processes until then."""
    started = time.perf_counter()
    with product(folder) as running:
        running.call("/readyz")
        used = sum(map(processor_seconds, _processes(running)))
        return time.perf_counter() - started, used


def _processes(running: Product) -> list[int]:
    children = Path(f"/proc/{running.process}/task/{running.process}/children").read_text()
    return [running.process, *map(int, children.split())]


def _start_rows(name: str, starts: list[tuple[float, float]]) -> list[dict[str, Any]]:
    return [
        _row(name, [ready for ready, _ in starts], "s"),
        _row(f"{name}: of processor time", [used for _, used in starts], "s"),
    ]


# --- a long history ------------------------------------------------------------------------------


async def _write_history(folder: Path, orders: Iterator[bytes]) -> None:
    async with FloorClient(LinkAddresses.in_folder(folder)) as floor:
        await floor.connected()
        await asyncio.gather(*(_caller(floor, orders) for _ in range(IN_FLIGHT)))


async def _caller(floor: FloorClient, orders: Iterator[bytes]) -> None:
    for order in orders:
        reply = await floor.ask("main", order)
        if reply.outcome not in {"created", "existing"}:
            raise RuntimeError(f"{reply.outcome}: {reply.body!r}")


def _orders(traders: list[Trader], count: int, name: str) -> Iterator[bytes]:
    """Market orders for one share: bought and sold in turn by each account."""
    for number in range(count):
        yield json.dumps(
            {
                "kind": "submit",
                "account_id": traders[number % len(traders)].account_id,
                "symbol": "AAPL",
                "side": "sell" if number // len(traders) % 2 else "buy",
                "type": "market",
                "qty": "1",
                "client_order_id": f"{name}-{number}",
            }
        ).encode()


def _wait_for_snapshot(folder: Path) -> None:
    """Until the follower has caught up with the history, as it has a minute later in real life."""
    until = time.monotonic() + SNAPSHOT_SECONDS_MAX
    while not any(_turn(path) >= ORDERS for path in (folder / "snapshots").glob("main-*")):
        if time.monotonic() > until:
            raise RuntimeError("no snapshot was taken behind the history")
        time.sleep(1)


def _turn(snapshot: Path) -> int:
    return int(snapshot.stem.rpartition("-")[2])


def _kill_under_load(folder: str, traders: list[Trader]) -> None:
    with product(folder) as running:
        uvloop.run(_write_history(Path(folder), _orders(traders, ORDERS // 50, "tail")))
        for process in _processes(running):
            os.kill(process, signal.SIGKILL)


# --- the first messages --------------------------------------------------------------------------


def _first_messages(folder: str, traders: list[Trader]) -> tuple[list[float], list[float]]:
    """Milliseconds from an order's sending to its fill on the stream, for each account twice."""
    with product(folder) as running:
        _told_after(running, traders[0])  # who measures makes its own connections first
        taken = [_told_after(running, trader) for trader in traders[1:]]
    return [first for first, _ in taken], [second for _, second in taken]


def _told_after(running: Product, trader: Trader) -> tuple[float, float]:
    with connect(f"ws://{running.host}:{running.port}/api/v1/stream", compression=None) as socket:
        socket.send(json.dumps({"action": "auth", "token": trader.token}))
        socket.recv()
        socket.send(json.dumps({"action": "subscribe", "channels": PRIVATE}))
        seen = 0
        while seen < len(PRIVATE):
            seen += json.loads(socket.recv())["type"] == "snapshot"
        return _filled(running, trader, socket), _filled(running, trader, socket)


def _filled(running: Product, trader: Trader, socket: ClientConnection) -> float:
    order = {"symbol": "AAPL", "side": "buy", "type": "market", "qty": "1"}
    started = time.perf_counter()
    running.call("/api/v1/orders", {"account_id": trader.account_id} | order, trader.token)
    while True:
        message = json.loads(socket.recv(30))
        if (message["channel"], message["type"]) == ("fills", "fill"):
            return (time.perf_counter() - started) * 1e3


# --- an idle world -------------------------------------------------------------------------------


def _idle_worlds() -> list[dict[str, Any]]:
    """What it takes to load a world that has nothing but instruments, in a process of its own."""
    with TemporaryDirectory() as folder:
        with product(folder):
            pass
        command = [sys.executable, "-m", "serving.idle_worlds", folder, str(WORLDS)]
        ran = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
    told = json.loads(ran.stdout)
    return [
        _row("an idle world loaded again", told["ms"], "ms"),
        _row("memory of an idle world", [told["mb"]], "MB"),
    ]


def _row(name: str, runs: list[float], unit: str) -> dict[str, Any]:
    median = round(statistics.median(runs), 2)
    return {
        "name": name,
        "value": median,
        "unit": unit,
        "runs": [round(value, 2) for value in runs],
        "median": median,
        "best": round(min(runs), 2),
    }

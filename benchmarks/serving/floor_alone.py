"""The floor alone: orders through its link, without a server between."""

import asyncio
import json
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from papertape.floor.link.client import FloorClient
from papertape.floor.link.frames import LinkAddresses
from serving.product import product

ACCOUNTS = 64
IN_FLIGHT = 200
SECONDS = 5.0
RUNS = 3


def run() -> list[dict[str, Any]]:
    """Orders a second that the floor commits for callers who each wait for their answer."""
    with TemporaryDirectory() as folder, product(folder):
        rates = uvloop.run(_measure(Path(folder)))
    median = round(statistics.median(rates))
    return [
        {
            "name": f"floor alone, orders through the link, {IN_FLIGHT} in flight",
            "value": median,
            "unit": "orders/s",
            "runs": [round(rate) for rate in rates],
            "median": median,
            "best": round(max(rates)),
        }
    ]


async def _measure(folder: Path) -> list[float]:
    async with FloorClient(LinkAddresses.in_folder(folder)) as floor:
        await floor.connected()
        for number in range(ACCOUNTS):
            await _ask(
                floor,
                kind="open_account",
                account_id=_account(number),
                owner=_account(number),
                account_kind="cash",
                currency="USD",
                starting_cash="100000",
                request_id="open",
            )
        return [await _rate(floor, run) for run in range(RUNS)]


async def _rate(floor: FloorClient, run: int) -> float:
    started = time.perf_counter()
    until = started + SECONDS
    counts = await asyncio.gather(
        *(_caller(floor, f"{run}-{number}", number, until) for number in range(IN_FLIGHT))
    )
    return sum(counts) / (time.perf_counter() - started)


async def _caller(floor: FloorClient, name: str, number: int, until: float) -> int:
    sent = 0
    while time.perf_counter() < until:
        await _ask(
            floor,
            kind="submit",
            account_id=_account(number % ACCOUNTS),
            symbol="AAPL",
            side="sell" if sent % 2 else "buy",
            type="market",
            qty="1",
            client_order_id=f"{name}-{sent}",
        )
        sent += 1
    return sent


async def _ask(floor: FloorClient, **command: str) -> None:
    reply = await floor.ask("main", json.dumps(command).encode())
    if reply.outcome not in {"created", "existing"}:
        raise RuntimeError(f"{reply.outcome}: {reply.body!r}")


def _account(number: int) -> str:
    return f"{number:08x}-0000-5000-8000-000000000000"

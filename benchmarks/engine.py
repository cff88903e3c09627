"""The engine alone: operations a second on the flow that the peers were measured with, and more.

Every work runs in Rust without Python in between, but for `one command a call`. The flows must
report exactly the totals that every correct price-time book reports, and events that rebuild a
state must lead to its very hash.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import data
import numpy as np
from numpy.typing import NDArray

from papertape.engine import DirectWorld, _engine

RUNS = 3
CHURN_ORDERS, CHURN_OPEN = 10_000_000, 100_000
RESTING = (1_000, 10_000, 100_000, 1_000_000)
HOLDERS = (1, 1_000, 100_000)
FEED = 2_000_000

Work = Callable[[NDArray[np.int64]], tuple[float, int, int, int]]
"""Runs a flow; returns seconds, trades, volume and resting orders."""


def run(count: int = 1_000_000) -> list[dict[str, Any]]:
    """One row for each work and flow."""
    rows = []
    for deep in (False, True):
        operations, expected = data.flow(count, deep=deep)
        if not deep and count == data.SHALLOW_MILLION.ops:
            assert expected == data.SHALLOW_MILLION, "the generator has changed"
        shape = "deep" if deep else "shallow"
        works = {"book": _engine.bench_book, "world": _engine.bench_world}
        for name, work in works.items():
            measured = _measure(work, operations, expected)
            rows.append(rate(f"{name}, {shape}", [count / taken for taken in measured]))
        rows += _latency(operations, shape)
        rows.append(_evolve(operations, shape))
    operations, expected = data.flow(count)
    rows.append(rate("one command a call from Python", _one_by_one(operations, expected)))
    return rows + _flat() + _memory()


def _measure(work: Work, operations: NDArray[np.int64], expected: data.FlowTotals) -> list[float]:
    """Seconds of each run; every run must have the expected totals."""
    seconds = []
    for _ in range(RUNS):
        taken, trades, volume, live = work(operations)
        totals = (trades, volume, live)
        assert totals == (expected.trades, expected.volume, expected.live), totals
        seconds.append(taken)
    return seconds


def _latency(operations: NDArray[np.int64], shape: str) -> list[dict[str, Any]]:
    runs = [_engine.bench_latency(operations) for _ in range(RUNS)]
    names = ("p50", "p99", "p99.9")
    return [
        value(f"one apply, {shape}, {name}", [float(run[at]) for run in runs], "ns")
        for at, name in enumerate(names)
    ]


def _evolve(operations: NDArray[np.int64], shape: str) -> dict[str, Any]:
    runs = [_engine.bench_evolve(operations) for _ in range(RUNS)]
    return rate(f"evolve, {shape}", [events / taken for taken, events in runs], "events/s")


OPENING: tuple[dict[str, Any], ...] = (
    {"kind": "create_world", "world": "bench", "seed": 0, "sharing": "shared"},
    {
        "kind": "list_exchange",
        "exchange": "XBEN",
        "name": "Bench",
        "currency": "USD",
        "calendar": "24/7",
        "fees": {
            "maker_rate": "0.001",
            "taker_rate": "0.002",
            "per_share": "0.005",
            "minimum": "0",
        },
        "profile": {
            "name": "realistic",
            "spread_ticks": 1,
            "participation": "0.1",
            "market_orders": "street",
        },
    },
    {
        "kind": "list_instrument",
        "symbol": "FLOW",
        "name": "Flow",
        "asset_class": "us_equity",
        "exchange": "XBEN",
        "sector": "",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "price_scale": 2,
        "qty_scale": 0,
        "source": "agents",
        "trigger": "last",
    },
)
ACCOUNTS = 64
SHARES = 10_000_000


def _one_by_one(operations: NDArray[np.int64], expected: data.FlowTotals) -> list[float]:
    """Send each operation with a call of its own; the events of each come back as objects."""
    rates = []
    for _ in range(RUNS):
        world, before = _stocked()
        rows = operations.tolist()
        submit, cancel = world.submit, world.cancel
        fills = number = 0
        started = time.perf_counter()
        for kind, order, side, price, qty in rows:
            if kind == data.CANCEL:
                cancel(order % ACCOUNTS, before + order)
                continue
            number += 1
            events = submit(number % ACCOUNTS, 0, side, qty, price if kind == data.ADD else None)
            if len(events) > 1:
                fills += sum(event.kind == "filled" for event in events)
        rates.append(len(rows) / (time.perf_counter() - started))
        assert fills == 2 * expected.trades, fills
    return rates


def _stocked() -> tuple[DirectWorld, int]:
    accounts = (
        {
            "kind": "open_account",
            "account_id": f"00000000-0000-4000-8000-{number:012}",
            "owner": "o",
            "account_kind": "cash",
            "currency": "USD",
            "starting_cash": "1000000000000",
            "request_id": "r",
        }
        for number in range(ACCOUNTS)
    )
    stock = {
        "kind": "agent_order",
        "symbol": "FLOW",
        "agent": 1,
        "id": 1,
        "side": "sell",
        "price": "1000.00",
        "qty": str(SHARES * ACCOUNTS),
    }
    opening = [json.dumps(command).encode() for command in (*OPENING, *accounts, stock)]
    world = DirectWorld("bench", opening)
    for account in range(ACCOUNTS):
        world.submit(account, 0, data.BUY, SHARES)
        assert world.position(account, 0) == SHARES
    return world, ACCOUNTS


def _flat() -> list[dict[str, Any]]:
    """What one operation costs with few and with many others; it should be the same."""
    rows = []
    for resting in RESTING:
        runs = [_engine.bench_resting(resting, 100_000) for _ in range(RUNS)]
        rows.append(value(f"send or cancel beside {resting:,} resting orders", runs, "ns"))
    for holders in HOLDERS:
        runs = [_engine.bench_holders(holders, 100_000) for _ in range(RUNS)]
        rows.append(value(f"quote of an instrument that {holders:,} hold", runs, "ns"))
    feeds = [FEED / _engine.bench_feed(20, FEED) for _ in range(RUNS)]
    rows.append(rate("feed of quotes and prints, 20 orders in the queue model", feeds, "inputs/s"))
    return rows


def _memory() -> list[dict[str, Any]]:
    """Memory over ten million orders of which 100,000 are open: it stays after the warm-up."""
    samples = _engine.bench_churn(CHURN_ORDERS, CHURN_OPEN)
    megabytes = [used / 2**20 for _, used, _ in samples]
    grown = megabytes[-1] - megabytes[len(megabytes) // 4]
    assert grown < 0.05 * megabytes[-1] + 8, f"memory grows: {megabytes}"
    speeds = [CHURN_ORDERS / len(samples) / seconds for *_, seconds in samples]
    return [
        value("memory after 10 M orders, 100,000 open", megabytes[-1:], "MB"),
        value("memory grown over the last 7.5 M of them", [grown], "MB"),
        rate("orders sent and canceled over 10 M orders", speeds, "orders/s"),
    ]


def rate(name: str, rates: list[float], unit: str = "operations/s") -> dict[str, Any]:
    """Give a row of rates; the best is the highest."""
    return {**value(name, rates, unit), "best": max(rates)}


def value(name: str, values: list[float], unit: str) -> dict[str, Any]:
    """Give a row of values; the best is the lowest."""
    median = statistics.median(values)
    row = {"name": name, "value": median, "unit": unit, "runs": values}
    return {**row, "median": median, "best": min(values)}

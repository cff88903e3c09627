"""Durable orders through HTTP: open loop, the highest rate within 40 ms, saturation, company.

Every order is a market order for one share, so each is matched, filled, on the tape and in the read
models before its reply leaves.
"""

import itertools
import os
import statistics
import time
from typing import Any

from serving.load import Measured, Requests, closed_loop, market_orders, open_loop, request
from serving.product import Trader, product

USERS = 64
CONNECTIONS = 1_000
SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
RUNS = 3
STEADY_RATE = 2_000
STEP = 500
STEP_SECONDS = 8.0
P99_MAX_MS = 40.0


def run() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`; a run of the steady load is `BENCH_SECONDS` long."""
    with product() as running:
        traders = running.traders(USERS)
        running.own_some(traders)
        orders = market_orders([(trader.token, trader.account_id) for trader in traders])
        place = (running.host, running.port)
        _checked(open_loop(*place, orders, rate=500, seconds=2, connections=CONNECTIONS))
        steady = [
            _checked(
                open_loop(
                    *place, orders, rate=STEADY_RATE, seconds=SECONDS, connections=CONNECTIONS
                )
            )
            for _ in range(RUNS)
        ]
        highest = _highest_rate(place, orders)
        full = [
            _checked(closed_loop(*place, orders, seconds=6, connections=CONNECTIONS))
            for _ in range(RUNS)
        ]
        mixed = _mixed(place, traders)
    load = f"{STEADY_RATE:,} orders/s over {CONNECTIONS:,} connections, open loop"
    return [
        *_percentiles(load, steady),
        _row("highest open-loop rate with p99 <= 40 ms", [highest], "orders/s"),
        _row(
            f"saturation, {CONNECTIONS:,} closed-loop clients",
            [measured.rate for measured in full],
            "orders/s",
        ),
        *_percentiles("100 users: 400 orders/s, 400 portfolio reads/s, 200 order lists/s", [mixed]),
    ]


def _mixed(place: tuple[str, int], traders: list[Trader]) -> Measured:
    """Orders between reads, as a class of users would make them."""
    orders = market_orders([(trader.token, trader.account_id) for trader in traders])
    reads = itertools.cycle(
        request("GET", path, trader.token)
        for trader in traders
        for path in (
            f"/api/v1/accounts/{trader.account_id}",
            f"/api/v1/accounts/{trader.account_id}/positions",
            "/api/v1/orders?status=all&limit=20",
        )
    )
    both = (
        next(one) for one in itertools.cycle((orders, reads, reads, orders, reads, reads, reads))
    )
    return _checked(open_loop(*place, both, rate=1_000, seconds=SECONDS, connections=100))


def _highest_rate(place: tuple[str, int], orders: Requests) -> float:
    """Raise the rate until the tail is too long; the last rate that was kept."""
    kept = 0.0
    for rate in itertools.count(STEADY_RATE, STEP):
        measured = open_loop(
            *place, orders, rate=rate, seconds=STEP_SECONDS, connections=CONNECTIONS
        )
        if measured.percentile_ms(0.99) > P99_MAX_MS:
            return kept
        kept = rate
        time.sleep(1)
    return kept


def _checked(measured: Measured) -> Measured:
    refused = {status: n for status, n in measured.statuses.items() if status not in {200, 201}}
    if refused:
        raise RuntimeError(f"not all requests were answered well: {refused}")
    return measured


def _percentiles(name: str, runs: list[Measured]) -> list[dict[str, Any]]:
    return [
        _row(f"{name}: p{share * 100:g}", [one.percentile_ms(share) for one in runs], "ms", min)
        for share in (0.5, 0.99)
    ]


def _row(name: str, values: list[float], unit: str, best: Any = max) -> dict[str, Any]:
    median = round(statistics.median(values), 1)
    return {
        "name": name,
        "value": median,
        "unit": unit,
        "runs": [round(value, 2) for value in values],
        "median": median,
        "best": round(best(values), 1),
    }

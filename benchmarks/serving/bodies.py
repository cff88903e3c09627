"""Durable orders on PostgreSQL beside the same on SQLite: runs in turn, in one run of the program.

`BENCH_DATABASE_URL` is the address of an empty database whose server writes as it does at work
(`fsync` on); without it there are no rows.
"""

import os
import statistics
from typing import Any

from serving.load import Requests, closed_loop, market_orders
from serving.product import Product, product

USERS = 64
CONNECTIONS = 200
SECONDS = 6.0
RUNS = 5


def run() -> list[dict[str, Any]]:
    """Rows for the table of `make bench`; the last one is the ratio, run by run."""
    url = os.environ.get("BENCH_DATABASE_URL")
    if not url:
        return []
    with product() as on_sqlite, product(database_url=url) as on_postgres:
        loads = [(running, _orders(running)) for running in (on_sqlite, on_postgres)]
        rates = [[_rate(*load) for load in loads] for _ in range(RUNS)]
    sqlite, postgres = zip(*rates, strict=True)
    load = f"saturation, {CONNECTIONS} closed-loop clients"
    return [
        _row(f"{load}, SQLite", [*sqlite], "orders/s"),
        _row(f"{load}, PostgreSQL", [*postgres], "orders/s"),
        _row("PostgreSQL to SQLite", [b / a for a, b in rates], "x"),
    ]


def _orders(running: Product) -> Requests:
    traders = running.traders(USERS)
    running.own_some(traders)
    return market_orders([(trader.token, trader.account_id) for trader in traders])


def _rate(running: Product, orders: Requests) -> float:
    measured = closed_loop(
        running.host, running.port, orders, seconds=SECONDS, connections=CONNECTIONS
    )
    refused = set(measured.statuses) - {200, 201}
    if refused:
        raise RuntimeError(f"not all orders were answered well: {measured.statuses}")
    return measured.rate


def _row(name: str, runs: list[float], unit: str) -> dict[str, Any]:
    median = round(statistics.median(runs), 2)
    return {
        "name": name,
        "value": median,
        "unit": unit,
        "runs": [round(value, 2) for value in runs],
        "median": median,
        "best": round(max(runs), 2),
    }

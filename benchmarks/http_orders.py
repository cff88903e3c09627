"""Durable orders a second through HTTP: a real product, real sockets, SQLite with synchronous=FULL.

Closed loop: each client sends its next order when the last one was answered, so the figure is the
saturation rate. The clients run in this process, beside the product, on the same processors.
Every order is a market order for one share, bought and sold in turn, so each is matched, filled,
written to the tape and to the read models before its reply leaves.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

USERS = 16
CLIENTS_PER_USER = 4
SECONDS = 6.0
RUNS = 3


@contextmanager
def product(data_dir: str):
    """Start `papertape up` on a free port; give its address; end it."""
    command = [str(Path(sys.executable).parent / "papertape"), "up", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--data-dir", data_dir],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PAPERTAPE_LOGIN_ATTEMPTS_PER_MINUTE": "0"},
    )
    try:
        for line in process.stdout:
            if "http://" in line:
                yield "http://" + line.split("http://")[1].split()[0].rstrip("/")
                return
        raise RuntimeError("the product ended before it was ready")
    finally:
        process.terminate()
        process.wait(20)


def call(address: str, path: str, body: dict | None = None, token: str = "") -> dict:
    request = urllib.request.Request(
        address + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def open_accounts(address: str) -> list[tuple[str, str]]:
    """Register the users of the load; (token, account id) of each."""
    made = []
    for number in range(USERS):
        login = {"username": f"load{number}", "password": "load-password"}
        call(address, "/api/v1/auth/register", login)
        token = call(address, "/api/v1/auth/login", login)["access_token"]
        made.append((token, call(address, "/api/v1/accounts", token=token)["items"][0]["id"]))
    return made


async def client(host: str, port: int, token: str, account: str, until: float) -> list[float]:
    """Send orders one after the other until the time is up; the latency of each in seconds."""
    reader, writer = await asyncio.open_connection(host, port)
    latencies = []
    side = "buy"
    while time.perf_counter() < until:
        body = json.dumps(
            {"account_id": account, "symbol": "AAPL", "side": side, "type": "market", "qty": "1"}
        )
        started = time.perf_counter()
        writer.write(
            f"POST /api/v1/orders HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        reply = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"{head.splitlines()[0]!r} {reply!r}")
        latencies.append(time.perf_counter() - started)
        side = "sell" if side == "buy" else "buy"
    writer.close()
    await writer.wait_closed()
    return latencies


async def load(address: str, accounts: list[tuple[str, str]]) -> tuple[float, list[float]]:
    host, port = address.removeprefix("http://").split(":")
    started = time.perf_counter()
    parts = await asyncio.gather(
        *(
            client(host, int(port), token, account, started + SECONDS)
            for token, account in accounts
            for _ in range(CLIENTS_PER_USER)
        )
    )
    seconds = time.perf_counter() - started
    latencies = sorted(latency for part in parts for latency in part)
    return len(latencies) / seconds, latencies


def run() -> list[dict]:
    """Measure; rows for the table of `make bench`."""
    rates, tails = [], []
    with tempfile.TemporaryDirectory() as data_dir, product(data_dir) as address:
        accounts = open_accounts(address)
        for _ in range(RUNS):
            rate, latencies = asyncio.run(load(address, accounts))
            rates.append(rate)
            tails.append(latencies[int(len(latencies) * 0.99)] * 1000)
    clients = USERS * CLIENTS_PER_USER
    return [
        {
            "name": f"durable orders through HTTP, {clients} closed-loop clients",
            "value": round(statistics.median(rates)),
            "unit": "orders/s",
            "runs": RUNS,
            "median": round(statistics.median(rates)),
            "best": round(max(rates)),
        },
        {
            "name": f"p99 latency of those orders, {clients} closed-loop clients",
            "value": round(statistics.median(tails), 1),
            "unit": "ms",
            "runs": RUNS,
            "median": round(statistics.median(tails), 1),
            "best": round(min(tails), 1),
        },
    ]


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))

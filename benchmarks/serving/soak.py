"""Half an hour of mixed work by 200 clients: memory must stay flat, and `verify` find nothing.

usage: python benchmarks/serving/soak.py [minutes]

Memory is taken each minute, of the floor and of the server; the first third is the warm-up. The
engine keeps the newest closed orders of an account, so there are so few accounts that each has had
as many orders before the warm-up ends. Growth beyond it is told in MB. The exit code is 1 when that
is more than a twentieth, when a request was not answered well or when `verify` finds something.
"""

import itertools
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving.load import market_orders, open_loop, request
from serving.product import Product, Trader, product, resident_mb

CLIENTS = 200
USERS_MAX = 50
RATE = 400
ORDERS_KEPT = 10_000
WARM_UP = 1 / 3
GROWTH_MAX = 0.05
MINUTES = 30.0


def main(minutes: float) -> int:
    """Run it; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        with product(folder) as running:
            traders = [_with_key(running, trader) for trader in running.traders(_users(minutes))]
            running.own_some(traders)
            memory, statuses = _work(running, traders, minutes)
        command = [str(Path(sys.executable).parent / "papertape"), "verify", "--data-dir", folder]
        verified = subprocess.run(command, check=False).returncode
    bad = {status: count for status, count in statuses.items() if status not in {200, 201, 204}}
    print(f"{sum(statuses.values())} requests, not answered well: {bad or 'none'}")
    flat = [_is_flat(role, samples) for role, samples in memory.items()]
    return 0 if all(flat) and not bad and verified == 0 else 1


def _users(minutes: float) -> int:
    """So many that each has sent more orders than are kept when the warm-up ends."""
    orders = RATE / 2 * minutes * 60 * WARM_UP
    return max(1, min(USERS_MAX, int(orders * 0.8 / ORDERS_KEPT)))


def _with_key(running: Product, trader: Trader) -> Trader:
    """The same user by an API key, which does not end after an hour as a login's token does."""
    asked = {"name": "soak", "scopes": ["read", "trade"]}
    key = running.call("/api/v1/keys", asked, trader.token)
    return Trader(f"{key['key_id']}:{key['secret']}", trader.account_id)


def _work(
    running: Product, traders: list[Trader], minutes: float
) -> tuple[dict[str, list[float]], dict[int, int]]:
    memory: dict[str, list[float]] = {"floor": [], "server": []}
    ended = threading.Event()

    def watch() -> None:
        pause_s = min(60.0, minutes * 60 / 12)
        while not ended.wait(pause_s):
            for role, samples in memory.items():
                samples.append(resident_mb(running.role(role)))
            print({role: round(samples[-1], 1) for role, samples in memory.items()}, flush=True)

    watching = threading.Thread(target=watch)
    watching.start()
    measured = open_loop(
        running.host,
        running.port,
        _mixed(traders),
        rate=RATE,
        seconds=minutes * 60,
        connections=CLIENTS,
    )
    ended.set()
    watching.join()
    print(f"p50 {measured.percentile_ms(0.5):.1f} ms, p99 {measured.percentile_ms(0.99):.1f} ms")
    return memory, dict(measured.statuses)


def _mixed(traders: list[Trader]):
    """Orders that fill, and reads of all kinds between them."""
    orders = market_orders([(trader.token, trader.account_id) for trader in traders])
    reads = itertools.cycle(
        request("GET", path, trader.token)
        for trader in traders
        for path in (
            f"/api/v1/accounts/{trader.account_id}",
            f"/api/v1/accounts/{trader.account_id}/positions",
            "/api/v1/orders?status=all&limit=20",
            "/api/v1/instruments",
            "/api/v1/risk/dashboard",
        )
    )
    return (next(one) for one in itertools.cycle((orders, reads)))


def _is_flat(role: str, samples: list[float]) -> bool:
    warm = samples[int(len(samples) * WARM_UP) :] or samples
    growth = warm[-1] - warm[0]
    print(f"{role}: {warm[0]:.1f} MB after the warm-up, {growth:+.1f} MB since")
    return growth <= warm[0] * GROWTH_MAX


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES))

"""Worlds to test with: one street-quoted stock, one cash account, and short ways to speak."""

import json
from collections.abc import Callable
from typing import Any

from papertape.engine import Outcome, World

SECOND_NS = 1_000_000_000
START_NS = 1_795_168_800 * SECOND_NS  # 2026-11-20 10:00 UTC
ALICE = "00000000-0000-4000-8000-00000000a11c"
BOB = "00000000-0000-4000-8000-000000000b0b"

FEES = {"maker_rate": "0.001", "taker_rate": "0.002", "per_share": "0", "minimum": "0"}
PROFILE = {
    "name": "realistic",
    "spread_ticks": 1,
    "participation": "0.1",
    "market_orders": "street",
}


def command(kind: str, **fields: object) -> bytes:
    """A command as JSON."""
    return json.dumps({"kind": kind, **fields}).encode()


def listing(world: str = "main") -> list[bytes]:
    """Commands that create a world with the stock ACME and open two accounts."""
    accounts = [
        command(
            "open_account",
            account_id=account,
            owner=account,
            account_kind="cash",
            currency="USD",
            starting_cash="100000.00",
            request_id=f"open-{account}",
        )
        for account in (ALICE, BOB)
    ]
    return [
        command("create_world", world=world, seed=42, sharing="shared"),
        command(
            "list_exchange",
            exchange="XTST",
            name="Test",
            currency="USD",
            calendar="24/7",
            fees=FEES,
            profile=PROFILE,
        ),
        command(
            "list_instrument",
            symbol="ACME",
            name="Acme Corporation",
            asset_class="us_equity",
            exchange="XTST",
            sector="Industrials",
            currency="USD",
            tick_size="0.01",
            lot_size="1",
            price_scale=6,
            qty_scale=6,
            source="street",
            trigger="bid_ask",
        ),
        *accounts,
    ]


def quote(bid: str = "9.99", ask: str = "10.01", size: str = "100") -> bytes:
    """A street quote for ACME."""
    return command("quote", symbol="ACME", bid=bid, ask=ask, bid_size=size, ask_size=size)


def order(client_order_id: str, **fields: object) -> bytes:
    """An order for ACME; by default Alice buys 10 at the market."""
    terms = {
        "account_id": ALICE,
        "symbol": "ACME",
        "side": "buy",
        "type": "market",
        "qty": "10",
        "time_in_force": "day",
        "client_order_id": client_order_id,
    }
    return command("submit", **(terms | fields))


class Driver:
    """A world and a clock that ticks one second with every batch."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now_ns = START_NS
        self.turns: list[tuple[int, int, int, str]] = []
        self.rows: dict[str, dict[Any, tuple[Any, ...]]] = {}

    def send(self, *commands: bytes) -> Outcome:
        """Apply commands at the next second and remember what came out."""
        self.now_ns += SECOND_NS
        return self.keep(self.world.apply([(self.now_ns, one) for one in commands]))

    def keep(self, outcome: Outcome) -> Outcome:
        """Remember turns and rows as tape and tables would."""
        self.turns += outcome.turns
        upsert(self.rows, outcome.rows)
        return outcome

    def reply(self, one: bytes) -> tuple[str, dict[str, Any]]:
        """The outcome and the body of one command."""
        reply = self.send(one).replies[0]
        assert reply is not None
        return reply[0], json.loads(reply[1])


KEYS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "accounts": lambda row: row[0],
    "positions": lambda row: row[:2],
    "orders": lambda row: row[0],
    "fills": lambda row: row[0],
    "ledger": lambda row: row[:3],
    "equity": lambda row: row[:2],
    "alerts": lambda row: row[:2],
    "checks": lambda row: row[:2],
}


def upsert(tables: dict[str, dict[Any, tuple[Any, ...]]], rows: object) -> None:
    """Write the rows of a batch into tables by their keys."""
    for name, key in KEYS.items():
        for row in getattr(rows, name):
            tables.setdefault(name, {})[key(row)] = row

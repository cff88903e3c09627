"""Rows of a small story for the storage suites: what the engine would hand over, by hand."""

from dataclasses import dataclass, field
from typing import Any

from papertape.domain.batch import Batch

ALICE = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
ORDER = "0f343b09-31a1-8001-8000-00000000000{}"
MINUTE_NS = 60_000_000_000


@dataclass
class SampleRows:
    accounts: list[tuple[Any, ...]] = field(default_factory=list)
    positions: list[tuple[Any, ...]] = field(default_factory=list)
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    equity: list[tuple[Any, ...]] = field(default_factory=list)
    alerts: list[tuple[Any, ...]] = field(default_factory=list)
    checks: list[tuple[Any, ...]] = field(default_factory=list)


def alert(seq: int, i: int = 1, account_id: str = ALICE, details: str = "") -> tuple[Any, ...]:
    told = ("margin_called", "hard", "margin", "900.00", "1000.00", None, None)
    return (seq, i, account_id, *told, details, seq * 1_000)


def check(
    seq: int, outcome: str = "passed", account_id: str = ALICE, kind: str = "new"
) -> tuple[Any, ...]:
    failed = outcome == "failed"
    why = ("order_size_limit", "101", "100") if failed else (None, None, None)
    mask = 0 if failed else 23
    return (seq, 1, ORDER.format(seq), account_id, outcome, 2, mask, *why, seq * 1_000, kind)


def turn(seq: int, body: str = '{"v":1,"kind":"submit","events":[]}') -> tuple[int, int, int, str]:
    return (seq, 1_700_000_000_000_000_000 + seq, seq * 2, body)


def account(seq: int, cash: str = "100000.00", account_id: str = ALICE) -> tuple[Any, ...]:
    amounts = (cash, "0.00", cash, cash, "0.00", "0.00")
    return (account_id, "owner-1", "cash", "USD", *amounts, "active", "", seq)


def order(
    number: int,
    seq: int,
    status: str = "new",
    client_order_id: str | None = None,
    details: str = "",
) -> tuple[Any, ...]:
    request = client_order_id or f"request-{number}"
    start = (ORDER.format(number), number, ALICE, request, "AAPL", "buy", "limit", "day", "10")
    prices = ("0", None, "190.50", None)
    return (*start, *prices, status, None, details, number * 1_000, seq * 1_000, seq)


def fill(number: int, seq: int, i: int = 1) -> tuple[Any, ...]:
    fill_id = f"0f343b09-31a1-8002-8000-00000000000{number}"
    traded = ("AAPL", "buy", "190.50", "1", "190.50", "0.01", "taker", "house", "0.00", "")
    return (fill_id, ORDER.format(1), ALICE, *traded, seq * 1_000, seq, i)


def line(seq: int, line_number: int, amount: str) -> tuple[Any, ...]:
    return (seq, 0, line_number, ALICE, "USD", amount, "deposit", None, seq * 1_000)


def position(seq: int, qty: str = "1") -> tuple[Any, ...]:
    return (ALICE, "AAPL", qty, "190.50", "190.50", "0.00", "", seq)


def equity(seq: int, minute: int, value: str = "100000.00") -> tuple[Any, ...]:
    return (ALICE, minute * MINUTE_NS, value, value, seq)


def batch(first: int, count: int = 1, rows: SampleRows | None = None) -> Batch:
    return Batch([turn(seq) for seq in range(first, first + count)], [rows] if rows else [])

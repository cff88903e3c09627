"""Rows of the read models as objects of the wire: the one place that knows both shapes."""

import json
from typing import Any, Protocol

import msgspec

from papertape.domain.time_text import time_text

Item = dict[str, Any]


class Row(Protocol):
    """A row by column names, whichever driver made it."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


_ACCOUNT = ("currency", "cash", "held", "equity", "buying_power", "unrealized_pl", "realized_pl")
_ORDER = (
    "account_id",
    "client_order_id",
    "symbol",
    "side",
    "type",
    "time_in_force",
    "qty",
    "filled_qty",
    "filled_avg_price",
    "limit_price",
    "stop_price",
    "status",
    "reason",
)
_FILL = (
    "order_id",
    "account_id",
    "symbol",
    "side",
    "price",
    "qty",
    "notional",
    "fee",
    "liquidity",
    "counterparty",
    "realized_pl",
)
_LEDGER = ("seq", "i", "line", "account_id", "asset", "amount", "kind", "order_id")


def _members(details: str) -> Item:
    """Further members of an object; none when the column is empty."""
    return msgspec.json.decode(details) if details else {}


def _receipt(text: str) -> Item:
    """The receipt of a fill, when the engine kept one."""
    return {"receipt": msgspec.json.decode(text)} if text else {}


def account_item(row: Row, as_of_seq: int) -> Item:
    """An account: the wire's object, with `owner` and `held` besides."""
    start = {"id": row["account_id"], "owner": row["owner"], "kind": row["kind"]}
    amounts = {name: row[name] for name in _ACCOUNT}
    rest = {"status": row["status"]} | _members(row["details"]) | {"as_of_seq": as_of_seq}
    return start | amounts | rest


def position_item(row: Row) -> Item:
    """A position without what only the engine's present marks can tell."""
    names = ("symbol", "qty", "avg_entry_price", "cost_basis", "realized_pl", "seq")
    return {name: row[name] for name in names} | _members(row["details"])


def order_item(row: Row, as_of_seq: int) -> Item:
    """An order, keys in the order of the wire."""
    created_ns, updated_ns = row["created_ns"], row["updated_ns"]
    order: Item = {"id": row["order_id"]}
    for name in _ORDER:
        order[name] = row[name]
    if row["details"]:
        order.update(_members(row["details"]))
    order["created_at"] = created = time_text(created_ns)
    order["updated_at"] = created if updated_ns == created_ns else time_text(updated_ns)
    order["as_of_seq"] = as_of_seq
    return order


def order_json(row: Row, as_of_seq: int) -> bytes:
    """An order as the engine would write it: compact JSON, keys in the order of the wire."""
    return json.dumps(order_item(row, as_of_seq), separators=(",", ":")).encode()


def fill_item(row: Row) -> Item:
    """A fill, keys in the order of the wire."""
    return (
        {"id": row["fill_id"]}
        | {name: row[name] for name in _FILL}
        | _receipt(row["receipt"])
        | {"time": time_text(row["time_ns"]), "seq": row["seq"]}
    )


def ledger_item(row: Row) -> Item:
    """One line of the double entry."""
    return {name: row[name] for name in _LEDGER} | {"time": time_text(row["time_ns"])}


def alert_item(row: Row) -> Item:
    """An alert, keys in the order of the wire."""
    names = ("account_id", "kind", "level", "measure", "value")
    return (
        {"id": f"{row['seq']}-{row['i']}"}
        | {name: row[name] for name in names}
        | {"limit": row["bound"], "order_id": row["order_id"], "symbol": row["symbol"]}
        | _members(row["details"])
        | {"time": time_text(row["time_ns"]), "seq": row["seq"]}
    )


def check_item(row: Row) -> Item:
    """What an order or its new terms were checked for; `checks` is the mask of the engine."""
    names = ("order_id", "account_id", "kind", "outcome", "policy", "checks", "reason", "value")
    return (
        {"id": f"{row['seq']}-{row['i']}"}
        | {name: row[name] for name in names}
        | {"limit": row["bound"], "time": time_text(row["time_ns"]), "seq": row["seq"]}
    )


def equity_item(row: Row) -> Item:
    """The equity of an account at the end of a minute."""
    return {"time": time_text(row["minute_ns"]), "equity": row["equity"], "cash": row["cash"]}

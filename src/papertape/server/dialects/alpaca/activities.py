"""Activities: fills, and what moved money besides, as Alpaca lists them.

Pure functions of fills and lines of the ledger. An activity's id begins with its time, so that the
list can be read on from any of them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.domain.time_text import parse_time
from papertape.server.dialects.alpaca.words import activity_id

TYPE_OF_KIND: Mapping[str, str] = {
    "deposit": "CSD",
    "withdrawal": "CSW",
    "transfer": "JNLC",
    "dividend": "DIV",
    "interest": "INT",
    "fee": "FEE",
    "borrow_fee": "FEE",
    "funding": "FEE",
    "corporate_action": "MA",
    "expiry": "OPEXP",
    "exercise": "OPEXC",
    "assignment": "OPASN",
    "conversion": "FXTRD",
    "correction": "JNLC",
    "reset": "JNLC",
}
"""Kinds of ledger lines by Alpaca's types. Trades are told as fills, futures not at all."""

TYPES = frozenset({"FILL", *TYPE_OF_KIND.values()})
KINDS_WITHOUT_ORDER = frozenset(TYPE_OF_KIND)


def kinds_of(types: Iterable[str]) -> list[str]:
    """The kinds of ledger lines that some types stand for."""
    wanted = set(types)
    return [kind for kind, word in TYPE_OF_KIND.items() if word in wanted]


def page_id(time: str, uuid: str) -> str:
    """`20261120104600123::uuid` for a time of the wire."""
    digits = time.translate(str.maketrans("", "", "-T:.Z"))
    return f"{digits[:17]}::{uuid}"


def fill_activity(
    fill: Mapping[str, Any], order: Mapping[str, Any], cumulative: Decimal, order_id: str
) -> dict[str, Any]:
    """A fill; `cumulative` is what its order had filled with it, `order_id` the id by then."""
    left = max(Decimal(order["qty"]) - cumulative, Decimal(0))
    return {
        "id": page_id(fill["time"], fill["id"]),
        "account_id": fill["account_id"],
        "activity_type": "FILL",
        "transaction_time": fill["time"],
        "type": "partial_fill" if left else "fill",
        "price": fill["price"],
        "qty": fill["qty"],
        "side": fill["side"],
        "symbol": fill["symbol"],
        "leaves_qty": decimal_text(left),
        "order_id": order_id,
        "cum_qty": decimal_text(cumulative),
        "order_status": "partially_filled" if left else "filled",
    }


def cash_activity(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the ledger that no trade made; quantities of an asset have no net amount."""
    is_money = len(line["asset"]) == 3 and line["asset"].isalpha() and line["asset"].isupper()
    name = activity_id(line["account_id"], line["seq"], line["i"], line["line"])
    return {
        "id": page_id(line["time"], name),
        "account_id": line["account_id"],
        "activity_type": TYPE_OF_KIND[line["kind"]],
        "date": line["time"][:10],
        "net_amount": line["amount"] if is_money else "0",
        "description": line["kind"].replace("_", " "),
        "status": "executed",
        **({} if is_money else {"symbol": line["asset"], "qty": line["amount"]}),
    }


def cumulative_of(fills: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What its order had filled with each fill, by the ids of the fills, the oldest given first."""
    sums: dict[str, Decimal] = {}
    reached: dict[str, Decimal] = {}
    for fill in fills:
        order_id = fill["order_id"]
        sums[order_id] = sums.get(order_id, Decimal(0)) + Decimal(fill["qty"])
        reached[fill["id"]] = sums[order_id]
    return reached


def millisecond_of(token: str) -> int:
    """The time of an activity id in nanoseconds, cut to milliseconds; ValueError for no id."""
    digits = token.partition("::")[0]
    if len(digits) != 17 or not digits.isdecimal():
        raise ValueError("a page token is the id of an activity")
    day, clock = digits[:8], digits[8:]
    return parse_time(
        f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}.{clock[6:]}Z"
    )

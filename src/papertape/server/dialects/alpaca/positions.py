"""Positions in Alpaca's shape, and the orders that close them.

Pure functions. The exchange knows what is held and what it is worth; the close of the day before
and what was traded since then come from bars and fills; where there are none, fields are null.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.orders import Native
from papertape.server.problems import malformed
from papertape.storage.rows import Row

SHARES = Decimal("0.000000001")
"""Shares of one, such as 0.05 for 5 %, are told to nine decimals."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the day of a position began with; `closed` is the price at which the last one ended."""

    closed: Decimal | None = None
    fills: Sequence[Row] = ()


def position_of(
    native: Mapping[str, Any],
    asset: Asset,
    day: Day,
    open_orders: Iterable[Native],
    marginable: bool,
) -> dict[str, Any]:
    """The object of the wire."""
    price = native["current_price"]
    return {
        "asset_id": asset.id,
        "symbol": asset.symbol,
        "exchange": asset.exchange,
        "asset_class": asset.asset_class,
        "asset_marginable": marginable and asset.asset_class == "us_equity",
        "qty": native["qty"],
        "qty_available": available(native, open_orders),
        "avg_entry_price": native["avg_entry_price"],
        "side": native["side"],
        "market_value": native["market_value"],
        "cost_basis": native["cost_basis"],
        "unrealized_pl": native["unrealized_pl"],
        "unrealized_plpc": _share(native["unrealized_pl"], native["cost_basis"]),
        **_intraday(native, asset, day),
        "current_price": price,
        "lastday_price": None if day.closed is None else decimal_text(day.closed),
        "change_today": _change(price, day.closed),
    }


def available(native: Mapping[str, Any], open_orders: Iterable[Native]) -> str:
    """What is not promised to open orders that close; of two siblings only one counts."""
    side = "buy" if native["qty"].startswith("-") else "sell"
    promised: dict[str, Decimal] = {}
    for order in open_orders:
        if order["symbol"] != native["symbol"] or order["side"] != side:
            continue
        if order["status"] == "held":
            continue
        left = Decimal(order["qty"]) - Decimal(order["filled_qty"])
        group = min(order["id"], order.get("sibling_id") or order["id"])
        promised[group] = max(promised.get(group, Decimal(0)), left)
    free = max(abs(Decimal(native["qty"])) - sum(promised.values()), Decimal(0))
    return decimal_text(free)


def _intraday(native: Mapping[str, Any], asset: Asset, day: Day) -> dict[str, str | None]:
    """Since the day began: what is left of then counts from its close, the rest from its price.

    What was closed today is taken to be of what the day began with, as long as that reaches.
    """
    nothing: dict[str, str | None] = {
        "unrealized_intraday_pl": None,
        "unrealized_intraday_plpc": None,
    }
    price = native["current_price"]
    if price is None:
        return nothing
    qty = Decimal(native["qty"])
    sign = 1 if qty >= 0 else -1
    opened, closed, paid = _traded(day.fills, sign)
    overnight = max(abs(qty) - opened + closed, Decimal(0)) - closed
    overnight = max(min(overnight, abs(qty)), Decimal(0))
    fresh = abs(qty) - overnight
    if (overnight and day.closed is None) or (fresh and not opened):
        return nothing
    size = Decimal((asset.native.get("contract") or {}).get("multiplier", "1"))
    began = overnight * (day.closed or Decimal(0)) * size
    began += paid / opened * fresh if fresh else Decimal(0)
    gain = sign * (abs(qty) * Decimal(price) * size - began)
    return {
        "unrealized_intraday_pl": decimal_text(round(gain, 6)),
        "unrealized_intraday_plpc": decimal_text((gain / began).quantize(SHARES))
        if began
        else None,
    }


def _traded(fills: Iterable[Row], sign: int) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity opened and closed in the direction of a position, and what opening cost."""
    opened = closed = paid = Decimal(0)
    for fill in fills:
        qty = Decimal(fill["qty"])
        if (fill["side"] == "buy") == (sign > 0):
            opened += qty
            paid += Decimal(fill["notional"])
        else:
            closed += qty
    return opened, closed, paid


def _share(part: str | None, whole: str) -> str | None:
    if part is None or not Decimal(whole):
        return None
    return decimal_text((Decimal(part) / abs(Decimal(whole))).quantize(SHARES))


def _change(price: str | None, closed: Decimal | None) -> str | None:
    if price is None or not closed:
        return None
    return decimal_text((Decimal(price) / closed - 1).quantize(SHARES))


def closing_order(
    native: Mapping[str, Any], asset: Asset, qty: str | None, percentage: str | None
) -> Native:
    """A market order that closes a position or a part of it; raises `Problem` 422.

    A percentage is cut to whole lots.
    """
    held = abs(Decimal(native["qty"]))
    wanted = held if qty is None else Decimal(qty)
    if percentage is not None:
        wanted = _part(held, Decimal(percentage), Decimal(asset.native["lot_size"]))
    if wanted <= 0:
        name = "qty" if qty is not None else "percentage"
        raise malformed(
            f"{name}: that is nothing of the {native['qty']} that are held",
            field=name,
            value=qty if qty is not None else percentage,
        )
    return {
        "symbol": asset.symbol,
        "side": "buy" if native["qty"].startswith("-") else "sell",
        "type": "market",
        "qty": decimal_text(wanted),
        "time_in_force": "gtc" if asset.is_crypto else "day",
        "reduce_only": True,
    }


def _part(held: Decimal, percentage: Decimal, lot: Decimal) -> Decimal:
    if percentage > 100:
        raise malformed("percentage: at most 100", field="percentage", value=str(percentage))
    part = held * percentage / 100
    return (part / lot).to_integral_value(ROUND_DOWN) * lot

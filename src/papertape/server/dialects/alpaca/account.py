"""The account in Alpaca's shape. Pure functions of what the exchange says."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.server.dialects.alpaca.configuration import OPTIONS_LEVEL_MAX


def account_of(
    native: Mapping[str, Any],
    positions: Iterable[Mapping[str, Any]],
    choices: Mapping[str, Any],
    *,
    last_equity: str,
    created_at: str,
) -> dict[str, Any]:
    """The object of the wire. What nothing is known about is null.

    Buying power that may not be borrowed is buying power without its multiplier.
    """
    on_margin = native["kind"] == "margin"
    multiplier = native.get("multiplier") or "1"
    power = native["buying_power"]
    unborrowed = decimal_text(round(Decimal(power) / Decimal(multiplier), 6))
    long_value, short_value = _values(native, positions)
    active = native["status"] == "active"
    level = choices["max_options_trading_level"]
    return {
        "id": native["id"],
        "account_number": account_number(native["id"]),
        "status": "ACTIVE" if active else "DISABLED",
        "crypto_status": "ACTIVE" if active else "DISABLED",
        "currency": native["currency"],
        "cash": native["cash"],
        "buying_power": power,
        "regt_buying_power": power,
        "non_marginable_buying_power": unborrowed,
        "options_buying_power": unborrowed,
        "portfolio_value": native["equity"],
        "equity": native["equity"],
        "last_equity": last_equity,
        "long_market_value": long_value,
        "short_market_value": short_value,
        "initial_margin": native.get("initial_margin") or "0",
        "maintenance_margin": native.get("maintenance_margin") or "0",
        "last_maintenance_margin": None,
        "sma": None,
        "multiplier": multiplier,
        "accrued_fees": "0",  # fees are taken with each fill
        "pending_transfer_in": None,
        "pending_transfer_out": None,
        "trading_blocked": not active,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": choices["suspend_trade"],
        "shorting_enabled": on_margin and not choices["no_shorting"],
        "options_approved_level": OPTIONS_LEVEL_MAX,
        "options_trading_level": OPTIONS_LEVEL_MAX if level is None else level,
        "created_at": created_at,
    }


def account_number(account_id: str) -> str:
    """The number that people read: the beginning of the id."""
    return "PA" + account_id[:8].upper()


def _values(native: Mapping[str, Any], positions: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Market value of long and of short positions; cash accounts do not tell them."""
    if native.get("long_market_value") is not None:
        return native["long_market_value"], native["short_market_value"]
    values = [Decimal(position["market_value"] or 0) for position in positions]
    return (
        decimal_text(sum((value for value in values if value > 0), Decimal(0))),
        decimal_text(sum((value for value in values if value < 0), Decimal(0))),
    )

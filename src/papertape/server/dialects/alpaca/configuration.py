"""An account's configuration: what its owner has chosen, and what that does to new orders.

Only what has an effect here can be set; what would be ignored is refused. The choices are kept in
`auth.db`. They bind the orders that come through this dialect, as Alpaca's bind those of Alpaca.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import alpaca_configurations as table
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.models.bodies import ConfigurationBody
from papertape.server.dialects.alpaca.orders import Native
from papertape.server.problems import Problem, malformed
from papertape.storage.engines import upserting

REMEMBERED_S = 1.0
"""Another process may have changed it."""

_KNOWN_MAX = 10_000
_CHOICES: Mapping[str, Any] = {
    "fractional_trading": True,
    "no_shorting": False,
    "suspend_trade": False,
    "ptp_no_exception_entry": False,
    "max_options_trading_level": None,
}
OPTIONS_LEVEL_MAX = 3


def shown(choices: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
    """The object of the wire; `account` is the native one."""
    on_margin = account["kind"] == "margin"
    return {
        "dtbp_check": None,
        "fractional_trading": choices["fractional_trading"],
        "max_margin_multiplier": account.get("multiplier") or "1",
        "no_shorting": choices["no_shorting"] or not on_margin,
        "pdt_check": None,
        "suspend_trade": choices["suspend_trade"],
        "trade_confirm_email": "none",
        "ptp_no_exception_entry": choices["ptp_no_exception_entry"],
        "max_options_trading_level": choices["max_options_trading_level"],
    }


def changed(
    choices: Mapping[str, Any], body: ConfigurationBody, account: Mapping[str, Any]
) -> dict[str, Any]:
    """The choices after a change; raises `Problem` 422 for what would have no effect."""
    multiplier = account.get("multiplier") or "1"
    if body.max_margin_multiplier not in {None, multiplier}:
        raise malformed(
            f"max_margin_multiplier: this account's is {multiplier}; open one of another kind",
            field="max_margin_multiplier",
            value=body.max_margin_multiplier,
        )
    if body.trade_confirm_email == "all":
        raise malformed(
            "trade_confirm_email: no confirmations are mailed here; send none",
            field="trade_confirm_email",
            value="all",
        )
    for name in ("dtbp_check", "pdt_check"):
        if getattr(body, name) is not None:
            raise malformed(f"{name}: Alpaca has removed it; send null", field=name)
    given = body.model_dump(exclude_none=True, include=set(_CHOICES))
    if account["kind"] != "margin":
        given.pop("no_shorting", None)  # a cash account cannot sell short anyhow
    return {**choices, **given}


def check_order(choices: Mapping[str, Any], fields: Native, assets: list[Asset]) -> None:
    """Raises `Problem` for an order that the choices forbid; `fields` are native terms."""
    if choices["suspend_trade"]:
        raise Problem(
            403, "trade_suspended", "set suspend_trade to false at /v2/account/configurations"
        )
    if not choices["fractional_trading"] and any(a.asset_class == "us_equity" for a in assets):
        qty = fields.get("qty")
        if "notional" in fields or (qty is not None and Decimal(qty) % 1):
            raise malformed("qty must be integer: fractional_trading is off", field="qty")
    level = choices["max_options_trading_level"]
    if level is not None and any(asset.is_option for asset in assets):
        needed = _level_needed(fields)
        if needed > level:
            raise Problem(
                403,
                "options_level",
                f"this order needs options trading level {needed}; the account is set to {level}",
            )


def _level_needed(fields: Native) -> int:
    """1: write covered, 2: buy, 3: spreads; an order that only closes needs none."""
    if fields.get("order_class") == "mleg":
        return 3
    if fields.get("reduce_only"):
        return 0
    return 2 if fields["side"] == "buy" else 1


def hold_to_long(choices: Mapping[str, Any], fields: Native, account: Mapping[str, Any]) -> Native:
    """With `no_shorting`, what sells may only reduce; the exchange holds it to that."""
    if not choices["no_shorting"] or account["kind"] != "margin":
        return fields
    if fields.get("side") != "sell" or fields.get("order_class") == "oco":
        return fields
    if fields.get("order_class"):
        raise Problem(403, "not_permitted", "no_shorting is on: this order would sell short")
    return fields | {"reduce_only": True}


class Configurations:
    """The choices of all accounts."""

    def __init__(self, auth: AuthStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._auth = auth
        self._clock = clock
        self._known: dict[str, tuple[dict[str, Any], float]] = {}

    async def of(self, account_id: str) -> dict[str, Any]:
        """The choices of an account."""
        known = self._known.get(account_id)
        if known is not None and known[1] > self._clock():
            return known[0]
        choices = await asyncio.to_thread(self._read, account_id)
        self._remember(account_id, choices)
        return choices

    async def keep(self, account_id: str, choices: dict[str, Any]) -> None:
        """Keep the choices of an account."""
        await asyncio.to_thread(self._write, account_id, choices)
        self._remember(account_id, choices)

    def _remember(self, account_id: str, choices: dict[str, Any]) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[account_id] = (choices, self._clock() + REMEMBERED_S)

    def _read(self, account_id: str) -> dict[str, Any]:
        query = select(table.c.choices).where(table.c.account_id == account_id)
        with self._auth.engine.connect() as connection:
            found = connection.execute(query).scalar()
        return {**_CHOICES, **(json.loads(found) if found else {})}

    def _write(self, account_id: str, choices: dict[str, Any]) -> None:
        row = {"account_id": account_id, "choices": json.dumps(choices)}
        change = upserting(table, self._auth.engine.dialect.name).values(row)
        change = change.on_conflict_do_update(
            index_elements=["account_id"], set_={"choices": row["choices"]}
        )
        with self._auth.engine.begin() as connection:
            connection.execute(change)

"""Option contracts in Alpaca's shape. Pure functions of listed instruments."""

import re
from typing import Any

from papertape.domain.time_text import parse_time
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.days import day_of
from papertape.server.dialects.alpaca.words import asset_id

_ROOT = re.compile(r"[A-Z.]+", re.ASCII)


def is_contract(asset: Asset) -> bool:
    """Whether it is an option that says all that a contract has to."""
    contract = asset.native.get("contract") or {}
    return asset.is_option and {"strike", "right", "expiry", "underlying"} <= set(contract)


def contract_of(asset: Asset) -> dict[str, Any]:
    """The object of the wire; open interest and closes are not kept, so they are null."""
    contract = asset.native["contract"]
    root = _ROOT.match(asset.symbol)
    return {
        "id": asset.id,
        "symbol": asset.symbol,
        "name": asset.native["name"],
        "status": "active" if asset.is_active else "inactive",
        "tradable": asset.is_active,
        "expiration_date": day_of(parse_time(contract["expiry"])).isoformat(),
        "root_symbol": root[0] if root else asset.symbol,
        "underlying_symbol": contract["underlying"],
        "underlying_asset_id": asset_id(contract["underlying"]),
        "type": contract["right"],
        "style": contract["style"],
        "strike_price": contract["strike"],
        "multiplier": contract["multiplier"],
        "size": contract["multiplier"],
        "open_interest": None,
        "open_interest_date": None,
        "close_price": None,
        "close_price_date": None,
    }

"""What a file's name and a symbol's shape tell: the symbol, the asset class, its usual scales."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".gz", ".csv", ".txt", ".parquet", ".pq")
NOT_A_SYMBOL = re.compile(
    r"\d+(s|sec|m|min|h|d|w|mo|y)|\d{4,}|trades?|quotes?|ticks?|bars?|prints?|daily|hourly|ohlcv?",
    re.IGNORECASE,
)
_FIAT_CODES = "USD EUR GBP JPY CHF AUD NZD CAD SEK NOK DKK PLN CZK HUF MXN ZAR SGD HKD CNH"
FIAT = frozenset(_FIAT_CODES.split())
_COIN_CODES = "BTC ETH SOL XRP ADA DOGE LTC BNB DOT AVAX LINK SHIB TRX BCH XLM UNI ATOM ETC XBT"
COINS = frozenset(_COIN_CODES.split())
COIN_QUOTES = ("USDT", "USDC", "BUSD", "USD", "EUR", "GBP", "BTC", "ETH")
MAJORS = frozenset(["USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK"])
MAJOR_PAIR_MARGIN = "0.02"
"""NFA Financial Requirements, Section 12: a fiftieth of the value of a pair of major currencies."""
OTHER_PAIR_MARGIN = "0.05"
"""The same source: a twentieth of any other pair."""
PERPETUAL_MARGINS = ("0.1", "0.05")
"""Initial and maintenance margin of a perpetual: ten times leverage, as exchanges usually begin."""
FUTURE = re.compile(r"[A-Z0-9]{1,3}[FGHJKMNQUVXZ]\d{1,2}")


@dataclass(frozen=True, slots=True)
class AssetClass:
    """How instruments of a class are usually listed; `usual_size` is a fair displayed size."""

    name: str
    price_scale: int
    qty_scale: int
    lot_size: str
    usual_size: str
    exchange: str
    trading_seconds_per_day: int
    trading_days_per_year: int
    fees: dict[str, str]


CLASSES: dict[str, AssetClass] = {
    row.name: row
    for row in (
        AssetClass("us_equity", 6, 6, "1", "1000", "XNAS", 23_400, 252, {"per_share": "0.005"}),
        AssetClass("fx", 6, 6, "1", "1000000", "XFX", 86_400, 252, {}),
        AssetClass("future", 6, 6, "1", "50", "XCME", 86_400, 252, {}),
        AssetClass(
            "crypto",
            8,
            8,
            "0.0001",
            "1",
            "XCRY",
            86_400,
            365,
            {"maker_rate": "0.001", "taker_rate": "0.001"},
        ),
        AssetClass(
            "perpetual",
            8,
            8,
            "0.0001",
            "1",
            "XPRP",
            86_400,
            365,
            {"maker_rate": "0.0002", "taker_rate": "0.0005"},
        ),
    )
}


def symbol_from_name(path: Path) -> str:
    """Take the leading words of the name that are no timeframe, date or kind of data.

    `GOOG-1d.csv` gives GOOG, `BTC-PERP-1m-202201.csv.gz` BTC-PERP.
    """
    name = path.name
    while (suffix := Path(name).suffix).lower() in SUFFIXES:
        name = name[: -len(suffix)]
    words: list[str] = []
    for word in re.split(r"[-_ ]+", name):
        if words and NOT_A_SYMBOL.fullmatch(word):
            break
        words.append(word)
    return "-".join(words).upper()


def asset_class(symbol: str) -> AssetClass:
    """Guess the asset class from the shape of a symbol; what looks like nothing else is a stock."""
    return CLASSES[_class_name(symbol.upper())]


def _class_name(symbol: str) -> str:
    if symbol.endswith(("-PERP", "PERP")):
        return "perpetual"
    pair = symbol.replace("/", "").replace("-", "")
    if len(pair) == 6 and pair[:3] in FIAT and pair[3:] in FIAT:
        return "fx"
    if any(pair.endswith(quote) and pair[: -len(quote)] in COINS for quote in COIN_QUOTES):
        return "crypto"
    if "/" in symbol or (len(symbol) > 5 and symbol.endswith(("USDT", "USDC"))):
        return "crypto"
    return "future" if FUTURE.fullmatch(symbol) else "us_equity"


def contract_of(symbol: str) -> dict[str, str]:
    """Give the contract that a symbol is replayed under; empty when it is simply held.

    Perpetuals and currency pairs have the usual terms of their class. A dated future has none: no
    file tells its multiplier and its last day, so it is held and paid in full.
    """
    name = _class_name(symbol.upper())
    if name == "perpetual":
        initial, maintenance = PERPETUAL_MARGINS
        return {"initial_margin_rate": initial, "maintenance_margin_rate": maintenance}
    if name != "fx":
        return {}
    pair = symbol.upper().replace("/", "").replace("-", "")
    is_major = pair[:3] in MAJORS and pair[3:] in MAJORS
    rate = MAJOR_PAIR_MARGIN if is_major else OTHER_PAIR_MARGIN
    return {"base": pair[:3], "initial_margin_rate": rate, "maintenance_margin_rate": rate}


def periods_per_year(symbol: str, bar_seconds: int) -> int:
    """Give N of the annualisation: 252 for daily stocks, 365 for daily crypto, by bar length else.

    Bars of a week count 52 a year, bars of a month 12.
    """
    day = 86_400
    if bar_seconds >= 28 * day:
        return 12
    if bar_seconds >= 5 * day:
        return 52
    kind = asset_class(symbol)
    if bar_seconds >= day or bar_seconds <= 0:
        return kind.trading_days_per_year
    return kind.trading_days_per_year * kind.trading_seconds_per_day // bar_seconds

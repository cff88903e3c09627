"""How an instrument does today, from its quote and its bars. Pure functions on decimal text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.domain.time_text import SECOND_NS, time_text

DAY_NS = 86_400 * SECOND_NS
_SHARE = Decimal("0.000001")


def summary_of(
    quote: Mapping[str, Any], days: Sequence[Mapping[str, str]], now_ns: int
) -> dict[str, Any]:
    """The summary of the day (UTC) that `now_ns` lies in; null is what there was not yet.

    `days` are the newest daily bars, the oldest first; the last one may be today's.
    """
    midnight = time_text(now_ns - now_ns % DAY_NS)
    today = days[-1] if days and days[-1]["time"] == midnight else None
    before = [day for day in days if day["time"] < midnight]
    last = quote["last"] or (days[-1]["close"] if days else None)
    former = before[-1]["close"] if before else (today["open"] if today else None)
    return {
        "symbol": quote["symbol"],
        "open": today["open"] if today else None,
        "high": today["high"] if today else None,
        "low": today["low"] if today else None,
        "last": last,
        "previous_close": before[-1]["close"] if before else None,
        **_change(last, former),
        "volume": today["volume"] if today else "0",
        "bid": quote["bid"],
        "ask": quote["ask"],
        **_spread(quote["bid"], quote["ask"]),
        "imbalance": imbalance_of(quote["bid_size"], quote["ask_size"]),
        "time": quote["time"],
    }


def _change(last: str | None, former: str | None) -> dict[str, str | None]:
    """The change since the close before, or since the open of the first day, and its share."""
    if last is None or former is None:
        return {"change": None, "change_share": None}
    change, base = Decimal(last) - Decimal(former), Decimal(former)
    return {"change": decimal_text(change), "change_share": _share(change, base)}


def _spread(bid: str | None, ask: str | None) -> dict[str, str | None]:
    """Ask less bid, and the share of the middle that it is."""
    if bid is None or ask is None:
        return {"spread": None, "spread_share": None}
    spread = Decimal(ask) - Decimal(bid)
    middle = (Decimal(ask) + Decimal(bid)) / 2
    return {"spread": decimal_text(spread), "spread_share": _share(spread, middle)}


def imbalance_of(bid_size: str | None, ask_size: str | None) -> str | None:
    """How much more is bid than asked at the best prices, from -1 (only asked) to 1 (only bid)."""
    bids, asks = Decimal(bid_size or 0), Decimal(ask_size or 0)
    return None if bids + asks == 0 else _share(bids - asks, bids + asks)


def _share(part: Decimal, whole: Decimal) -> str | None:
    return None if whole == 0 else decimal_text((part / whole).quantize(_SHARE))

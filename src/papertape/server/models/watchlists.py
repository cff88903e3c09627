"""Watchlists: what is asked for, what is told."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from papertape.server.models.base import EXAMPLE_TIME, Body, Example, Reply, Symbol, Uuid
from papertape.server.watchlists import SYMBOLS_MAX

EXAMPLE_WATCHLIST = "b0f5c0e2-3f64-4c19-8a2e-5d6f1b9f7a31"


def _without_blanks_around(name: str) -> str:
    if name != name.strip() or not name.isprintable():
        raise ValueError("use printable characters, with no blank at the begin or the end")
    return name


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_without_blanks_around)]
"""A name that people read."""


class WatchlistRequest(Body):
    """A watchlist as it is to be."""

    example: ClassVar[Example] = {"name": "Coins", "symbols": ["BTC/USD"]}

    name: Name
    symbols: list[Symbol] = Field(
        default=[], max_length=SYMBOLS_MAX, description="in this order, each once"
    )


class WatchlistSymbolRequest(Body):
    """A symbol to put at the end of a watchlist."""

    example: ClassVar[Example] = {"symbol": "BTC/USD"}

    symbol: Symbol


class WatchlistReply(Reply):
    """A watchlist, its symbols in the user's order."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_WATCHLIST,
        "name": "Coins",
        "symbols": ["BTC/USD"],
        "created_at": EXAMPLE_TIME,
        "updated_at": EXAMPLE_TIME,
    }

    id: Uuid
    name: str
    symbols: list[str]
    created_at: str
    updated_at: str

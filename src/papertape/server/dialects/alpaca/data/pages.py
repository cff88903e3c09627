"""Lists of several symbols, a page at a time: by symbol, then by time."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.data.shapes import Shape
from papertape.server.problems import malformed

Read = Callable[[Asset, "Stretch"], Awaitable[list[Shape]]]
"""Gives at most `limit` items of a stretch, in its order."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Times from `start_ns` to `end_ns`, both included."""

    start_ns: int
    end_ns: int
    newest_first: bool
    limit: int


@dataclass(frozen=True, slots=True)
class Token:
    """Where a page ended: at a symbol and a time, of which so many items were given."""

    symbol: str
    time_ns: int | None
    given: int

    @property
    def text(self) -> str:
        """The token on the wire."""
        time = "" if self.time_ns is None else self.time_ns
        return base64.urlsafe_b64encode(f"{self.symbol}|{time}|{self.given}".encode()).decode()


def token_of(text: str | None) -> Token | None:
    """Reads a token; raises `Problem` 422 for what is none."""
    if not text:
        return None
    try:
        parts = base64.b64decode(text, altchars=b"-_", validate=True).decode().split("|")
        symbol, time, given = parts
        return Token(symbol, int(time) if time else None, int(given))
    except (binascii.Error, ValueError) as error:
        raise malformed(
            "page_token: it is not one of ours", field="page_token", value=text
        ) from error


async def page_of(
    assets: Sequence[Asset], stretch: Stretch, token: Token | None, read: Read
) -> tuple[dict[str, list[Shape]], str | None]:
    """The items by symbol, and the token of the next page; None on the last one."""
    page: dict[str, list[Shape]] = {}
    left = stretch.limit
    for asset in sorted(assets, key=lambda one: one.symbol):
        if token is not None and asset.symbol < token.symbol:
            continue
        at = token if token is not None and token.symbol == asset.symbol else None
        skipped = at.given if at else 0
        items = (await read(asset, _behind(stretch, at, left + skipped + 1)))[skipped:]
        if items[:left]:
            page[asset.symbol] = items[:left]
        if len(items) > left:
            return page, _token_at(asset.symbol, items[:left], at).text
        left -= len(items)
    return page, None


def _behind(stretch: Stretch, at: Token | None, limit: int) -> Stretch:
    start_ns, end_ns = stretch.start_ns, stretch.end_ns
    if at is not None and at.time_ns is not None:
        if stretch.newest_first:
            end_ns = min(end_ns, at.time_ns)
        else:
            start_ns = max(start_ns, at.time_ns)
    return Stretch(start_ns, end_ns, stretch.newest_first, limit)


def _token_at(symbol: str, given: Sequence[Shape], at: Token | None) -> Token:
    """Behind the last item that was given; several items may have its time."""
    if not given:
        return at or Token(symbol, None, 0)
    last_ns = given[-1]["t"].time_ns
    count = sum(item["t"].time_ns == last_ns for item in given)
    if at is not None and at.time_ns == last_ns:
        count += at.given
    return Token(symbol, last_ns, count)

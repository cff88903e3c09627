"""The world's stated rates of exchange, as the tape tells them, for what is sized by equity."""

import asyncio
from decimal import Decimal

from papertape.storage.reads import Reads
from papertape.storage.tape_search import TapeSearch

RATE_SCALE = 9
"""Digits behind the point of a rate on the tape."""


class StatedRates:
    """Looks for `set_rate` only when somebody asks for two currencies."""

    def __init__(self, reads: Reads) -> None:
        self._search = TapeSearch(reads, ("rate_set",))

    async def of(self, of: str, to: str) -> Decimal | None:
        """What one unit of a currency gives of another, as the engine converts; None: unstated."""
        if of == to:
            return Decimal(1)
        events = await asyncio.to_thread(self._search.events)
        stated = {
            (event["from"], event["to"]): Decimal(event["rate"]).scaleb(-RATE_SCALE)
            for event in events
        }
        straight, inverse = stated.get((of, to)), stated.get((to, of))
        if straight is not None:
            return straight
        return 1 / inverse if inverse else None

"""Numbers private messages: each names the one before it in its channel, so a gap is visible."""

from collections.abc import Iterable

from papertape.floor.ports import PrivateMessage

EngineMessage = tuple[int, str, str, str, bytes]
"""(seq, account_id, channel, type, data), as the engine hands it out."""


class Numbering:
    """The last seq of each (account, channel) since the world was loaded.

    What an account heard before is not looked up: its first message names the seq that the world
    had then. Whoever listened across that has missed something or cannot know, and asks anew.
    """

    def __init__(self, world: str) -> None:
        self._world = world
        self._last: dict[tuple[str, str], int] = {}
        self._loaded: int | None = None

    def begin(self, seq: int) -> None:
        """Begin anew with a world that is at this seq."""
        self._last.clear()
        self._loaded = seq or None

    def number(self, messages: Iterable[EngineMessage]) -> list[PrivateMessage]:
        """The messages as published; only after their batch was committed."""
        numbered = []
        for seq, account_id, channel, kind, data in messages:
            key = (account_id, channel)
            previous = self._last.get(key, self._loaded)
            numbered.append(
                PrivateMessage(seq, previous, self._world, account_id, channel, kind, data)
            )
            self._last[key] = seq
        return numbered

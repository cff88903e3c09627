"""Numbers private messages: each names the one before it in its channel, so a gap is visible."""

from collections.abc import Iterable

from papertape.floor.ports import PrivateMessage, Storage

EngineMessage = tuple[int, str, str, str, bytes]
"""(seq, account_id, channel, type, data), as the engine hands it out."""


class Numbering:
    """The last seq of each (account, channel); what it does not know it looks up in the tables."""

    def __init__(self, world: str, storage: Storage) -> None:
        self._world = world
        self._storage = storage
        self._last: dict[tuple[str, str], int | None] = {}

    def learn(self, messages: Iterable[EngineMessage]) -> None:
        """Look up what is needed for these messages; must happen before their batch is written."""
        for _, account_id, channel, _, _ in messages:
            key = (account_id, channel)
            if key not in self._last:
                self._last[key] = self._storage.last_seq(self._world, account_id, channel)

    def number(self, messages: Iterable[EngineMessage]) -> list[PrivateMessage]:
        """The messages as published; only after their batch was committed."""
        numbered = []
        for seq, account_id, channel, kind, data in messages:
            key = (account_id, channel)
            previous = self._last[key]
            numbered.append(
                PrivateMessage(seq, previous, self._world, account_id, channel, kind, data)
            )
            self._last[key] = seq
        return numbered

    def forget(self) -> None:
        """Look everything up again; after a batch whose outcome is not known."""
        self._last.clear()

"""Watchlists: symbols in an order of the user's own."""

from collections.abc import Sequence

from papertape.client.calls import Call, Face, Group, change, endpoint, get, listed, part
from papertape.client.replies.users import Watchlist


class Watchlists(Group[Face]):
    """`client.watchlists`."""

    @endpoint
    def all(self) -> Call[list[Watchlist]]:
        """The user's watchlists."""
        return listed("/watchlists", Watchlist)

    @endpoint
    def create(self, name: str, symbols: Sequence[str] = ()) -> Call[Watchlist]:
        """A new watchlist."""
        return change("POST", "/watchlists", Watchlist, name=name, symbols=list(symbols))

    @endpoint
    def get(self, watchlist_id: str) -> Call[Watchlist]:
        """One watchlist."""
        return get(_one(watchlist_id), Watchlist)

    @endpoint
    def replace(self, watchlist_id: str, name: str, symbols: Sequence[str]) -> Call[Watchlist]:
        """Another name, other symbols."""
        fields = {"name": name, "symbols": list(symbols)}
        return change("PUT", _one(watchlist_id), Watchlist, **fields).harmless()

    @endpoint
    def delete(self, watchlist_id: str) -> Call[None]:
        """Delete a watchlist."""
        return change("DELETE", _one(watchlist_id), type(None))

    @endpoint
    def add(self, watchlist_id: str, symbol: str) -> Call[Watchlist]:
        """Put a symbol at the end."""
        return change("POST", f"{_one(watchlist_id)}/symbols", Watchlist, symbol=symbol)

    @endpoint
    def remove(self, watchlist_id: str, symbol: str) -> Call[Watchlist]:
        """Take a symbol out."""
        return change("DELETE", f"{_one(watchlist_id)}/symbols/{part(symbol)}", Watchlist)


def _one(watchlist_id: str) -> str:
    return f"/watchlists/{part(watchlist_id)}"

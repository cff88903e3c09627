"""Where a subscription starts: the state of its channel, in the shape of the REST routes."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.quotes import quote_in
from papertape.server.stream.hub import Hub
from papertape.storage.reads import Reads

AT_ONCE = 8
"""After a restart of the floor every session asks; the others wait for their turn."""

ORDERS_MAX = 1_000
FILLS_MAX = 100
ALERTS_MAX = 100
BARS_MAX = 300
DEPTH = 10


class Snapshots:
    """Fetches starts from the floor and the read models."""

    def __init__(
        self, *, accounts: Accounts, exchange: Exchange, reads: Reads, history: History, hub: Hub
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._reads = reads
        self._history = history
        self._hub = hub
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def private(
        self, account: OwnedAccount, channels: Iterable[str]
    ) -> tuple[int, dict[str, bytes]]:
        """The state of an account's channels, and a seq that all of them include.

        The floor is asked first: what its answer includes was committed before it, so the
        queries that follow see at least that.
        """
        async with self._turn:
            value = await self._accounts.value(account)
            states: dict[str, bytes] = {}
            for channel in channels:
                states[channel] = await self._private(channel, account.account_id, value)
            return value.as_of_seq, states

    async def newest_seq(self, account: OwnedAccount) -> int:
        """The newest seq of the world."""
        async with self._turn:
            return (await self._accounts.value(account)).as_of_seq

    async def _private(self, channel: str, account_id: str, value: Any) -> bytes:
        if channel == "account":
            return msgspec.json.encode(value.account)
        if channel == "positions":
            return _items(value.positions)
        if channel == "orders":
            page = await asyncio.to_thread(self._reads.orders, account_id, "open", ORDERS_MAX)
        elif channel == "alerts":
            page = await asyncio.to_thread(self._reads.alerts, [account_id], ALERTS_MAX)
        else:
            page = await asyncio.to_thread(self._reads.fills, account_id, FILLS_MAX)
        return _items(page.items, page.next_cursor)

    async def market(self, channel: str) -> bytes:
        """The state of a market channel of a listed symbol."""
        kind, symbol = channel.split(":")[:2]
        if kind == "trades":
            return _items([msgspec.Raw(data) for data in self._hub.recent_prints(channel)])
        if kind == "bars":
            return _items(await self._history.bars(symbol, "1m", None, None, BARS_MAX))
        newest = self._hub.newest(channel)
        if newest is not None:
            return newest
        reply = await self._exchange.ask("book", {"symbol": symbol, "depth": DEPTH})
        if kind == "book":
            return reply.body
        return msgspec.json.encode(quote_in(reply.body))


def _items(items: Any, next_cursor: str | None = None) -> bytes:
    return msgspec.json.encode({"items": items, "next_cursor": next_cursor})

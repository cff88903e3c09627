"""Orders and trades of the past, narrowed, a page at a time, with what their owner wrote on."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.label_store import LabelStore
from papertape.server.order_desk import OrderDesk
from papertape.server.problems import malformed
from papertape.storage.conditions import of_fills, of_orders
from papertape.storage.reads import LIMIT_MAX, Page, Reads

_LABELLED_AT_ONCE = 500
_ID_LENGTH = 36

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """Which orders are wanted; None and empty are any. Times are nanoseconds since 1970."""

    status: str = "open"
    statuses: tuple[str, ...] = ()
    symbol: str | None = None
    side: str | None = None
    types: tuple[str, ...] = ()
    strategy: str | None = None
    tag: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None

    def conditions(self) -> Mapping[str, Any]:
        """What the read models can tell."""
        return {
            "symbol": self.symbol,
            "side": self.side,
            "statuses": self.statuses,
            "types": self.types,
            "from_ns": self.from_ns,
            "to_ns": self.to_ns,
        }


@dataclass(frozen=True, slots=True)
class TradeSearch:
    """Which trades are wanted; None is any."""

    symbol: str | None = None
    side: str | None = None
    order_id: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


class OrderHistory:
    """Searches orders and trades of one account."""

    def __init__(self, reads: Reads, labels: LabelStore, desk: OrderDesk) -> None:
        self._reads = reads
        self._labels = labels
        self._desk = desk

    async def orders(
        self, account_id: str, wanted: OrderSearch, limit: int, cursor: str | None
    ) -> Page:
        """Orders, the newest first; raises `Problem` 422 for a cursor that is not ours."""
        by_label = wanted.strategy is not None or wanted.tag is not None
        find = self._labelled_orders if by_label else self._orders
        return await _paged(find, account_id, wanted, limit, cursor)

    async def trades(
        self, account: OwnedAccount, wanted: TradeSearch, limit: int, cursor: str | None
    ) -> Page:
        """Trades, the newest first; raises `Problem` 422 for a cursor that is not ours."""
        return await _paged(self._trades, account.account_id, wanted, limit, cursor)

    async def trade(self, fill_id: str) -> Item | None:
        """One trade with its note and the labels of its order, whoever's it is."""
        fill = await asyncio.to_thread(self._reads.fill, fill_id)
        if fill is None:
            return None
        (trade,) = await asyncio.to_thread(self._noted, [fill])
        return trade

    async def trades_by_id(self, fill_ids: Sequence[str]) -> dict[str, Item]:
        """Trades as `trade` gives them, by their ids; ids of none are left out."""
        fills = await asyncio.to_thread(self._reads.fills_by_id, fill_ids)
        trades = await asyncio.to_thread(self._noted, fills)
        return {trade["id"]: trade for trade in trades}

    def _orders(self, account_id: str, wanted: OrderSearch, limit: int, cursor: str | None) -> Page:
        where = of_orders(**wanted.conditions())
        page = self._reads.orders(account_id, wanted.status, limit, cursor, where=where)
        return Page(self._desk.labelled(page.items), page.next_cursor)

    def _labelled_orders(
        self, account_id: str, wanted: OrderSearch, limit: int, cursor: str | None
    ) -> Page:
        """Orders by their labels, which are in another database: its ids first, then the orders.

        The cursor is the id of the last order; ids sort as their orders came.
        """
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"limit is a number from 1 to {LIMIT_MAX}")
        self._bind_what_is_not(account_id)
        before = None if cursor is None else _read_cursor(cursor)
        labelled = {"strategy": wanted.strategy, "tag": wanted.tag}
        found: list[Item] = []
        while len(found) <= limit:
            ids = self._labels.order_ids(
                account_id, **labelled, before=before, limit=_LABELLED_AT_ONCE
            )
            if not ids:
                break
            where = of_orders(**wanted.conditions(), order_ids=ids)
            found += self._reads.orders(account_id, wanted.status, LIMIT_MAX, where=where).items
            before = ids[-1]
        shown = found[:limit]
        following = _write_cursor(shown[-1]["id"]) if len(found) > limit else None
        return Page(self._desk.labelled(shown), following)

    def _bind_what_is_not(self, account_id: str) -> None:
        """A process that ended between an order and its answer has not noted the order's id."""
        for client_order_id in self._labels.unbound(account_id):
            order = self._reads.order_by_client_id(account_id, client_order_id)
            if order is not None:
                self._labels.bind(account_id, {client_order_id: order["id"]})

    def _trades(self, account_id: str, wanted: TradeSearch, limit: int, cursor: str | None) -> Page:
        where = of_fills(
            symbol=wanted.symbol,
            side=wanted.side,
            order_id=wanted.order_id,
            from_ns=wanted.from_ns,
            to_ns=wanted.to_ns,
        )
        page = self._reads.fills(account_id, limit, cursor, where=where)
        return Page(self._noted(page.items), page.next_cursor)

    def _noted(self, fills: list[Item]) -> list[Item]:
        """Fills with their notes, and with the labels of their orders."""
        fill_ids = [fill["id"] for fill in fills]
        notes, busts = self._labels.notes(fill_ids), self._labels.busts(fill_ids)
        labels = self._labels.of_order_ids({fill["order_id"] for fill in fills})
        found = []
        for fill in fills:
            label = labels.get(fill["order_id"])
            members = {} if label is None else label.members()
            if fill["id"] in busts:
                members |= {"busted": True, "corrected_by": busts[fill["id"]]}
            found.append(fill | {"note": notes.get(fill["id"])} | members)
        return found


async def _paged(
    find: Any, account_id: str, wanted: object, limit: int, cursor: str | None
) -> Page:
    try:
        page: Page = await asyncio.to_thread(partial(find, account_id, wanted, limit, cursor))
    except ValueError as error:
        raise malformed(f"cursor: {error}", field="cursor", value=cursor) from error
    return page


def _write_cursor(order_id: str) -> str:
    return base64.urlsafe_b64encode(order_id.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        order_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error) as error:
        raise ValueError("the cursor is not one of ours") from error
    if len(order_id) != _ID_LENGTH:
        raise ValueError("the cursor is not one of ours")
    return order_id

"""News of orders as Alpaca's trade updates.

A turn of the exchange is told as a whole: of an order first, then of its fill, at the end what the
account holds. So the position after each fill is known without asking anybody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from papertape.domain.decimal_text import decimal_text
from papertape.floor.ports import PrivateMessage
from papertape.server.dialects.alpaca.desk import OrderDesk
from papertape.server.dialects.alpaca.orders import Native, Order
from papertape.server.dialects.alpaca.words import activity_id
from papertape.server.problems import Problem
from papertape.server.stream.hub import Hub

Update = dict[str, Any]

EVENT_OF = {
    "new": "new",
    "pending_new": "pending_new",
    "canceled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
    "replace_rejected": "order_replace_rejected",
    "adjusted": "restated",
}
"""Events by the types of our `orders` channel; fills, releases, replacements say more."""
FILLS = {"fill": "fill", "partial_fill": "partial_fill"}


class TradeUpdates:
    """Hands the private messages of accounts to whoever listens to them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._inboxes: dict[str, set[Inbox]] = {}
        hub.hear(self._take)

    def open(self, account_id: str) -> "Inbox":
        """Listen to an account from now on."""
        inbox = Inbox(account_id)
        self._inboxes.setdefault(account_id, set()).add(inbox)
        return inbox

    def close(self, inbox: "Inbox") -> None:
        """Listen no more."""
        inboxes = self._inboxes.get(inbox.account_id, set())
        inboxes.discard(inbox)
        if not inboxes:
            self._inboxes.pop(inbox.account_id, None)

    def _take(self, message: PrivateMessage) -> None:
        for inbox in self._inboxes.get(message.account_id, ()):
            inbox.put(message)


class Inbox:
    """What one listener has not told yet, turn by turn."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self._messages: deque[PrivateMessage] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: PrivateMessage) -> None:
        """One more; all messages of a turn are put before anybody takes the first of them."""
        self._messages.append(message)
        self._filled.set()

    async def turn(self) -> list[PrivateMessage]:
        """The messages of the next turn."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        seq = self._messages[0].seq
        turn: list[PrivateMessage] = []
        while self._messages and self._messages[0].seq == seq:
            turn.append(self._messages.popleft())
        return turn


class Translator:
    """Makes updates of turns, for one listener."""

    def __init__(self, desk: OrderDesk) -> None:
        self._desk = desk
        self._released: set[str] = set()

    async def updates(self, turn: Sequence[PrivateMessage]) -> list[Update]:
        """The updates of a turn, in order; what Alpaca has no word for is left out."""
        read = [(message, msgspec.json.decode(message.data)) for message in turn]
        held = {d["symbol"]: Decimal(d["qty"]) for m, d in read if m.channel == "positions"}
        fills = [data for message, data in read if message.channel == "fills"]
        after = _positions_after(fills, held)
        updates: list[Update] = []
        waiting: dict[str, tuple[str, Native]] = {}
        for message, data in read:
            if message.channel == "fills":
                event, native = waiting.pop(data["order_id"], (None, None))
                if event is not None and native is not None:
                    more = _fill_terms(data, after[data["id"]])
                    updates += await self._of_order(event, native, message.seq, more)
            elif message.channel == "orders":
                if message.type in FILLS and not _is_combo(data):
                    waiting[data["id"]] = (FILLS[message.type], data)
                else:
                    updates += await self._news(message, data)
        return updates

    async def _news(self, message: PrivateMessage, native: Native) -> list[Update]:
        """News of an order that is no fill, or of a multi-leg order, whose legs tell the fills."""
        if message.type == "replaced":
            return await self._replacement(message, native)
        if message.type in FILLS:
            more = {"price": native["filled_avg_price"], "qty": native["filled_qty"]}
            return await self._of_order(FILLS[message.type], native, message.seq, more)
        event = EVENT_OF.get(message.type)
        if message.type == "new" and native["status"] == "held":
            return []  # an exit is new when its order releases it
        if message.type == "released" and native["id"] not in self._released:
            self._released.add(native["id"])
            event = "new"
        return [] if event is None else await self._of_order(event, native, message.seq)

    async def _replacement(self, message: PrivateMessage, native: Native) -> list[Update]:
        """The old order is replaced, the new one is new; an order that kept its id is restated."""
        one = await self._desk.just_replaced(native)
        if one is None:
            return await self._of_order("restated", native, message.seq)
        old = _update("replaced", one.old_order(), native["updated_at"], message.seq)
        return [old, *await self._of_order("new", native, message.seq)]

    async def _of_order(
        self, event: str, native: Native, seq: int, more: Update | None = None
    ) -> list[Update]:
        try:
            order = await self._desk.shown(native)
        except Problem:
            return []  # hidden: Alpaca has no word for it
        at = (more or {}).pop("timestamp", native["updated_at"])
        return [_update(event, order, at, seq) | (more or {})]


def _update(event: str, order: Order, at: str, seq: int) -> Update:
    return {
        "event": event,
        "execution_id": activity_id(order["id"], seq, event),
        "order": order,
        "timestamp": at,
    }


def _fill_terms(fill: Native, position: Decimal) -> Update:
    return {
        "execution_id": fill["id"],
        "price": fill["price"],
        "qty": fill["qty"],
        "position_qty": decimal_text(position),
        "timestamp": fill["time"],
    }


def _positions_after(fills: Sequence[Native], held: dict[str, Decimal]) -> dict[str, Decimal]:
    """The position after each fill, by its id; `held` is what the turn ended with."""
    after: dict[str, Decimal] = {}
    left = dict(held)
    for fill in reversed(fills):
        position = left.get(fill["symbol"], Decimal(0))
        after[fill["id"]] = position
        qty = Decimal(fill["qty"])
        left[fill["symbol"]] = position - qty if fill["side"] == "buy" else position + qty
    return after


def _is_combo(native: Native) -> bool:
    return native.get("order_class") == "mleg" and native.get("parent_id") is None

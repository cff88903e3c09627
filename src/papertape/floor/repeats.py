"""Answers request ids that the engine has forgotten, from the orders that the tables still have.

The engine keeps the ids of the last `REMEMBERED` requests of an account. So only accounts with that
many orders are looked up, and all others cost a dictionary access.
"""

from decimal import Decimal
from typing import Any

import msgspec

from papertape.domain.decimal_text import parse_decimal
from papertape.floor.ports import Reply, Storage
from papertape.floor.queue import Waiting

REMEMBERED = 10_000

_SAME_TEXT = ("symbol", "side", "type")
_SAME_NUMBER = ("qty", "limit_price", "stop_price")


class ForgottenRequests:
    """The request ids of accounts that have had more orders than the engine remembers."""

    def __init__(self, world_id: str, storage: Storage, remembered: int = REMEMBERED) -> None:
        self._world_id = world_id
        self._storage = storage
        self._remembered = remembered
        self._orders: dict[str, int] = {}

    def answer(self, waiting: Waiting) -> Reply | None:
        """The reply to a repeated request; None when the engine must decide."""
        if waiting.kind == "submit_all":
            accounts = [order.get("account_id") for order in _listed(waiting.command)]
        elif waiting.kind == "submit" and waiting.client_order_id:
            accounts = [waiting.account_id]
        else:
            return None
        had = [self._count(account) for account in accounts if isinstance(account, str)]
        return self.from_tables(waiting) if max(had, default=0) >= self._remembered else None

    def from_tables(self, waiting: Waiting) -> Reply | None:
        """What the tables say about the request ids of submitted orders; None when nothing."""
        if waiting.kind == "submit_all":
            return self._list_from_tables(_listed(waiting.command))
        if waiting.kind != "submit":
            return None
        known = self._known(waiting.account_id, waiting.client_order_id)
        return repeated(msgspec.json.decode(waiting.command), known) if known else None

    def _list_from_tables(self, orders: list[dict[str, Any]]) -> Reply | None:
        """The list itself when it was taken before; a refusal when only some of its ids were."""
        known = [self._known(one.get("account_id"), one.get("client_order_id")) for one in orders]
        if not any(known):
            return None
        items = []
        for item, (asked, stands) in enumerate(zip(orders, known, strict=True)):
            if stands is None:
                continue
            reply = repeated(asked, stands)
            told = {"outcome": reply.outcome, "order": msgspec.Raw(stands)}
            if reply.outcome != "existing" or not all(known):
                return _id_reused(msgspec.json.decode(stands), item)
            items.append(told)
        return Reply("existing", msgspec.json.encode({"items": items}))

    def _known(self, account_id: object, client_order_id: object) -> bytes | None:
        if not isinstance(account_id, str) or not isinstance(client_order_id, str):
            return None
        return self._storage.known_order(self._world_id, account_id, client_order_id)

    def _count(self, account: str) -> int:
        """How many orders the account had; one more from now on."""
        orders = self._orders.get(account)
        if orders is None:
            orders = self._storage.order_count(self._world_id, account, self._remembered)
        self._orders[account] = orders + 1
        return orders


def repeated(asked: dict[str, Any], known: bytes) -> Reply:
    """The order itself for the same request, `id_reused` for another one with the same id."""
    order: dict[str, Any] = msgspec.json.decode(known)
    return Reply("existing", known) if _same(asked, order) else _id_reused(order)


def _id_reused(order: dict[str, Any], item: int | None = None) -> Reply:
    detail = "the client_order_id was used for another order: choose a new one"
    body = {"reason": "id_reused", "detail": detail, "order_id": order["id"], "order": order}
    return Reply("id_reused", msgspec.json.encode(body | ({} if item is None else {"item": item})))


def _listed(command: bytes) -> list[dict[str, Any]]:
    """The orders of a list; none when it is no list of orders, which the engine says."""
    orders = msgspec.json.decode(command).get("orders")
    return [one for one in orders if isinstance(one, dict)] if isinstance(orders, list) else []


def _same(asked: dict[str, Any], order: dict[str, Any]) -> bool:
    same_text = all(asked.get(name) == order[name] for name in _SAME_TEXT)
    same_time = asked.get("time_in_force", "day") == order["time_in_force"]
    same_numbers = all(_number(asked.get(name)) == _number(order[name]) for name in _SAME_NUMBER)
    return same_text and same_time and same_numbers


def _number(text: object) -> Decimal | None:
    try:
        return None if text is None else parse_decimal(str(text))
    except ValueError:
        return None

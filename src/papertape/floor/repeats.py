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
        if waiting.kind != "submit" or not waiting.client_order_id:
            return None
        account = waiting.account_id
        orders = self._orders.get(account)
        if orders is None:
            orders = self._storage.order_count(self._world_id, account, self._remembered)
        self._orders[account] = orders + 1
        return None if orders < self._remembered else self.from_tables(waiting)

    def from_tables(self, waiting: Waiting) -> Reply | None:
        """What the tables say about the request id of a submitted order; None when nothing."""
        if waiting.kind != "submit":
            return None
        known = self._storage.known_order(
            self._world_id, waiting.account_id, waiting.client_order_id
        )
        return repeated(waiting.command, known) if known else None


def repeated(command: bytes, known: bytes) -> Reply:
    """The order itself for the same request, `id_reused` for another one with the same id."""
    asked: dict[str, Any] = msgspec.json.decode(command)
    order: dict[str, Any] = msgspec.json.decode(known)
    if _same(asked, order):
        return Reply("existing", known)
    detail = "the client_order_id was used for another order: choose a new one"
    body = {"reason": "id_reused", "detail": detail, "order_id": order["id"], "order": order}
    return Reply("id_reused", msgspec.json.encode(body))


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

"""Orders on their way to the floor: whose key allows orders up to an amount sends no larger one.

Every route and dialect sends orders through `OrderEntry`, so that no way leads around the amount.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from papertape.floor.ports import Reply
from papertape.server.callers import Caller
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem
from papertape.storage.reads import Reads

Fields = Mapping[str, Any]

_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")
_WEIGHED = ("account_id", "symbol", "side", "type", "qty", *_PRICES)


class OrderOfListError(Exception):
    """Why none of a list of orders is taken: the place of the one that is refused, and why."""

    def __init__(self, item: int, problem: Problem) -> None:
        super().__init__(f"order {item}: {problem}")
        self.item = item
        self.problem = problem


class OrderEntry:
    """Submits and replaces in a caller's name. The floor's refusals are returned as they are."""

    def __init__(self, exchange: Exchange, reads: Reads) -> None:
        self._exchange = exchange
        self._reads = reads

    async def submit(self, caller: Caller, fields: Fields) -> Reply:
        """Send an order; raises what `check` raises."""
        if caller.max_notional is not None:
            await self.check(caller, fields)
        return await self._exchange.send("submit", fields)

    async def submit_all(self, caller: Caller, orders: Sequence[Fields]) -> Reply:
        """Send orders of which all are taken, in one turn, or none.

        A refusal of the floor names the place of the order in the list (`item`); what `check`
        raises comes as `OrderOfListError`.
        """
        for item, fields in enumerate(orders):
            try:
                await self.check(caller, fields)
            except Problem as problem:
                raise OrderOfListError(item, problem) from problem
        # The account is for the floor's queue, which counts what waits for each.
        command = {"account_id": orders[0]["account_id"], "orders": orders}
        return await self._exchange.send("submit_all", command)

    async def replace(self, caller: Caller, fields: Fields) -> Reply:
        """Change an order; raises what `check` raises of the order as it would be."""
        if caller.max_notional is not None:
            order = await asyncio.to_thread(self._reads.order, fields["order_id"])
            if order is None or order["account_id"] != fields["account_id"]:
                return Reply("not_found", b"{}")
            await self.check(caller, {**order, **{k: v for k, v in fields.items() if v}})
        return await self._exchange.send("replace", fields)

    async def check(self, caller: Caller, fields: Fields) -> None:
        """Raises `Problem` 403 for an order worth more than the caller's key allows.

        An order whose worth nobody can tell is refused, too. One that the floor has already
        (`client_order_id` says so) passes: repeating it does nothing.
        """
        limit = caller.max_notional
        if limit is None:
            return
        try:
            worth = await self._worth(fields)
            if worth > limit:
                raise _too_large(worth, limit)
        except Problem:
            if not await self._is_known(fields):
                raise

    async def _worth(self, fields: Fields) -> Decimal:
        """What an order is worth, in the currency of its instrument.

        A purchase with a limit is worth that limit. All others can trade at better or worse prices
        than their own: they count at the market's price where that is higher. The legs of a
        multi-leg order count for themselves, as market orders.
        """
        if fields.get("order_class") == "mleg":
            legs = [self._cost(_leg(fields, leg)) for leg in _legs(fields)]
            return Decimal(sum([await leg for leg in legs]))
        weighed = {name: fields.get(name) for name in (*_WEIGHED, "notional")}
        if weighed["side"] == "buy" and weighed["limit_price"] is not None:
            return await self._cost(_at_its_limit(weighed))
        own = await self._cost(weighed)
        at_market = await self._cost(weighed | dict.fromkeys(_PRICES) | {"type": "market"})
        return max(own, at_market)

    async def _cost(self, fields: Fields) -> Decimal:
        """The cost as the floor previews it, without its sign."""
        told = msgspec.json.decode((await self._exchange.ask("preview", fields)).body)
        cost = abs(Decimal(told["cost"]))
        if cost:
            return cost
        for rejection in told["rejections"]:
            raise Problem(422, rejection.pop("reason"), rejection.pop("detail"), more=rejection)
        raise Problem(
            403,
            "notional_unknown",
            "the key allows orders up to an amount, and there is no price to tell what this one "
            "is worth; send it with a limit_price",
        )

    async def _is_known(self, fields: Fields) -> bool:
        """Whether the order was taken before; of a change that is never so."""
        if "order_id" in fields or "client_order_id" not in fields:
            return False
        find = self._reads.order_by_client_id
        known = await asyncio.to_thread(find, fields["account_id"], fields["client_order_id"])
        return known is not None


def _at_its_limit(weighed: dict[str, Any]) -> Fields:
    """The order as one that waits: its preview costs the limit, not the better price of now."""
    if weighed["type"] != "limit" or weighed["qty"] is None:
        return weighed
    return weighed | {"type": "stop_limit", "stop_price": weighed["limit_price"]}


def _legs(fields: Fields) -> list[Fields]:
    """The legs of a new multi-leg order; one that works already does not tell them all."""
    if "order_id" in fields:
        raise Problem(
            403,
            "notional_unknown",
            "the key allows orders up to an amount, and a multi-leg order is not weighed again; "
            "cancel it and send a new one",
        )
    return list(fields.get("legs") or [])


def _leg(fields: Fields, leg: Fields) -> Fields:
    qty = Decimal(fields.get("qty") or 1) * Decimal(leg.get("ratio_qty") or 1)
    return {
        "account_id": fields["account_id"],
        "symbol": leg["symbol"],
        "side": leg["side"],
        "type": "market",
        "qty": f"{qty:f}",
    }


def _too_large(worth: Decimal, limit: Decimal) -> Problem:
    return Problem(
        403,
        "max_notional_exceeded",
        f"the order is worth {worth} and the API key allows {limit}; lower the quantity",
        more={"value": str(worth), "limit": str(limit)},
    )

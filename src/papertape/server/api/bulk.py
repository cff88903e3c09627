"""Routes of many orders at once: each answered for itself, or all or none."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.floor.ports import FloorUnavailableError, Reply
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.orders import request_id
from papertape.server.bodies import check_body, read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import IDEMPOTENCY_KEY, document
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange, refusal
from papertape.server.models.bulk import BulkCancelRequest, BulkReply, BulkRequest
from papertape.server.models.orders import OrderRequest
from papertape.server.order_desk import OrderDesk, Prepared
from papertape.server.problems import Problem, floor_unavailable, id_reused
from papertape.server.replies import json_reply
from papertape.storage.tables import OPEN_STATUSES

SENT_AT_ONCE = 100

_NONE_SENT = ("bulk_refused", "an order would be refused, so none was sent; see items")
_UNDONE = (
    "bulk_undone",
    "an order was refused after others were taken; what still works of these is canceled",
)
_NONE_CANCELED = ("bulk_refused", "an order works no more, so none was canceled; see items")
_NOT_SENT = Problem(409, "not_sent", "another order of the request was refused, so it was not sent")

Item = dict[str, Any]


class BulkRoutes:
    """`/orders/bulk` and `/orders/bulk-cancel`."""

    def __init__(
        self, callers: Callers, accounts: Accounts, exchange: Exchange, desk: OrderDesk
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        for path, handler, body, refused in (
            ("bulk", self.submit_orders, BulkRequest, _NONE_SENT),
            ("bulk-cancel", self.cancel_orders, BulkCancelRequest, _NONE_CANCELED),
        ):
            router.add_api_route(
                f"{PREFIX}/orders/{path}",
                handler,
                methods=["POST"],
                tags=["orders"],
                **document(
                    replies={207: BulkReply},
                    body=body,
                    parameters=(IDEMPOTENCY_KEY,),
                    problems=(409,),
                    reasons={409: _UNDONE, 422: refused},
                    scope="trade",
                ),
            )

    async def submit_orders(self, request: Request) -> Response:
        """Send up to 500 orders, one after the other, or (`atomic`) all or none."""
        caller = await self._callers.of(request)
        asked = await read_body(request, BulkRequest)
        key = request_id(request) or str(uuid4())
        prepared = [
            await self._prepared(caller, content, key, number)
            for number, content in enumerate(asked.orders)
        ]
        if asked.atomic:
            items = await self._all_or_none(caller, prepared)
        else:
            items = await self._each(caller, prepared)
        return json_reply({"items": items}, 207)

    async def cancel_orders(self, request: Request) -> Response:
        """Cancel up to 500 orders, one after the other, or (`atomic`) all or none."""
        caller = await self._callers.of(request)
        asked = await read_body(request, BulkCancelRequest)
        if asked.atomic:
            await self._check_all_work(caller, asked.order_ids)
        items: list[Item] = []
        for start in range(0, len(asked.order_ids), SENT_AT_ONCE):
            part = asked.order_ids[start : start + SENT_AT_ONCE]
            items += await asyncio.gather(*(self._canceled(caller, one) for one in part))
        return json_reply({"items": items}, 207)

    # --- sending ---------------------------------------------------------------------------------

    async def _prepared(
        self, caller: Caller, content: Item, key: str, number: int
    ) -> Prepared | Problem:
        try:
            order = check_body(content, OrderRequest)
            part = str(uuid5(NAMESPACE_OID, f"{order.account_id}/{key}/{number}"))
            return await self._desk.prepare(caller, order, part)
        except Problem as problem:
            return problem

    async def _each(self, caller: Caller, orders: Sequence[Prepared | Problem]) -> list[Item]:
        items: list[Item] = []
        # Whose key weighs each order sends them one by one, or some would overtake others.
        at_once = SENT_AT_ONCE if caller.max_notional is None else 1
        for start in range(0, len(orders), at_once):
            part = orders[start : start + at_once]
            items += await asyncio.gather(*(self._sent(caller, order) for order in part))
        return items

    async def _sent(self, caller: Caller, order: Prepared | Problem) -> Item:
        if isinstance(order, Problem):
            return _of_problem(order)
        try:
            return _of_reply(await self._desk.send(caller, order))
        except Problem as problem:
            return _of_problem(problem)

    async def _all_or_none(
        self, caller: Caller, orders: Sequence[Prepared | Problem]
    ) -> list[Item]:
        """Items of orders that were all taken; raises `Problem` when one was refused."""
        ready = [order for order in orders if isinstance(order, Prepared)]
        try:
            refused = await self._foreseen(caller, orders)
        except FloorUnavailableError:
            await self._forget(ready)
            raise
        if refused is not None:
            await self._forget(ready)
            raise refused
        items: list[Item] = []
        for order in ready:
            items.append(await self._sent(caller, order))
            if items[-1]["status"] >= 400:
                raise await self._undone(caller, items, ready[len(items) :])
        return items

    async def _foreseen(
        self, caller: Caller, orders: Sequence[Prepared | Problem]
    ) -> Problem | None:
        """Why not all would be taken: one of them alone, or all together."""
        used: set[tuple[str, str]] = set()
        checked = [await self._checked(caller, order, used) for order in orders]
        over: Item | None = {}
        if not any(checked):
            new = [one for one in orders if isinstance(one, Prepared) and not one.is_repeated]
            over = await self._over_power(new)
            if over is None:
                return None
        told = [_of_problem(problem or _NOT_SENT) for problem in checked]
        return Problem(422, *_NONE_SENT, more={"items": told} | (over or {}))

    async def _checked(
        self, caller: Caller, order: Prepared | Problem, used: set[tuple[str, str]]
    ) -> Problem | None:
        """Why the order alone would be refused now; `used` are the ids of those before it."""
        if isinstance(order, Problem):
            return order
        ids = (order.account_id, order.client_order_id)
        if ids in used:
            return id_reused("order")
        used.add(ids)
        return await self._desk.check(caller, order)

    async def _forget(self, orders: Sequence[Prepared]) -> None:
        for order in orders:
            await self._desk.forget(order)

    async def _over_power(self, orders: Sequence[Prepared]) -> Item | None:
        """What all orders of an account need together, where it has less."""
        needed: dict[str, Decimal] = {}
        power: dict[str, Decimal] = {}
        for order in orders:
            reply = await self._exchange.ask("preview", order.fields)
            after = Decimal(msgspec.json.decode(reply.body)["buying_power_after"])
            if order.account_id not in power:
                value = await self._exchange.ask("value", {"account_id": order.account_id})
                told = msgspec.json.decode(value.body)["account"]["buying_power"]
                power[order.account_id] = Decimal(told)
            need = max(power[order.account_id] - after, Decimal(0))
            needed[order.account_id] = needed.get(order.account_id, Decimal(0)) + need
        for account_id, need in needed.items():
            if need > power[account_id]:
                return {"value": f"{need:f}", "limit": f"{power[account_id]:f}"}
        return None

    async def _undone(
        self, caller: Caller, items: list[Item], unsent: Sequence[Prepared]
    ) -> Problem:
        """Cancel what was taken and still works; the problem that tells how all of it ended."""
        for item in items[:-1]:
            if item["order"]["status"] in OPEN_STATUSES:
                canceled = await self._canceled(caller, item["order"]["id"])
                item.update(canceled)
        await self._forget(unsent)
        rest = [_of_problem(_NOT_SENT)] * len(unsent)
        return Problem(409, *_UNDONE, more={"items": [*items, *rest]})

    # --- canceling -------------------------------------------------------------------------------

    async def _check_all_work(self, caller: Caller, order_ids: Sequence[str]) -> None:
        items = [await self._working(caller, order_id) for order_id in order_ids]
        if any(item["status"] >= 400 for item in items):
            raise Problem(422, *_NONE_CANCELED, more={"items": items})

    async def _working(self, caller: Caller, order_id: str) -> Item:
        try:
            order = await self._desk.order(caller, order_id)
        except Problem as problem:
            return {"id": order_id} | _of_problem(problem)
        status = 200 if order["status"] in OPEN_STATUSES else 409
        return {"id": order_id, "status": status, "order": order}

    async def _canceled(self, caller: Caller, order_id: str) -> Item:
        told: Item = {"id": order_id}
        try:
            return told | _of_reply(await self._desk.cancel(caller, order_id, None))
        except Problem as problem:
            return told | _of_problem(problem)
        except FloorUnavailableError as error:
            return told | _of_problem(floor_unavailable(error))


def _of_reply(reply: Reply) -> Item:
    status = STATUS_OF_OUTCOME.get(reply.outcome, 500)
    if status >= 400:
        return _of_problem(refusal(reply))
    return {"status": status, "order": msgspec.json.decode(reply.body)}


def _of_problem(problem: Problem) -> Item:
    return {"status": problem.status, "problem": problem.body()}

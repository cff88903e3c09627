"""Routes of many orders at once: each answered for itself, or all or none."""

import asyncio
from collections.abc import Mapping, Sequence
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
from papertape.server.order_entry import OrderOfListError
from papertape.server.problems import Problem, floor_unavailable, id_reused
from papertape.server.replies import json_reply

SENT_AT_ONCE = 100
ATOMIC_COUNTS_AS = 100
"""Requests of the caller's rate: the engine tries an atomic list on a copy of the world first."""

_NONE_SENT = ("bulk_refused", "an order was refused, so none was taken; see items")
_NONE_CANCELED = ("bulk_refused", "an order works no more, so none was canceled; see items")
_NOT_SENT = Problem(409, "not_sent", "another order of the request was refused, so none was taken")
_NOT_CANCELED = Problem(
    409, "not_sent", "another order of the request cannot be canceled, so none was"
)

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
                    reasons={422: refused},
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
            self._callers.rates.take(caller.counted_as, ATOMIC_COUNTS_AS)
            items = await self._all_or_none(caller, prepared, key)
        else:
            items = await self._each(caller, prepared)
        return json_reply({"items": items}, 207)

    async def cancel_orders(self, request: Request) -> Response:
        """Cancel up to 500 orders, one after the other, or (`atomic`) all or none."""
        caller = await self._callers.of(request)
        asked = await read_body(request, BulkCancelRequest)
        if asked.atomic:
            items = await self._all_canceled(caller, asked.order_ids, request_id(request))
            return json_reply({"items": await self._desk.items_shown(items)}, 207)
        items = []
        for start in range(0, len(asked.order_ids), SENT_AT_ONCE):
            part = asked.order_ids[start : start + SENT_AT_ONCE]
            items += await asyncio.gather(*(self._canceled(caller, one) for one in part))
        return json_reply({"items": await self._desk.items_shown(items)}, 207)

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
        self, caller: Caller, orders: Sequence[Prepared | Problem], key: str
    ) -> list[Item]:
        """Items of orders that were all taken; raises `Problem` when one was refused."""
        ready = [order for order in orders if isinstance(order, Prepared)]
        wrong = _wrong(orders)
        if wrong:
            await self._desk.forget(*ready)
            raise _none_sent(len(orders), wrong)
        try:
            taken = await self._desk.send_all(caller, ready)
        except FloorUnavailableError as error:
            # Whoever gave no key learns the one to repeat with.
            raise floor_unavailable(error, {"idempotency_key": key}) from error
        except OrderOfListError as error:
            raise _none_sent(len(orders), {error.item: error.problem}) from error
        return [{"status": one.status, "order": one.order} for one in taken]

    # --- canceling -------------------------------------------------------------------------------

    async def _all_canceled(
        self, caller: Caller, order_ids: Sequence[str], key: str | None
    ) -> list[Item]:
        """Items of orders that were all canceled; raises `Problem` when one could not be."""
        orders = [await self._own(caller, order_id) for order_id in order_ids]
        wrong = {place: one for place, one in enumerate(orders) if isinstance(one, Problem)}
        if wrong:
            raise _none_canceled(order_ids, wrong)
        key = key or str(uuid4())
        try:
            own = [one for one in orders if not isinstance(one, Problem)]
            canceled = await self._desk.cancel_list(own, key)
        except FloorUnavailableError as error:
            raise floor_unavailable(error, {"idempotency_key": key}) from error
        except OrderOfListError as error:
            raise _none_canceled(order_ids, {error.item: error.problem}) from error
        return [
            {"id": order_id, "status": one.status, "order": one.order}
            for order_id, one in zip(order_ids, canceled, strict=True)
        ]

    async def _own(self, caller: Caller, order_id: str) -> Item | Problem:
        try:
            return await self._desk.own(caller, order_id)
        except Problem as problem:
            return problem

    async def _canceled(self, caller: Caller, order_id: str) -> Item:
        told: Item = {"id": order_id}
        try:
            return told | _of_reply(await self._desk.cancel(caller, order_id, None))
        except Problem as problem:
            return told | _of_problem(problem)
        except FloorUnavailableError as error:
            return told | _of_problem(floor_unavailable(error))


def _wrong(orders: Sequence[Prepared | Problem]) -> dict[int, Problem]:
    """What is wrong before anything is sent, by place; an id may stand in a list once."""
    wrong: dict[int, Problem] = {}
    used: set[tuple[str, str]] = set()
    for place, order in enumerate(orders):
        if isinstance(order, Problem):
            wrong[place] = order
            continue
        ids = (order.account_id, order.client_order_id)
        if ids in used:
            wrong[place] = id_reused("order")
        used.add(ids)
    return wrong


def _none_sent(count: int, wrong: Mapping[int, Problem]) -> Problem:
    items = [_of_problem(wrong.get(place, _NOT_SENT)) for place in range(count)]
    return Problem(422, *_NONE_SENT, more={"items": items})


def _none_canceled(order_ids: Sequence[str], wrong: Mapping[int, Problem]) -> Problem:
    items = [
        {"id": order_id} | _of_problem(wrong.get(place, _NOT_CANCELED))
        for place, order_id in enumerate(order_ids)
    ]
    return Problem(422, *_NONE_CANCELED, more={"items": items})


def _of_reply(reply: Reply) -> Item:
    status = STATUS_OF_OUTCOME.get(reply.outcome, 500)
    if status >= 400:
        return _of_problem(refusal(reply))
    return {"status": status, "order": msgspec.json.decode(reply.body)}


def _of_problem(problem: Problem) -> Item:
    return {"status": problem.status, "problem": problem.body()}

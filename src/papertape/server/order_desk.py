"""Orders as every route and dialect handles them: read, labelled, sent, found again.

Where an order goes on is `OrderEntry`; here it gets its listed symbols, its request id and what its
owner calls it (`strategy`, `tags`), which is written before it is sent.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from papertape.floor.ports import FloorUnavailableError, NotAccepted, Reply
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.label_store import Labels, LabelsDifferError, LabelStore
from papertape.server.callers import Caller
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange, refusal
from papertape.server.measures import Measures
from papertape.server.models.base import UUID_PATTERN
from papertape.server.models.orders import OrderRequest, PreviewRequest
from papertape.server.order_entry import OrderEntry, OrderOfListError
from papertape.server.problems import Problem, floor_unavailable, id_reused, not_found
from papertape.server.symbols import Symbols
from papertape.storage.reads import Reads

_UUID = re.compile(UUID_PATTERN)

_NO_LABELS = Labels(None, ())

Fields = dict[str, Any]


@dataclass(slots=True)
class Prepared:
    """An order ready to be sent.

    `is_labelled` when its labels were written for it just now.
    """

    fields: Fields
    labels: Labels
    is_labelled: bool = False

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return str(self.fields["account_id"])

    @property
    def client_order_id(self) -> str:
        """Its request id."""
        return str(self.fields["client_order_id"])


class Taken(NamedTuple):
    """One of several orders that were taken together: 201 for a new one, 200 for a repeat."""

    status: int
    order: Fields


def too_late(kind: str, status: str) -> tuple[str, str]:
    """Reason and detail for a cancel or replace of an order that has ended."""
    reason = {"cancel": "not_cancelable", "replace": "not_replaceable"}[kind]
    verb = {"cancel": "canceled", "replace": "replaced"}[kind]
    return reason, f"the order is {status} and cannot be {verb} any more"


class OrderDesk:
    """Takes orders of callers."""

    def __init__(
        self,
        accounts: Accounts,
        exchange: Exchange,
        symbols: Symbols,
        entry: OrderEntry,
        labels: LabelStore,
        reads: Reads,
        measures: Measures,
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._symbols = symbols
        self._entry = entry
        self._labels = labels
        self._reads = reads
        self._measures = measures

    # --- sending ---------------------------------------------------------------------------------

    async def submit(self, caller: Caller, order: OrderRequest, request_id: str | None) -> Reply:
        """Send an order; `request_id` is its id when it has none of its own.

        Raises `Problem` for what is refused before the floor hears of it.
        """
        prepared = await self.prepare(caller, order, request_id)
        return await self.send(caller, prepared)

    async def submit_common(self, caller: Caller, fields: Fields, request_id: str | None) -> Reply:
        """The same for an order of `common_fields`."""
        await self._accounts.require(caller, fields["account_id"])
        fields["symbol"] = await self._symbols.find(fields["symbol"]) or fields["symbol"]
        if "client_order_id" not in fields:
            fields["client_order_id"] = request_id or str(uuid4())
        return await self.send(caller, Prepared(fields, _NO_LABELS))

    async def submit_of(self, caller: Caller, fields: Fields, strategy: str | None) -> Reply:
        """Send an order of the server's own making in the name of a strategy, if there is one."""
        prepared = Prepared(fields, Labels(strategy, ()))
        if not prepared.labels.is_empty:
            await self._label(prepared)
        return await self.send(caller, prepared)

    async def prepare(
        self, caller: Caller, order: OrderRequest, request_id: str | None
    ) -> Prepared:
        """Everything but sending: whose it is, its symbols, its labels."""
        fields = await self.fields(caller, order)
        fields["client_order_id"] = order.client_order_id or request_id or str(uuid4())
        prepared = Prepared(fields, Labels(order.strategy, tuple(order.tags or ())))
        if not prepared.labels.is_empty:
            await self._label(prepared)
        return prepared

    async def send(self, caller: Caller, prepared: Prepared) -> Reply:
        """Send what was prepared; the reply of an order that is taken shows its labels."""
        try:
            reply = await self._entry.submit(caller, prepared.fields)
        except FloorUnavailableError as error:
            if isinstance(error, NotAccepted):
                await self.forget(prepared)
            # Whoever gave no id learns the one to repeat with.
            given = {"client_order_id": prepared.client_order_id}
            raise floor_unavailable(error, given) from error
        except Problem:
            await self.forget(prepared)
            raise
        self._measures.count_order(reply.outcome)
        if not prepared.labels.is_empty:
            reply = await self._bound(prepared, reply)
        return await self._refused(reply) if reply.outcome == "id_reused" else reply

    async def send_all(self, caller: Caller, prepared: Sequence[Prepared]) -> list[Taken]:
        """Send orders of which all are taken, in one turn, or none.

        Raises `OrderOfListError` where one of them is refused, `Problem` for what concerns all, and
        `FloorUnavailableError`.
        """
        try:
            orders = [one.fields for one in prepared]
            reply = await self._entry.submit_all(caller, orders)
        except FloorUnavailableError as error:
            if isinstance(error, NotAccepted):
                await self.forget(*prepared)
            raise
        except (Problem, OrderOfListError):
            await self.forget(*prepared)
            raise
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            await self.forget(*prepared)
            raise _of_list(refusal(await self._refused(reply)))
        items = msgspec.json.decode(reply.body)["items"]
        return [await self._taken(one, item) for one, item in zip(prepared, items, strict=True)]

    async def _taken(self, prepared: Prepared, item: Fields) -> Taken:
        outcome, order = item["outcome"], item["order"]
        self._measures.count_order(outcome)
        if not prepared.labels.is_empty:
            ids = {prepared.client_order_id: order["id"]}
            await asyncio.to_thread(self._labels.bind, prepared.account_id, ids)
        return Taken(STATUS_OF_OUTCOME[outcome], order | prepared.labels.members())

    async def forget(self, *prepared: Prepared) -> None:
        """The orders were not sent: they have no labels either."""
        for one in prepared:
            if one.is_labelled:
                ids = (one.account_id, one.client_order_id)
                await asyncio.to_thread(self._labels.drop, *ids)

    async def fields(self, caller: Caller, order: PreviewRequest) -> Fields:
        """An order for the floor, its symbols as they are listed; raises `Problem` 404, 422."""
        await self._accounts.require(caller, order.account_id)
        if order.advanced_instructions is not None:
            raise algo_not_available()
        fields = order.fields()
        for part in (fields, *fields.get("legs", ())):
            if "symbol" in part:
                # A name that is not listed is refused by the floor, with its reason.
                part["symbol"] = await self._symbols.find(part["symbol"]) or part["symbol"]
        return fields

    async def _label(self, prepared: Prepared) -> None:
        ids = (prepared.account_id, prepared.client_order_id)
        try:
            put = self._labels.put
            prepared.is_labelled = await asyncio.to_thread(put, *ids, prepared.labels)
        except LabelsDifferError as error:
            raise id_reused("order") from error

    async def _bound(self, prepared: Prepared, reply: Reply) -> Reply:
        """Note the id that the order got, or that there is none."""
        told = msgspec.json.decode(reply.body) if reply.body else {}
        is_taken = STATUS_OF_OUTCOME.get(reply.outcome, 500) < 400
        order_id = told.get("id" if is_taken else "order_id")
        if order_id is None or reply.outcome == "id_reused":  # which names the other order
            await self.forget(prepared)
            return reply
        ids = {prepared.client_order_id: order_id}
        await asyncio.to_thread(self._labels.bind, prepared.account_id, ids)
        if not is_taken:
            order = told["order"] | prepared.labels.members()
            return Reply(reply.outcome, msgspec.json.encode(told | {"order": order}))
        return Reply(reply.outcome, msgspec.json.encode(told | prepared.labels.members()))

    # --- orders that were sent -------------------------------------------------------------------

    async def cancel(self, caller: Caller, order_id: str, request_id: str | None) -> Reply:
        """Cancel an order of the caller; raises `Problem` 404, and 409 for one that has ended."""
        return await self._command(caller, "cancel", order_id, {}, request_id)

    async def cancel_list(self, orders: Sequence[Fields], request_id: str) -> list[Taken]:
        """Cancel orders that `own` gave, in one turn, or none of them.

        Raises `OrderOfListError` where one of them has ended, `Problem` for what concerns all, and
        `FloorUnavailableError`.
        """
        named = [{"account_id": one["account_id"], "order_id": one["id"]} for one in orders]
        # The account is for the floor's queue, which counts what waits for each.
        command = {"account_id": orders[0]["account_id"], "orders": named, "request_id": request_id}
        reply = await self._exchange.send("cancel_list", command)
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) < 400:
            items = msgspec.json.decode(reply.body)["items"]
            return [Taken(STATUS_OF_OUTCOME[one["outcome"]], one["order"]) for one in items]
        refused = _of_list(refusal(await self._refused(reply)))
        if isinstance(refused, OrderOfListError) and reply.outcome == "not_found":
            # The floor has forgotten it, so it ended long ago.
            (order,) = await asyncio.to_thread(self.labelled, [orders[refused.item]])
            raise OrderOfListError(refused.item, _ended("cancel", order))
        raise refused

    async def replace(
        self, caller: Caller, order_id: str, change: Mapping[str, Any], request_id: str | None
    ) -> Reply:
        """Change an order of the caller; raises as `cancel`."""
        return await self._command(caller, "replace", order_id, change, request_id)

    async def order(self, caller: Caller, order_id: str) -> Fields:
        """The order of the read models with its labels; raises `Problem` 404 for a stranger's."""
        order = await self.own(caller, order_id)
        (labelled,) = await asyncio.to_thread(self.labelled, [order])
        return labelled

    async def shown(self, reply: Reply) -> Reply:
        """The floor's answer about an order, with its labels; refusals have theirs."""
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            return reply
        (order,) = await asyncio.to_thread(self.labelled, [msgspec.json.decode(reply.body)])
        return Reply(reply.outcome, msgspec.json.encode(order))

    async def _refused(self, reply: Reply) -> Reply:
        """A refusal whose `order`, where it has one, shows its labels; others as they are."""
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) < 400:
            return reply
        told = msgspec.json.decode(reply.body) if reply.body else {}
        if told.get("order") is None:
            return reply
        (told["order"],) = await asyncio.to_thread(self.labelled, [told["order"]])
        return Reply(reply.outcome, msgspec.json.encode(told))

    async def items_shown(self, items: Sequence[Fields]) -> list[Fields]:
        """Items of a list whose `order`, where they have one, shows its labels."""
        orders = [item["order"] for item in items if "order" in item]
        labelled = iter(await asyncio.to_thread(self.labelled, orders) if orders else ())
        return [item | {"order": next(labelled)} if "order" in item else item for item in items]

    def labelled(self, orders: Sequence[Fields]) -> list[Fields]:
        """Orders with their labels, legs with the strategy of their parent. Blocks."""
        by_account: dict[str, list[str]] = {}
        for order in orders:
            by_account.setdefault(order["account_id"], []).append(order["client_order_id"])
        found = {
            (account_id, client_id): labels
            for account_id, client_ids in by_account.items()
            for client_id, labels in self._labels.of_orders(account_id, client_ids).items()
        }
        parents = {order["parent_id"] for order in orders if "parent_id" in order}
        of_parents = self._labels.of_order_ids(parents) if parents else {}
        return [_with(order, found, of_parents) for order in orders]

    async def _command(
        self,
        caller: Caller,
        kind: str,
        order_id: str,
        change: Mapping[str, Any],
        request_id: str | None,
    ) -> Reply:
        """Send a command about an order in the name of the account that owns it.

        The floor says `not_found` for an order of another account; so whoever has one account, as
        nearly all have, needs no query for an order that works.
        """
        if not _UUID.fullmatch(order_id):
            raise not_found("order")
        fields = {**change, "order_id": order_id, "request_id": request_id or str(uuid4())}
        account = await self._account_of(caller, order_id)
        fields["account_id"] = account.account_id
        if kind == "replace":
            reply = await self._entry.replace(caller, fields)
        else:
            reply = await self._exchange.send(kind, fields)
        if reply.outcome != "not_found":
            return await self._refused(reply)
        raise _ended(kind, await self.order(caller, order_id))

    async def _account_of(self, caller: Caller, order_id: str) -> OwnedAccount:
        owned = await self._accounts.of(caller)
        if len(owned) == 1:
            return owned[0]
        order = await self.own(caller, order_id)
        return await self._accounts.require(caller, order["account_id"])

    async def own(self, caller: Caller, order_id: str) -> Fields:
        """The order of the read models; raises `Problem` 404 for a stranger's."""
        if not _UUID.fullmatch(order_id):
            raise not_found("order")
        order = await asyncio.to_thread(self._reads.order, order_id)
        if order is None or not await self._accounts.owns(caller, order["account_id"]):
            raise not_found("order")
        return order


def _ended(kind: str, order: Fields) -> Problem:
    more = {"order_id": order["id"], "value": order["status"], "order": order}
    return Problem(409, *too_late(kind, order["status"]), more=more)


def _of_list(problem: Problem) -> Problem | OrderOfListError:
    """The refusal of a list as that of the order which is why, where it is one of them."""
    told = dict(problem.more)
    item = told.pop("item", None)
    if item is None:
        return problem
    return OrderOfListError(
        item, Problem(problem.status, problem.reason, problem.detail, more=told)
    )


def algo_not_available() -> Problem:
    """422: what the order asks for would have been ignored."""
    return Problem(
        422,
        "algo_not_available",
        "advanced_instructions: execution algorithms (TWAP, VWAP) are not available; send the "
        "order without them",
        more={"field": "advanced_instructions"},
    )


def _with(
    order: Fields, found: Mapping[tuple[str, str], Labels], of_parents: Mapping[str, Labels]
) -> Fields:
    labels = found.get((order["account_id"], order["client_order_id"]))
    parent = of_parents.get(order.get("parent_id", ""))
    if labels is None and parent is not None and parent.strategy is not None:
        labels = Labels(parent.strategy, ())
    return order if labels is None else order | labels.members()

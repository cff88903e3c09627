"""Turns acknowledged alerts into orders, each webhook's in the order in which they came.

The work survives everything: what is to be sent is in `auth.db` before it is sent, and an order's
`client_order_id` is derived from its alert, so whatever is repeated after a fall does nothing
twice. While the floor is away an alert waits. Start reading at `_work_off`.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
import structlog

from papertape.floor.ports import FloorUnavailableError, Reply
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.store import AuthStore
from papertape.server.bodies import check_body
from papertape.server.callers import Caller
from papertape.server.dialects.tradingview.alert import Alert, read_alert
from papertape.server.dialects.tradingview.fields import Fields, UnreadableAlertError
from papertape.server.dialects.tradingview.plan import PlanRefusedError, plan
from papertape.server.dialects.tradingview.situations import (
    AlertRefusedError,
    Listing,
    Situations,
    order_prefix,
    refusal_of,
)
from papertape.server.dialects.tradingview.store import KeptAlert, Trade, Webhook, WebhookStore
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange
from papertape.server.models.orders import OrderRequest
from papertape.server.order_desk import OrderDesk
from papertape.server.problems import Problem

WEBHOOKS_AT_ONCE = 16
ACCOUNTS_AT_ONCE = 8
WAIT_MAX_S = 5.0
STRATEGY_LENGTH_MAX = 64


class Desk:
    """One worker for each webhook that has work; several servers may do the same work at once."""

    def __init__(
        self,
        *,
        store: WebhookStore,
        auth: AuthStore,
        situations: Situations,
        exchange: Exchange,
        orders: OrderDesk,
    ) -> None:
        self._store = store
        self._auth = auth
        self._situations = situations
        self._orders = orders
        self._exchange = exchange
        self._one_by_one: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(WEBHOOKS_AT_ONCE)

    async def start(self) -> None:
        """Take up what an earlier run has left."""
        for webhook_id in await asyncio.to_thread(self._store.with_work):
            self.wake(webhook_id)

    async def stop(self) -> None:
        """Break off; what is left waits for the next start."""
        tasks = list(self._working.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, webhook_id: str) -> None:
        """There is an alert of that webhook."""
        before = self._working.get(webhook_id)
        work = self._work_off(webhook_id) if before is None else self._again(before, webhook_id)
        self._spawn(webhook_id, work)

    def _spawn(self, webhook_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._working[webhook_id] = task

        def forget(ended: asyncio.Task[None]) -> None:
            if self._working.get(webhook_id) is ended:
                del self._working[webhook_id]

        task.add_done_callback(forget)

    async def _again(self, before: asyncio.Task[None], webhook_id: str) -> None:
        """Behind the work at hand, which may have looked for alerts before this one was there."""
        await asyncio.wait([before])
        await self._work_off(webhook_id)

    # --- the work --------------------------------------------------------------------------------

    async def _work_off(self, webhook_id: str) -> None:
        async with self._turn:
            while (alert := await self._next_waiting(webhook_id)) is not None:
                await self._until_done(alert)

    async def _next_waiting(self, webhook_id: str) -> KeptAlert | None:
        """The next alert; waits while the database is away."""
        while True:
            try:
                return await asyncio.to_thread(self._store.next_waiting, webhook_id)
            except FloorUnavailableError as error:
                structlog.get_logger().info("alerts_wait", webhook=webhook_id, why=str(error))
                await asyncio.sleep(WAIT_MAX_S)

    async def _until_done(self, alert: KeptAlert) -> None:
        """Repeat an alert until the floor has answered all of it."""
        wait_s = 0.25
        while True:
            try:
                await self._do(alert)
            except (FloorUnavailableError, _LaterError) as error:
                structlog.get_logger().info("alert_waits", alert=alert.alert_id, why=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, WAIT_MAX_S)
            except Exception as error:  # noqa: BLE001 - one alert must not hold up all behind it
                structlog.get_logger().error("alert_failed", alert=alert.alert_id, exc_info=error)
                await self._finish(alert, "failed", "internal_error", "the log of the server says")
                return
            else:
                return

    async def _do(self, kept: KeptAlert) -> None:
        webhook = await asyncio.to_thread(self._store.by_id, kept.webhook_id)
        user = None
        if webhook is not None:
            user = await asyncio.to_thread(self._auth.user, webhook.user_id)
        if webhook is None or user is None:
            await self._finish(kept, "refused", "no_user", "the user of the webhook has left")
            return
        try:
            alert = read_alert(Fields.of_content(kept.content))
            symbol = await self._situations.symbol(webhook, alert)
            listing = await self._situations.listing(symbol)
            members = await self._situations.members(webhook, alert)
        except (AlertRefusedError, UnreadableAlertError) as error:
            await self._finish(kept, "refused", error.reason, error.detail)
            return
        turn = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
        job = _Job(Caller(user), kept, webhook, alert, listing)

        async def on(account: OwnedAccount) -> dict[str, Any]:
            async with turn, self._alone_with(account, symbol):
                return await self._trade(job, account)

        outcomes = await asyncio.gather(*map(on, members), return_exceptions=True)
        results: list[dict[str, Any]] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        await self._finish_all(kept, results)

    def _alone_with(self, account: OwnedAccount, symbol: str) -> asyncio.Lock:
        """Two webhooks that went by one position at once would both make the way to a target."""
        place = (account.account_id, symbol)
        lock = self._one_by_one.get(place)
        if lock is None:
            lock = self._one_by_one[place] = asyncio.Lock()
        return lock

    async def _finish_all(self, kept: KeptAlert, results: list[dict[str, Any]]) -> None:
        refused = [result for result in results if result["status"] == "refused"]
        if len(refused) == len(results):
            first = refused[0]
            await self._finish(kept, "refused", first["reason"], first["detail"])
        else:
            await self._finish(kept, "done")

    async def _finish(
        self, alert: KeptAlert, status: str, reason: str | None = None, detail: str | None = None
    ) -> None:
        await asyncio.to_thread(self._store.finish, alert, status, reason, detail)

    async def _trade(self, job: "_Job", account: OwnedAccount) -> dict[str, Any]:
        """Bring one account there, from wherever an earlier try has got to."""
        ids = (job.kept.alert_id, account.account_id)
        trade = await asyncio.to_thread(self._store.trade, *ids)
        if trade is not None and trade.result is not None:
            return trade.result
        if trade is None:
            cancels = await self._cancels(job, account)
            trade = await asyncio.to_thread(self._store.plan_cancels, *ids, cancels)
        for number, order_id in enumerate(trade.cancels, 1):
            await self._cancel(job, account, order_id, number)
        if trade.plan is None:
            planned = await self._plan(job, account)
            trade = await asyncio.to_thread(self._store.plan_orders, *ids, planned)
        assert trade.plan is not None
        result = await self._send(job.caller, account, trade, trade.plan)
        await asyncio.to_thread(self._store.note_result, *ids, result)
        return result

    async def _cancels(self, job: "_Job", account: OwnedAccount) -> list[str]:
        """The orders that go first; none where nothing will be sent."""
        facts = await self._situations.facts(account, job.listing)
        try:
            intended = plan(job.alert, job.webhook.sizing, facts)
        except PlanRefusedError:
            return []
        return await self._situations.in_the_way(
            job.webhook.webhook_id, account, job.alert, intended, facts
        )

    async def _plan(self, job: "_Job", account: OwnedAccount) -> dict[str, Any]:
        """What is sent then, as it is written down."""
        facts = await self._situations.facts(account, job.listing)
        shown: dict[str, Any] = {"symbol": job.listing.symbol, "held": _text(facts.held)}
        try:
            intended = plan(job.alert, job.webhook.sizing, facts)
        except PlanRefusedError as error:
            return shown | {"orders": [], "notes": [], "refusal": refusal_of(error)}
        orders = [
            {"client_order_id": job.order_id(number), "strategy": job.strategy, **order}
            for number, order in enumerate(intended.orders, 1)
        ]
        return shown | {
            "target": _text(intended.target),
            "orders": orders,
            "notes": intended.notes,
        }

    async def _cancel(self, job: "_Job", account: OwnedAccount, order_id: str, number: int) -> None:
        """An order that has ended in the meantime is as good as canceled."""
        reply = await self._exchange.send(
            "cancel",
            {
                "account_id": account.account_id,
                "order_id": order_id,
                "request_id": f"{job.order_id(number)}x",
            },
        )
        _later_if_busy(reply)

    async def _send(
        self, caller: Caller, account: OwnedAccount, trade: Trade, planned: dict[str, Any]
    ) -> dict[str, Any]:
        """Send what is planned, one after the other; nothing follows an order that was refused."""
        result = {name: value for name, value in planned.items() if name != "refusal"}
        result |= {"canceled": trade.cancels, "orders": [], "status": "nothing_to_do"}
        if planned.get("refusal"):
            return result | {"status": "refused", **planned["refusal"]}
        refused: dict[str, Any] | None = None
        for order in planned["orders"]:
            if refused is not None:
                result["orders"].append(order | {"status": "not_sent"})
                continue
            told = await self._submit(caller, {"account_id": account.account_id, **order})
            result["orders"].append(order | told)
            result["status"] = "sent"
            if "detail" in told:
                refused = told
        if refused is not None:
            result["reason"], result["detail"] = refused["reason"], refused["detail"]
            if len(result["orders"]) == 1 or result["orders"][1]["status"] == "not_sent":
                result["status"] = "refused"
        return result

    async def _submit(self, caller: Caller, fields: dict[str, Any]) -> dict[str, Any]:
        """What became of an order; only a refusal has a `detail`."""
        try:
            order = check_body(fields, OrderRequest)
            reply = await self._orders.submit(caller, order, None)
        except Problem as problem:
            if problem.status == 503:
                raise _LaterError(problem.detail) from problem
            return {"status": "refused", "reason": problem.reason, "detail": problem.detail}
        _later_if_busy(reply)
        return _told(reply)


class _LaterError(Exception):
    """The floor is away, or has no room for the account's command now."""


@dataclass(frozen=True, slots=True)
class _Job:
    """An alert that is understood."""

    caller: Caller
    kept: KeptAlert
    webhook: Webhook
    alert: Alert
    listing: Listing

    def order_id(self, number: int) -> str:
        """The `client_order_id` of an order: the same however often the alert is worked."""
        return f"{order_prefix(self.webhook.webhook_id)}{UUID(self.kept.alert_id).hex}-{number}"

    @property
    def strategy(self) -> str:
        """The label of its orders: the strategy that the alert names, else the webhook."""
        name = self.alert.strategy or self.webhook.name
        plain = "".join(letter for letter in name if letter.isprintable() and letter != "|")
        return plain[:STRATEGY_LENGTH_MAX].strip() or self.webhook.webhook_id


def _later_if_busy(reply: Reply) -> None:
    if reply.outcome == "too_many":
        raise _LaterError("too many commands of this account wait")


def _told(reply: Reply) -> dict[str, Any]:
    """What the log keeps of the floor's answer to an order."""
    told = msgspec.json.decode(reply.body) if reply.body else {}
    if STATUS_OF_OUTCOME.get(reply.outcome, 500) < 400:
        return {"status": told["status"], "order_id": told["id"], "reason": told["reason"]}
    return {
        "status": "rejected" if told.get("order_id") else "refused",
        "order_id": told.get("order_id"),
        "reason": told.get("reason") or reply.outcome,
        "detail": told.get("detail") or f"the floor answered {reply.outcome}",
    }


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"

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

import msgspec
import structlog

from papertape.floor.ports import FloorUnavailableError, Reply
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.store import AuthStore
from papertape.server.bodies import check_body
from papertape.server.callers import Caller
from papertape.server.dialects.tradingview.alert import Alert, read_alert
from papertape.server.dialects.tradingview.fields import Fields, UnreadableAlertError
from papertape.server.dialects.tradingview.plan import (
    Facts,
    Plan,
    PlanRefusedError,
    plan,
    to_clear,
)
from papertape.server.dialects.tradingview.store import KeptAlert, Trade, Webhook, WebhookStore
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange
from papertape.server.groups import BUILT_IN, GroupStore
from papertape.server.models.orders import OrderRequest
from papertape.server.order_desk import OrderDesk
from papertape.server.problems import Problem
from papertape.server.symbols import Symbols
from papertape.storage.reads import Reads

WEBHOOKS_AT_ONCE = 16
ACCOUNTS_AT_ONCE = 8
OPEN_ORDERS_MAX = 1_000
WAIT_MAX_S = 5.0
STRATEGY_LENGTH_MAX = 64


class AlertRefusedError(Exception):
    """No account can act on the alert; `reason` is stable."""

    def __init__(self, reason: str, detail: str, value: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.value = value


class Desk:
    """One worker for each webhook that has work; several servers may do the same work at once."""

    def __init__(
        self,
        *,
        store: WebhookStore,
        groups: GroupStore,
        auth: AuthStore,
        accounts: Accounts,
        exchange: Exchange,
        orders: OrderDesk,
        symbols: Symbols,
        reads: Reads,
    ) -> None:
        self._store = store
        self._groups = groups
        self._auth = auth
        self._orders = orders
        self._accounts = accounts
        self._exchange = exchange
        self._symbols = symbols
        self._reads = reads
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
            while (
                alert := await asyncio.to_thread(self._store.next_waiting, webhook_id)
            ) is not None:
                await self._until_done(alert)

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
            symbol = await self.symbol(webhook, alert)
            members = await self.members(webhook, alert)
        except (AlertRefusedError, UnreadableAlertError) as error:
            await self._finish(kept, "refused", error.reason, error.detail)
            return
        turn = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
        job = _Job(Caller(user), kept, webhook, alert, symbol)

        async def on(account: OwnedAccount) -> dict[str, Any]:
            async with turn:
                return await self._trade(job, account)

        outcomes = await asyncio.gather(*map(on, members), return_exceptions=True)
        results: list[dict[str, Any]] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        await self._finish_all(kept, results)

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
        facts = await self.facts(account, job.symbol)
        try:
            intended = plan(job.alert, job.webhook.sizing, facts)
        except PlanRefusedError:
            return []
        return await self.in_the_way(job.webhook.webhook_id, account, job.alert, intended, facts)

    async def _plan(self, job: "_Job", account: OwnedAccount) -> dict[str, Any]:
        """What is sent then, as it is written down."""
        facts = await self.facts(account, job.symbol)
        shown: dict[str, Any] = {"symbol": job.symbol, "held": _text(facts.held)}
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

    # --- what an alert means, asked also by a dry run --------------------------------------------

    async def symbol(self, webhook: Webhook, alert: Alert) -> str:
        """The listed symbol that the alert means; raises `AlertRefusedError`."""
        for name in _names_of(alert):
            mapped = webhook.symbol_map.get(name.upper())
            found = await self._symbols.find(mapped or name)
            if found is None and mapped is None:
                found = await self._symbols.find(name.upper())
            if found is not None:
                return found
            if mapped is not None:
                raise AlertRefusedError(
                    "unknown_symbol",
                    f"the symbol map leads {name} to {mapped}, which is not listed; GET "
                    "/api/v1/instruments lists the symbols",
                    mapped,
                )
        raise AlertRefusedError(
            "unknown_symbol",
            f"{alert.symbol} is not listed; map it to a listed symbol in the symbol_map of the "
            "webhook",
            alert.symbol,
        )

    async def members(self, webhook: Webhook, alert: Alert) -> list[OwnedAccount]:
        """The accounts that the alert trades; raises `AlertRefusedError`."""
        of_user = await self._accounts.of_user(webhook.user_id)
        owned = {one.account_id: one for one in of_user if not one.is_archived}
        members = await self._of_group(webhook, list(owned))
        of_group = [owned[one] for one in members if one in owned]
        if not of_group:
            raise AlertRefusedError(
                "no_account",
                f"the group {webhook.group} is gone or empty; give the webhook another",
                webhook.group,
            )
        if alert.account is None or alert.account == webhook.group:
            return of_group
        wanted = [one for one in of_group if alert.account in {one.account_id, one.name}]
        if not wanted:
            raise AlertRefusedError(
                "unknown_account",
                f"the group {webhook.group} has no account of this id or name; leave it out to "
                "trade on all of the group",
                alert.account[:200],
            )
        return wanted

    async def _of_group(self, webhook: Webhook, owned: list[str]) -> list[str]:
        if webhook.group == BUILT_IN:
            return owned[:1]
        group = await asyncio.to_thread(self._groups.named, webhook.user_id, webhook.group)
        return [] if group is None else list(group.account_ids)

    async def facts(self, account: OwnedAccount, symbol: str) -> Facts:
        """The account and the market of the instrument, now."""
        listed = next(one for one in await self._symbols.instruments() if one["symbol"] == symbol)
        book = await self._exchange.ask("book", {"symbol": symbol, "depth": 1})
        quote = msgspec.json.decode(book.body)["quote"] or {}
        value = await self._accounts.value(account)
        positions = msgspec.json.decode(value.positions)
        held = next((one["qty"] for one in positions if one["symbol"] == symbol), "0")
        return Facts(
            symbol=symbol,
            currency=listed["currency"],
            tick_size=Decimal(listed["tick_size"]),
            lot_size=Decimal(listed["lot_size"]),
            multiplier=Decimal(listed.get("contract", {}).get("multiplier", "1")),
            bid=_maybe(quote.get("bid")),
            ask=_maybe(quote.get("ask")),
            last=_maybe(quote.get("last")),
            held=Decimal(held),
            equity=Decimal(value.account["equity"]),
            account_currency=value.account["currency"],
        )

    async def in_the_way(
        self, webhook_id: str, account: OwnedAccount, alert: Alert, intended: Plan, facts: Facts
    ) -> list[str]:
        """The open orders that earlier alerts of the webhook have left and that have to go."""
        clearing = to_clear(alert, intended.target, facts.held)
        if clearing == "nothing":
            return []
        page = await asyncio.to_thread(
            self._reads.orders, account.account_id, "open", OPEN_ORDERS_MAX
        )
        found = []
        for order in page.items:
            if order["symbol"] != facts.symbol:
                continue
            parent_id = order.get("parent_id")
            origin = order if parent_id is None else await self._order(parent_id)
            ours = origin["client_order_id"].startswith(_prefix(webhook_id))
            entry = parent_id is None and not order.get("reduce_only")
            if ours and (entry or clearing == "all"):
                found.append(order["id"])
        return found

    async def _order(self, order_id: str) -> dict[str, Any]:
        order = await asyncio.to_thread(self._reads.order, order_id)
        return order or {"client_order_id": ""}

    async def preview(self, account: OwnedAccount, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Why the floor would refuse an order now; empty when it would take it."""
        fields = {"account_id": account.account_id, "client_order_id": "dry-run", **order}
        reply = await self._exchange.send("preview", fields)
        told = msgspec.json.decode(reply.body) if reply.body else {}
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) < 400:
            rejections: list[dict[str, Any]] = told["rejections"]
            return rejections
        return [{"reason": told.get("reason", reply.outcome), "detail": told.get("detail", "")}]


class _LaterError(Exception):
    """The floor is away, or has no room for the account's command now."""


@dataclass(frozen=True, slots=True)
class _Job:
    """An alert that is understood."""

    caller: Caller
    kept: KeptAlert
    webhook: Webhook
    alert: Alert
    symbol: str

    def order_id(self, number: int) -> str:
        """The `client_order_id` of an order: the same however often the alert is worked."""
        return f"{_prefix(self.webhook.webhook_id)}{UUID(self.kept.alert_id).hex}-{number}"

    @property
    def strategy(self) -> str:
        """The label of its orders: the strategy that the alert names, else the webhook."""
        name = self.alert.strategy or self.webhook.name
        plain = "".join(letter for letter in name if letter.isprintable() and letter != "|")
        return plain[:STRATEGY_LENGTH_MAX].strip() or self.webhook.webhook_id


def refusal_of(
    error: PlanRefusedError | AlertRefusedError | UnreadableAlertError,
) -> dict[str, Any]:
    """A refusal as the log and a dry run tell it."""
    told = {"reason": error.reason, "detail": error.detail, "value": error.value}
    return {name: value for name, value in told.items() if value is not None}


def _prefix(webhook_id: str) -> str:
    return f"tv-{UUID(webhook_id).hex[:12]}-"


def _names_of(alert: Alert) -> list[str]:
    """How the symbol may be known, the most particular name first."""
    exchange, _, ticker = alert.symbol.rpartition(":")
    exchange = exchange or alert.exchange or ""
    return [f"{exchange}:{ticker}", ticker] if exchange else [ticker]


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


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"

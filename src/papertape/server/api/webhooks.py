"""Routes of incoming webhooks: set them up, try an alert, read their log."""

import asyncio
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.api import PREFIX
from papertape.server.api.groups import require_whole
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.dialects.tradingview.dry_run import DryRun
from papertape.server.dialects.tradingview.fields import BODY_BYTES_MAX
from papertape.server.dialects.tradingview.plan import Sizing
from papertape.server.dialects.tradingview.secret import SecretCheck
from papertape.server.dialects.tradingview.store import (
    WEBHOOKS_MAX,
    KeptAlert,
    TooManyWebhooksError,
    Trade,
    Webhook,
    WebhookStore,
)
from papertape.server.documents import Listed, document
from papertape.server.groups import BUILT_IN, GroupStore
from papertape.server.models.webhooks import (
    AlertReply,
    DryRunReply,
    SizingRequest,
    TradingViewAlert,
    WebhookChange,
    WebhookMadeReply,
    WebhookReply,
    WebhookRequest,
)
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply, listed
from papertape.server.symbols import Symbols

_NO_WEBHOOK = {404: ("not_found", not_found("webhook").detail)}
_TOO_MANY = ("too_many_webhooks", f"a user has at most {WEBHOOKS_MAX} webhooks; remove one first")
_BAD_GROUP = ("malformed", "group: there is no such group; GET /api/v1/account-groups lists them")
_BAD_CURSOR = "cursor: the cursor is not one of ours"


class WebhookRoutes:
    """Everything under `/webhooks`."""

    def __init__(
        self,
        callers: Callers,
        store: WebhookStore,
        groups: GroupStore,
        symbols: Symbols,
        dry_run: DryRun,
        secrets: SecretCheck,
    ) -> None:
        self._callers = callers
        self._store = store
        self._groups = groups
        self._symbols = symbols
        self._dry_run = dry_run
        self._secrets = secrets

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        many, one = f"{PREFIX}/webhooks", f"{PREFIX}/webhooks/{{webhook_id}}"
        no_webhook = _NO_WEBHOOK | {422: _BAD_GROUP}
        for path, handler, method, documented in (
            (
                many,
                self.create_webhook,
                "POST",
                document(
                    replies={201: WebhookMadeReply},
                    body=WebhookRequest,
                    problems=(409,),
                    reasons={409: _TOO_MANY, 422: _BAD_GROUP},
                    scope="account",
                ),
            ),
            (many, self.list_webhooks, "GET", document(replies={200: Listed[WebhookReply]})),
            (
                one,
                self.get_webhook,
                "GET",
                document(replies={200: WebhookReply}, problems=(404,), reasons=_NO_WEBHOOK),
            ),
            (
                one,
                self.change_webhook,
                "PATCH",
                document(
                    replies={200: WebhookReply},
                    body=WebhookChange,
                    problems=(404,),
                    reasons=no_webhook,
                    scope="account",
                ),
            ),
            (
                one,
                self.delete_webhook,
                "DELETE",
                document(
                    replies={204: None}, problems=(404,), reasons=_NO_WEBHOOK, scope="account"
                ),
            ),
            (
                f"{one}/rotate",
                self.rotate_webhook,
                "POST",
                document(
                    replies={200: WebhookMadeReply},
                    problems=(404,),
                    reasons=_NO_WEBHOOK,
                    scope="account",
                ),
            ),
            (f"{one}/dry-run", self.dry_run_webhook, "POST", _document_of_dry_run()),
            (
                f"{one}/log",
                self.list_webhook_log,
                "GET",
                document(
                    replies={200: Listed[AlertReply]},
                    problems=(404, 422),
                    reasons=_NO_WEBHOOK | {422: BAD_LIMIT},
                ),
            ),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["webhooks"], **documented)

    async def create_webhook(self, request: Request) -> Response:
        """Make a webhook; its token, the end of its address, is told in this reply only."""
        caller = await self._setting_up(request)
        asked = await read_body(request, WebhookRequest)
        values = await self._values(caller, asked.model_dump())
        try:
            webhook, token = await asyncio.to_thread(
                self._store.create, caller.user.user_id, values
            )
        except TooManyWebhooksError as error:
            raise Problem(409, *_TOO_MANY, more={"limit": str(WEBHOOKS_MAX)}) from error
        return json_reply(_made(webhook, token), 201)

    async def list_webhooks(self, request: Request) -> Response:
        """The caller's webhooks, the oldest first."""
        caller = await self._callers.of(request)
        webhooks = await asyncio.to_thread(self._store.all_of, caller.user.user_id)
        return listed([_shown(webhook) for webhook in webhooks])

    async def get_webhook(self, request: Request, webhook_id: str) -> Response:
        """One webhook."""
        return json_reply(_shown(await self._own(await self._callers.of(request), webhook_id)))

    async def change_webhook(self, request: Request, webhook_id: str) -> Response:
        """Change a webhook; what is left out stays. Alerts that wait are done by the new terms."""
        caller = await self._setting_up(request)
        asked = await read_body(request, WebhookChange)
        given = {name: value for name, value in asked.model_dump().items() if value is not None}
        await self._own(caller, webhook_id)
        values = await self._values(caller, given)
        change = self._store.change
        webhook = await asyncio.to_thread(change, caller.user.user_id, webhook_id, values)
        if webhook is None:
            raise not_found("webhook")
        return json_reply(_shown(webhook))

    async def delete_webhook(self, request: Request, webhook_id: str) -> Response:
        """End a webhook and its log. What it acknowledged before is still done."""
        caller = await self._setting_up(request)
        if not await asyncio.to_thread(self._store.remove, caller.user.user_id, webhook_id):
            raise not_found("webhook")
        return Response(status_code=204)

    async def rotate_webhook(self, request: Request, webhook_id: str) -> Response:
        """Give a webhook a new token, told in this reply only; the old address ends at once."""
        caller = await self._setting_up(request)
        rotated = await asyncio.to_thread(self._store.rotate, caller.user.user_id, webhook_id)
        if rotated is None:
            raise not_found("webhook")
        return json_reply(_made(*rotated))

    async def dry_run_webhook(self, request: Request, webhook_id: str) -> Response:
        """How an alert would be read; its secret may be left out, and nothing is sent."""
        caller = await self._setting_up(request)
        webhook = await self._own(caller, webhook_id)
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            raise Problem(413, "body_too_large", f"an alert has at most {BODY_BYTES_MAX} bytes")
        return json_reply(await self._dry_run.of(webhook, body, None))

    async def list_webhook_log(
        self, request: Request, webhook_id: str, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """Every alert of a webhook with its outcome, the newest first."""
        caller = await self._setting_up(request)
        webhook = await self._own(caller, webhook_id)
        before_ns = _moment_of(cursor)
        log = self._store.log
        found = await asyncio.to_thread(log, webhook.webhook_id, limit + 1, before_ns)
        shown = found[:limit]
        following = str(shown[-1][0].received_ns) if len(found) > limit else None
        return listed([_logged(alert, trades) for alert, trades in shown], following)

    async def _setting_up(self, request: Request) -> Caller:
        caller = await self._callers.of(request)
        require_whole(caller)
        return caller

    async def _own(self, caller: Caller, webhook_id: str) -> Webhook:
        webhook = await asyncio.to_thread(self._store.one, caller.user.user_id, webhook_id)
        if webhook is None:
            raise not_found("webhook")
        return webhook

    async def _values(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """What was given as the store keeps it; raises `Problem` 422."""
        values = dict(given)
        if "sizing" in values:
            values["sizing"] = _sizing(SizingRequest.model_validate(values["sizing"]))
        if "group" in values:
            values["group_name"] = values.pop("group")
            await self._require_group(caller, values["group_name"])
        for name, symbol in (values.get("symbol_map") or {}).items():
            await self._require_listed(name, symbol)
        secret = values.pop("secret", None)
        if secret is not None:
            hashed = await asyncio.to_thread(self._secrets.hash, secret) if secret else None
            values["secret_hash"] = hashed
        return values

    async def _require_group(self, caller: Caller, name: str) -> None:
        named = self._groups.named
        if name != BUILT_IN and not await asyncio.to_thread(named, caller.user.user_id, name):
            raise malformed(_BAD_GROUP[1], field="group", value=name)

    async def _require_listed(self, name: str, symbol: str) -> None:
        if await self._symbols.find(symbol) is None:
            raise malformed(
                f"symbol_map: {symbol} is not listed; GET /api/v1/instruments lists the symbols",
                field=f"symbol_map.{name}",
                value=symbol,
                reason="unknown_symbol",
            )


def _document_of_dry_run() -> dict[str, Any]:
    documented = document(
        replies={200: DryRunReply},
        body=TradingViewAlert,
        problems=(404,),
        reasons=_NO_WEBHOOK,
        scope="account",
    )
    documented["openapi_extra"]["requestBody"]["content"]["text/plain"] = {
        "schema": {"type": "string"},
        "example": "long AAPL q=10 sl=180 tp=210",
    }
    return documented


def _sizing(asked: SizingRequest) -> Sizing:
    return Sizing(asked.method, None if asked.value is None else Decimal(asked.value))


def _moment_of(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 20):
        raise malformed(_BAD_CURSOR, field="cursor", value=cursor)
    return min(int(cursor), 2**63 - 1)


def _shown(webhook: Webhook) -> dict[str, Any]:
    value = webhook.sizing.value
    last_ns = webhook.last_alert_ns
    return {
        "id": webhook.webhook_id,
        "name": webhook.name,
        "group": webhook.group,
        "sizing": {
            "method": webhook.sizing.method,
            "value": None if value is None else f"{value:f}",
        },
        "symbol_map": dict(webhook.symbol_map),
        "duplicate_window_s": webhook.duplicate_window_s,
        "has_secret": webhook.secret_hash is not None,
        "token_hint": webhook.token_hint,
        "enabled": webhook.enabled,
        "created_at": time_text(webhook.created_ns),
        "last_alert_at": time_text(last_ns) if last_ns else None,
    }


def _made(webhook: Webhook, token: str) -> dict[str, Any]:
    return _shown(webhook) | {"token": token, "path": f"/webhooks/tradingview/{token}"}


def _logged(alert: KeptAlert, trades: list[Trade]) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "received_at": time_text(alert.received_ns),
        "finished_at": None if alert.finished_ns is None else time_text(alert.finished_ns),
        "status": alert.status,
        "reason": alert.reason,
        "detail": alert.detail,
        "duplicate_of": alert.duplicate_of,
        "fields": alert.content["values"],
        "accounts": [_on_account(trade) for trade in trades],
    }


def _on_account(trade: Trade) -> dict[str, Any]:
    done = trade.result or {"status": "waiting", **(trade.plan or {})}
    shown = {name: value for name, value in done.items() if name != "refusal"}
    return {"account_id": trade.account_id, **shown}

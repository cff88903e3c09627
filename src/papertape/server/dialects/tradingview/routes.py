"""Where TradingView's alerts arrive: `POST /webhooks/tradingview/{token}`.

TradingView waits three seconds and repeats nothing, so an alert is written down, acknowledged, and
worked afterwards. The token in the address says whose alert it is.
"""

import asyncio
import hashlib
import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.dialects.tradingview.alert import Alert, read_alert
from papertape.server.dialects.tradingview.certificate import COMMON_NAME, is_tradingview
from papertape.server.dialects.tradingview.desk import (
    Desk,
)
from papertape.server.dialects.tradingview.dry_run import DryRun
from papertape.server.dialects.tradingview.fields import (
    BODY_BYTES_MAX,
    Fields,
    UnreadableAlertError,
    fields_of,
)
from papertape.server.dialects.tradingview.secret import WRONG_SECRET, SecretCheck
from papertape.server.dialects.tradingview.store import (
    WAITING_MAX,
    TooManyAlertsError,
    Webhook,
    WebhookStore,
)
from papertape.server.documents import document
from papertape.server.models.webhooks import AlertTakenReply, DryRunReply, TradingViewAlert
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply

PATH = "/webhooks/tradingview/{token}"

_TEXT_EXAMPLE = "long AAPL q=10 sl=180 tp=210"
_NO_WEBHOOK = ("not_found", not_found("webhook").detail)
_SHUT = ("webhook_disabled", "the webhook is switched off; its alerts are noted and not traded")
_UNREADABLE = (
    "no_action",
    "say what to do: action buy, sell or close, or market_position long, short or flat",
)
_TOO_MANY = ("too_many", f"{WAITING_MAX} alerts of this webhook wait already; send it again later")
_TOO_LARGE = ("body_too_large", f"an alert has at most {BODY_BYTES_MAX} bytes")
_RETRY_S = 5


class TradingViewRoutes:
    """The two addresses of a webhook. `certificate_header` None asks for no certificate."""

    def __init__(
        self,
        store: WebhookStore,
        desk: Desk,
        dry_run: DryRun,
        secrets: SecretCheck,
        *,
        demo_enabled: bool,
        certificate_header: str | None,
    ) -> None:
        self._store = store
        self._desk = desk
        self._dry_run = dry_run
        self._secrets = secrets
        self._demo_enabled = demo_enabled
        self._certificate_header = certificate_header

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        reasons = {
            401: WRONG_SECRET,
            403: _SHUT,
            404: _NO_WEBHOOK,
            413: _TOO_LARGE,
            422: _UNREADABLE,
            429: _TOO_MANY,
        }
        for path, handler, status, reply, problems in (
            (PATH, self.take_alert, 202, AlertTakenReply, (401, 403, 404, 429)),
            (f"{PATH}/dry-run", self.dry_run_alert, 200, DryRunReply, (403, 404)),
        ):
            documented = document(
                replies={status: reply},
                body=TradingViewAlert,
                problems=problems,
                reasons=reasons,
                secured=False,
            )
            documented["openapi_extra"]["requestBody"]["content"]["text/plain"] = {
                "schema": {"type": "string"},
                "example": _TEXT_EXAMPLE,
            }
            for ending, shown in (("", True), ("/", False)):
                router.add_api_route(
                    path + ending,
                    handler,
                    methods=["POST"],
                    tags=["webhooks"],
                    include_in_schema=shown,
                    **documented,
                )

    async def take_alert(self, request: Request, token: str) -> Response:
        """Take an alert, in JSON or as text, whatever its content type says.

        It is on the disk when the reply leaves; the log of the webhook tells what became of it.
        """
        webhook = await self._webhook(request, token)
        body = await _body(request)
        fields, alert = await self._read(webhook, body)
        key, is_exact = key_of(fields, alert)
        try:
            taken = await asyncio.to_thread(
                self._store.take, webhook, key, fields.content(), is_exact=is_exact
            )
        except TooManyAlertsError as error:
            raise Problem(429, *_TOO_MANY, retry_after_s=_RETRY_S) from error
        if taken.duplicate_of is None:
            self._desk.wake(webhook.webhook_id)
        reply = {
            "alert_id": taken.alert_id,
            "status": "received" if taken.duplicate_of is None else "duplicate",
            "duplicate_of": taken.duplicate_of,
        }
        return json_reply(reply, 202)

    async def dry_run_alert(self, request: Request, token: str) -> Response:
        """How an alert would be read: fields, symbol, orders, refusals. Nothing is sent."""
        webhook = await self._webhook(request, token)
        return json_reply(await self._dry_run.of(webhook, await _body(request), self._secrets))

    async def _webhook(self, request: Request, token: str) -> Webhook:
        """The webhook of the address; raises `Problem` 404, and 403 without the certificate."""
        header = self._certificate_header
        if header is not None and not is_tradingview(request.headers.get(header)):
            raise Problem(
                403,
                "certificate_required",
                f"this address takes alerts with the client certificate of {COMMON_NAME} only",
            )
        webhook = await asyncio.to_thread(self._store.of_token, token)
        if webhook is None or (webhook.is_demo and not self._demo_enabled):
            raise Problem(404, *_NO_WEBHOOK)
        return webhook

    async def _read(self, webhook: Webhook, body: bytes) -> tuple[Fields, Alert]:
        """The alert; one that is not taken is noted in the log, and raises `Problem`."""
        fields = Fields({}, {})
        try:
            fields = fields_of(body)
            if not await asyncio.to_thread(self._secrets.fits, webhook, fields.secret):
                await self._note(webhook, Fields({}, {}), *WRONG_SECRET)
                raise Problem(401, *WRONG_SECRET)
            if not webhook.enabled:
                await self._note(webhook, fields, *_SHUT)
                raise Problem(403, *_SHUT)
            return fields, read_alert(fields)
        except UnreadableAlertError as error:
            await self._note(webhook, fields, error.reason, error.detail)
            raise malformed(
                error.detail, field=error.field, value=error.value, reason=error.reason
            ) from error

    async def _note(self, webhook: Webhook, fields: Fields, reason: str, detail: str) -> None:
        note = self._store.note_refused
        await asyncio.to_thread(note, webhook, fields.content(), reason, detail)


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise Problem(413, *_TOO_LARGE, more={"limit": str(BODY_BYTES_MAX)})
    return body


def key_of(fields: Fields, alert: Alert) -> tuple[str, bool]:
    """What repeats of an alert have in common, and whether only repeats have it.

    An order id and a time name an order of a strategy on one instrument exactly. Without them the
    same words are a repeat only when they come again soon.
    """
    exact = alert.order_id is not None and alert.time is not None
    told: list[Any] = sorted(fields.values.items())
    if exact:
        names = ("order_id", "time", "symbol", "exchange", "verb", "side", "position")
        told = [getattr(alert, name) for name in names]
        told += [str(alert.contracts), str(alert.position_size), alert.account]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest(), exact

"""How an alert would be read, without sending or keeping anything."""

import asyncio
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.dialects.tradingview.alert import Alert, read_alert
from papertape.server.dialects.tradingview.desk import AlertRefusedError, Desk, refusal_of
from papertape.server.dialects.tradingview.fields import Fields, UnreadableAlertError, fields_of
from papertape.server.dialects.tradingview.plan import PlanRefusedError, plan
from papertape.server.dialects.tradingview.secret import WRONG_SECRET, SecretCheck
from papertape.server.dialects.tradingview.store import Webhook


class DryRun:
    """Asks the desk everything that it would ask for an alert that came."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def of(
        self, webhook: Webhook, body: bytes, secrets: SecretCheck | None
    ) -> dict[str, Any]:
        """The reading of an alert's body; `secrets` None believes whoever asks."""
        told: dict[str, Any] = {
            "fields": {},
            "ignored": [],
            "symbol": None,
            "accounts": [],
            "refusal": None,
        }
        try:
            fields = fields_of(body)
            told |= {"fields": _found(fields), "ignored": list(fields.ignored)}
            if secrets and not await asyncio.to_thread(secrets.fits, webhook, fields.secret):
                return told | {
                    "refusal": dict(zip(("reason", "detail"), WRONG_SECRET, strict=True))
                }
            alert = read_alert(fields)
            told["symbol"] = await self._desk.symbol(webhook, alert)
            for account in await self._desk.members(webhook, alert):
                told["accounts"].append(await self._on(account, webhook, alert, told["symbol"]))
        except UnreadableAlertError as error:
            return told | {"refusal": _with_field(error)}
        except AlertRefusedError as error:
            return told | {"refusal": refusal_of(error)}
        if not webhook.enabled:
            told["refusal"] = {
                "reason": "webhook_disabled",
                "detail": "the webhook is switched off",
            }
        return told

    async def _on(
        self, account: OwnedAccount, webhook: Webhook, alert: Alert, symbol: str
    ) -> dict[str, Any]:
        facts = await self._desk.facts(account, symbol)
        told: dict[str, Any] = {"account": account.name, "held": decimal_text(facts.held)}
        try:
            intended = plan(alert, webhook.sizing, facts)
        except PlanRefusedError as error:
            limit = {} if error.limit is None else {"limit": error.limit}
            return told | {"refusal": refusal_of(error) | limit}
        cancels = await self._desk.in_the_way(webhook.webhook_id, account, alert, intended, facts)
        orders = [
            order | {"rejections": await self._desk.preview(account, order)}
            for order in intended.orders
        ]
        return told | {
            "target": decimal_text(intended.target),
            "cancels": len(cancels),
            "orders": orders,
            "notes": intended.notes,
            "refusal": None,
        }


def _found(fields: Fields) -> dict[str, dict[str, str]]:
    return {
        field: {"name": fields.names[field], "value": value}
        for field, value in fields.values.items()
    }


def _with_field(error: UnreadableAlertError) -> dict[str, Any]:
    return refusal_of(error) | ({} if error.field is None else {"field": error.field})

"""How an alert would be read, without sending or keeping anything."""

import asyncio
from typing import Any

from papertape.domain.decimal_text import decimal_text
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.dialects.tradingview.alert import Alert, read_alert
from papertape.server.dialects.tradingview.fields import Fields, UnreadableAlertError, fields_of
from papertape.server.dialects.tradingview.plan import PlanRefusedError, plan
from papertape.server.dialects.tradingview.secret import WRONG_SECRET, SecretCheck
from papertape.server.dialects.tradingview.situations import (
    AlertRefusedError,
    Listing,
    Situations,
    refusal_of,
)
from papertape.server.dialects.tradingview.store import Webhook


class DryRun:
    """Asks all that is asked for an alert that came."""

    def __init__(self, situations: Situations) -> None:
        self._situations = situations

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
            told["symbol"] = await self._situations.symbol(webhook, alert)
            listing = await self._situations.listing(told["symbol"])
            for account in await self._situations.members(webhook, alert):
                told["accounts"].append(await self._on(account, webhook, alert, listing))
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
        self, account: OwnedAccount, webhook: Webhook, alert: Alert, listing: Listing
    ) -> dict[str, Any]:
        facts = await self._situations.facts(account, listing)
        told: dict[str, Any] = {"account": account.name, "held": decimal_text(facts.held)}
        try:
            intended = plan(alert, webhook.sizing, facts)
        except PlanRefusedError as error:
            limit = {} if error.limit is None else {"limit": error.limit}
            return told | {"refusal": refusal_of(error) | limit}
        cancels = await self._situations.in_the_way(
            webhook.webhook_id, account, alert, intended, facts
        )
        orders = [
            order | {"rejections": await self._situations.preview(account, order)}
            for order in intended.orders
        ]
        return told | {
            "target": decimal_text(intended.target),
            "size": intended.size,
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

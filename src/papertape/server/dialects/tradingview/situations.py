"""What an alert meets: the listed symbol, the accounts, what they hold, which orders are there.

Asked when an alert is traded, and by a dry run. Reads only.
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.dialects.tradingview.alert import Alert
from papertape.server.dialects.tradingview.fields import UnreadableAlertError
from papertape.server.dialects.tradingview.plan import (
    Facts,
    Plan,
    PlanRefusedError,
    to_clear,
)
from papertape.server.dialects.tradingview.rates import StatedRates
from papertape.server.dialects.tradingview.store import Webhook
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange
from papertape.server.groups import BUILT_IN, GroupStore
from papertape.server.symbols import Symbols
from papertape.storage.reads import Reads

OPEN_ORDERS_MAX = 1_000


class AlertRefusedError(Exception):
    """No account can act on the alert; `reason` is stable."""

    def __init__(self, reason: str, detail: str, value: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.value = value


@dataclass(frozen=True, slots=True)
class Listing:
    """The terms of an instrument that orders are sized by."""

    symbol: str
    currency: str
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal


class Situations:
    """Looks at the accounts and the market behind a webhook."""

    def __init__(
        self,
        *,
        groups: GroupStore,
        accounts: Accounts,
        exchange: Exchange,
        symbols: Symbols,
        reads: Reads,
    ) -> None:
        self._groups = groups
        self._accounts = accounts
        self._exchange = exchange
        self._symbols = symbols
        self._reads = reads
        self._rates = StatedRates(reads)

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

    async def listing(self, symbol: str) -> Listing:
        """The terms of a listed symbol; raises `AlertRefusedError` when it is listed no more."""
        for one in await self._symbols.instruments():
            if one["symbol"] == symbol:
                return Listing(
                    symbol,
                    one["currency"],
                    Decimal(one["tick_size"]),
                    Decimal(one["lot_size"]),
                    Decimal(one.get("contract", {}).get("multiplier", "1")),
                )
        raise AlertRefusedError("unknown_symbol", f"{symbol} is not listed any more", symbol)

    async def facts(self, account: OwnedAccount, listing: Listing) -> Facts:
        """The account and the market of the instrument, now."""
        book = await self._exchange.ask("book", {"symbol": listing.symbol, "depth": 1})
        quote = msgspec.json.decode(book.body)["quote"] or {}
        value = await self._accounts.value(account)
        positions = msgspec.json.decode(value.positions)
        held = next((one["qty"] for one in positions if one["symbol"] == listing.symbol), "0")
        return Facts(
            symbol=listing.symbol,
            currency=listing.currency,
            tick_size=listing.tick_size,
            lot_size=listing.lot_size,
            multiplier=listing.multiplier,
            bid=_maybe(quote.get("bid")),
            ask=_maybe(quote.get("ask")),
            last=_maybe(quote.get("last")),
            held=Decimal(held),
            equity=Decimal(value.account["equity"]),
            account_currency=value.account["currency"],
            rate=await self._rates.of(value.account["currency"], listing.currency),
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
            ours = origin["client_order_id"].startswith(order_prefix(webhook_id))
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


def refusal_of(
    error: PlanRefusedError | AlertRefusedError | UnreadableAlertError,
) -> dict[str, Any]:
    """A refusal as the log and a dry run tell it."""
    told = {"reason": error.reason, "detail": error.detail, "value": error.value}
    return {name: value for name, value in told.items() if value is not None}


def order_prefix(webhook_id: str) -> str:
    """How the ids of a webhook's orders begin."""
    return f"tv-{UUID(webhook_id).hex[:12]}-"


def _names_of(alert: Alert) -> list[str]:
    """How the symbol may be known, the most particular name first."""
    exchange, _, ticker = alert.symbol.rpartition(":")
    exchange = exchange or alert.exchange or ""
    return [f"{exchange}:{ticker}", ticker] if exchange else [ticker]


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

"""Webhooks that take alerts, account groups that they trade on, and endpoints that are told."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Required, TypedDict, Unpack

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Page,
    change,
    endpoint,
    get,
    listed,
    pages,
    part,
)
from papertape.client.replies.hooks import (
    Delivery,
    DryRun,
    Endpoint,
    LoggedAlert,
    NewEndpoint,
    NewWebhook,
    Webhook,
)
from papertape.client.replies.hooks import Group as AccountGroup

Event = Literal["fill", "rejection", "alert"]


class SizingTerms(TypedDict, total=False):
    """How much an alert trades: as it says, a quantity, a percentage or a risk of the equity."""

    method: Required[Literal["alert", "fixed", "percent", "risk"]]
    value: Amount | None


class WebhookTerms(TypedDict, total=False):
    """A webhook; of a change, what changes."""

    name: str
    group: str
    sizing: SizingTerms
    symbol_map: Mapping[str, str]
    duplicate_window_s: int
    secret: str | None
    enabled: bool


class AlertTerms(TypedDict, total=False):
    """An alert in the names that TradingView's strategies send."""

    ticker: str
    action: str
    contracts: Amount
    market_position: str
    market_position_size: Amount
    position_size: Amount
    order_type: str
    price: Amount
    sl: Amount
    tp: Amount
    account: str
    order_id: str
    time: str
    passphrase: str


class Webhooks(Group[Face]):
    """`client.webhooks`: addresses that take alerts of TradingView."""

    @endpoint
    def all(self) -> Call[list[Webhook]]:
        """The user's webhooks."""
        return listed("/webhooks", Webhook)

    @endpoint
    def create(self, **terms: Unpack[WebhookTerms]) -> Call[NewWebhook]:
        """A new webhook; its token is told here and never again."""
        return change("POST", "/webhooks", NewWebhook, **terms)

    @endpoint
    def get(self, webhook_id: str) -> Call[Webhook]:
        """One webhook."""
        return get(_hook(webhook_id), Webhook)

    @endpoint
    def change(self, webhook_id: str, **terms: Unpack[WebhookTerms]) -> Call[Webhook]:
        """Change what is given; a secret of None takes it away."""
        return Call("PATCH", _hook(webhook_id), Webhook, body=dict(terms), is_harmless=True)

    @endpoint
    def delete(self, webhook_id: str) -> Call[None]:
        """Delete a webhook."""
        return change("DELETE", _hook(webhook_id), type(None))

    @endpoint
    def rotate(self, webhook_id: str) -> Call[NewWebhook]:
        """Give it another token; the old one ends at once."""
        return change("POST", f"{_hook(webhook_id)}/rotate", NewWebhook)

    @endpoint
    def dry_run(self, webhook_id: str, **alert: Unpack[AlertTerms]) -> Call[DryRun]:
        """How an alert would be read; nothing is sent."""
        return change("POST", f"{_hook(webhook_id)}/dry-run", DryRun, **alert).harmless()

    @endpoint
    def log_page(
        self, webhook_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Call[Page[LoggedAlert]]:
        """The alerts that came, the newest first."""
        return get(f"{_hook(webhook_id)}/log", Page[LoggedAlert], limit=limit, cursor=cursor)

    log = pages(log_page)


class AccountGroups(Group[Face]):
    """`client.account_groups`: accounts that are traded together."""

    @endpoint
    def all(self) -> Call[list[AccountGroup]]:
        """The user's groups."""
        return listed("/account-groups", AccountGroup)

    @endpoint
    def create(self, name: str, account_ids: Sequence[str]) -> Call[AccountGroup]:
        """A new group."""
        fields = {"name": name, "account_ids": account_ids}
        return change("POST", "/account-groups", AccountGroup, **fields)

    @endpoint
    def get(self, group_id: str) -> Call[AccountGroup]:
        """One group."""
        return get(f"/account-groups/{part(group_id)}", AccountGroup)

    @endpoint
    def change(
        self, group_id: str, *, name: str | None = None, account_ids: Sequence[str] | None = None
    ) -> Call[AccountGroup]:
        """Another name, other accounts."""
        fields = {"name": name, "account_ids": account_ids}
        path = f"/account-groups/{part(group_id)}"
        return change("PATCH", path, AccountGroup, **fields).harmless()

    @endpoint
    def delete(self, group_id: str) -> Call[None]:
        """Delete a group; its accounts stay."""
        return change("DELETE", f"/account-groups/{part(group_id)}", type(None))


class Endpoints(Group[Face]):
    """`client.endpoints`: addresses that are told fills, rejections and alerts, signed."""

    @endpoint
    def all(self) -> Call[list[Endpoint]]:
        """The user's endpoints."""
        return listed("/webhook-endpoints", Endpoint)

    @endpoint
    def create(
        self,
        url: str,
        events: Sequence[Event],
        *,
        account_id: str | None = None,
        description: str | None = None,
        enabled: bool = True,
    ) -> Call[NewEndpoint]:
        """A new endpoint; its secret is told here and never again."""
        return change(
            "POST",
            "/webhook-endpoints",
            NewEndpoint,
            url=url,
            events=events,
            account_id=account_id,
            description=description,
            enabled=enabled,
        )

    @endpoint
    def get(self, endpoint_id: str) -> Call[Endpoint]:
        """One endpoint."""
        return get(_endpoint(endpoint_id), Endpoint)

    @endpoint
    def change(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Sequence[Event] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> Call[Endpoint]:
        """Change what is given; one that is switched on again is told what happens from then on."""
        fields: dict[str, Any] = {"url": url, "events": events, "description": description}
        path = _endpoint(endpoint_id)
        return change("PATCH", path, Endpoint, **fields, enabled=enabled).harmless()

    @endpoint
    def delete(self, endpoint_id: str) -> Call[None]:
        """Delete an endpoint."""
        return change("DELETE", _endpoint(endpoint_id), type(None))

    @endpoint
    def rotate_secret(self, endpoint_id: str) -> Call[NewEndpoint]:
        """Give it another secret."""
        return change("POST", f"{_endpoint(endpoint_id)}/rotate-secret", NewEndpoint)

    @endpoint
    def test(self, endpoint_id: str) -> Call[Delivery]:
        """Send it a test event."""
        return change("POST", f"{_endpoint(endpoint_id)}/test", Delivery)

    @endpoint
    def deliveries_page(
        self, endpoint_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Call[Page[Delivery]]:
        """What it was told, the newest first."""
        path = f"{_endpoint(endpoint_id)}/deliveries"
        return get(path, Page[Delivery], limit=limit, cursor=cursor)

    deliveries = pages(deliveries_page)

    @endpoint
    def redeliver(self, endpoint_id: str, delivery_id: str) -> Call[Delivery]:
        """Tell an event again."""
        path = f"{_endpoint(endpoint_id)}/deliveries/{part(delivery_id)}/redeliver"
        return change("POST", path, Delivery)


def _hook(webhook_id: str) -> str:
    return f"/webhooks/{part(webhook_id)}"


def _endpoint(endpoint_id: str) -> str:
    return f"/webhook-endpoints/{part(endpoint_id)}"

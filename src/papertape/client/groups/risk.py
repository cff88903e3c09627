"""Risk: limits and what is used of them, alerts, kill switches, what orders are checked for."""

from typing import Literal, Required, TypedDict, Unpack

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Page,
    Versioned,
    change,
    endpoint,
    for_account,
    get,
    listed,
    pages,
    part,
    versioned,
)
from papertape.client.replies.risk import Alert, Check, Compliance, Dashboard, KillSwitch, Limit

Measure = Literal[
    "order_qty",
    "order_value",
    "order_rate",
    "open_orders",
    "price_collar",
    "position_qty",
    "position_value",
    "capital_share",
    "concentration",
    "leverage",
    "restricted",
    "no_short",
    "daily_loss",
    "daily_loss_share",
    "drawdown",
]


class LimitTerms(TypedDict, total=False):
    """A limit: for `account_id`, for `everyone` (admins), or for the caller's accounts together.

    `target` names an instrument, a class or a sector; `*` is each of them by itself.
    """

    scope: Required[Literal["user", "account", "instrument", "asset_class", "sector"]]
    measure: Required[Measure]
    limit: Amount | None
    target: str | None
    account_id: str | None
    user_id: str | None
    everyone: bool
    alert_at: Amount | None
    window_s: int | None
    action: Literal["reject", "flatten", "alert"]


class Risk(Group[Face]):
    """`client.risk`."""

    @endpoint
    def dashboard(
        self, account_id: str | None = None, *, breached: bool | None = None
    ) -> Call[Dashboard]:
        """Where an account stands against its limits; with `breached` only what is beyond."""
        return for_account(get("/risk/dashboard", Dashboard, breached=breached), account_id)

    @endpoint
    def limits(self, scope: str | None = None) -> Call[list[Limit]]:
        """The limits that concern the caller."""
        return listed("/risk/limits", Limit, scope=scope)

    @endpoint
    def limit(self, limit_id: str) -> Call[Versioned[Limit]]:
        """One limit, with the version that a change of it names."""
        return versioned(get(f"/risk/limits/{part(limit_id)}", Limit))

    @endpoint
    def add_limit(self, **terms: Unpack[LimitTerms]) -> Call[Versioned[Limit]]:
        """A new limit."""
        return versioned(change("POST", "/risk/limits", Limit, **terms))

    @endpoint
    def set_limit(
        self, limit_id: str, version: str, **terms: Unpack[LimitTerms]
    ) -> Call[Versioned[Limit]]:
        """Replace a limit; raises `ConflictError` when the version is another by now."""
        call = change("PUT", f"/risk/limits/{part(limit_id)}", Limit, **terms)
        return versioned(call.if_version(version))

    @endpoint
    def remove_limit(self, limit_id: str, version: str) -> Call[None]:
        """Take a limit away; raises `ConflictError` when the version is another by now."""
        return change("DELETE", f"/risk/limits/{part(limit_id)}", type(None)).if_version(version)

    # --- alerts ------------------------------------------------------------------------------

    @endpoint
    def alerts_page(
        self,
        account_id: str | None = None,
        *,
        state: str | None = None,
        level: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Alert]]:
        """Alerts of the caller's accounts, or of one, the newest first."""
        return get(
            "/risk/alerts",
            Page[Alert],
            account_id=account_id,
            state=state,
            level=level,
            kind=kind,
            limit=limit,
            cursor=cursor,
        )

    alerts = pages(alerts_page)

    @endpoint
    def alert(self, alert_id: str) -> Call[Alert]:
        """One alert."""
        return get(f"/risk/alerts/{part(alert_id)}", Alert)

    @endpoint
    def acknowledge(self, alert_id: str, note: str = "") -> Call[Alert]:
        """Say that an alert was seen."""
        path = f"/risk/alerts/{part(alert_id)}/acknowledge"
        return change("POST", path, Alert, note=note).harmless()

    @endpoint
    def resolve(self, alert_id: str, note: str = "") -> Call[Alert]:
        """Say that an alert is done with."""
        path = f"/risk/alerts/{part(alert_id)}/resolve"
        return change("POST", path, Alert, note=note).harmless()

    # --- kill switches, compliance -----------------------------------------------------------

    @endpoint
    def kill_switch(self) -> Call[KillSwitch]:
        """The kill switches that stop the caller's accounts."""
        return get("/risk/kill-switch", KillSwitch)

    @endpoint
    def set_kill_switch(
        self,
        scope: Literal["account", "user", "world"],
        on: bool,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        reason: str | None = None,
        flatten: bool = False,
    ) -> Call[KillSwitch]:
        """Stop all orders of an account, a user or the world, or let them through again."""
        return change(
            "POST",
            "/risk/kill-switch",
            KillSwitch,
            scope=scope,
            on=on,
            account_id=account_id,
            user_id=user_id,
            reason=reason,
            flatten=flatten,
        ).harmless()

    @endpoint
    def rules(self) -> Call[Compliance]:
        """What orders are checked for now."""
        return get("/compliance/rules", Compliance)

    @endpoint
    def checks_page(
        self,
        account_id: str | None = None,
        *,
        order_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[Check]]:
        """What orders were checked for, the newest first."""
        return get(
            "/compliance/checks",
            Page[Check],
            account_id=account_id,
            order_id=order_id,
            outcome=outcome,
            limit=limit,
            cursor=cursor,
        )

    checks = pages(checks_page)

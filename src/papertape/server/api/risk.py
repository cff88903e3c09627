"""Routes of risk: limits, dashboard, alerts, kill switches."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.bodies import read_body, read_optional_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document, optional_body
from papertape.server.exchange import Exchange
from papertape.server.models.risk import (
    DashboardReply,
    KillSwitchReply,
    KillSwitchRequest,
    MarkRequest,
    RiskAlertReply,
)
from papertape.server.problems import malformed, not_found, not_permitted
from papertape.server.replies import json_reply, listed
from papertape.server.risk.alerts import AlertFilter, Alerts, AlertState
from papertape.server.risk.dashboard import Dashboards
from papertape.server.risk.marks import MarkState
from papertape.server.risk.policy import Policies

_NO_ALERT = {404: ("not_found", not_found("alert").detail)}
Breached = Annotated[
    bool, Query(description="only limits that are breached, and near none of the others")
]


class RiskRoutes:
    """Everything under `/risk` but the limits."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        policies: Policies,
        dashboards: Dashboards,
        alerts: Alerts,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._policies = policies
        self._dashboards = dashboards
        self._alerts = alerts

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        alerts, one = f"{PREFIX}/risk/alerts", f"{PREFIX}/risk/alerts/{{alert_id}}"
        switch = f"{PREFIX}/risk/kill-switch"
        found = document(replies={200: RiskAlertReply}, problems=(404,), reasons=_NO_ALERT)
        many = document(
            replies={200: Listed[RiskAlertReply]}, problems=(404, 422), reasons={422: BAD_LIMIT}
        )
        for path, method, handler, documented in (
            (
                f"{PREFIX}/risk/dashboard",
                "GET",
                self.get_dashboard,
                document(replies={200: DashboardReply}, problems=(404, 422)),
            ),
            (alerts, "GET", self.list_alerts, many),
            (one, "GET", self.get_alert, found),
            (f"{one}/acknowledge", "POST", self.acknowledge_alert, _marked()),
            (f"{one}/resolve", "POST", self.resolve_alert, _marked()),
            (switch, "GET", self.get_kill_switch, document(replies={200: KillSwitchReply})),
            (
                switch,
                "POST",
                self.set_kill_switch,
                document(
                    replies={200: KillSwitchReply},
                    body=KillSwitchRequest,
                    problems=(404,),
                    scope="trade",
                ),
            ),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["risk"], **documented)

    # --- dashboard --------------------------------------------------------------------------------

    async def get_dashboard(
        self, request: Request, account_id: str | None = None, breached: Breached = False
    ) -> Response:
        """What an account uses of its limits; without `account_id` the caller's default account."""
        caller = await self._callers.of(request)
        if account_id is None:
            account = await self._accounts.first(caller)
        else:
            account = await self._accounts.require(caller, account_id)
        dashboard = await self._dashboards.of(account)
        if breached:
            limits = [line for line in dashboard["limits"] if line["state"] == "breach"]
            dashboard["limits"] = limits
        return json_reply(dashboard)

    # --- alerts -----------------------------------------------------------------------------------

    async def list_alerts(
        self,
        request: Request,
        account_id: str | None = None,
        state: AlertState | None = None,
        level: Literal["soft", "hard", "info"] | None = None,
        kind: Annotated[str | None, Query(max_length=40)] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Alerts of the caller's accounts, the newest first.

        A page may hold less than `limit`, also none, and still have a `next_cursor`.
        """
        caller = await self._callers.of(request)
        if account_id is None:
            ids = [account.account_id for account in await self._accounts.of(caller)]
        else:
            ids = [(await self._accounts.require(caller, account_id)).account_id]
        try:
            page = await self._alerts.page(ids, AlertFilter(state, level, kind), limit, cursor)
        except ValueError as error:
            raise malformed(f"cursor: {error}", field="cursor", value=cursor) from error
        return listed(page.items, page.next_cursor)

    async def get_alert(self, request: Request, alert_id: str) -> Response:
        """One alert."""
        caller = await self._callers.of(request)
        return json_reply(await self._own_alert(caller, alert_id))

    async def acknowledge_alert(self, request: Request, alert_id: str) -> Response:
        """Say that an alert was seen; a resolved one stays resolved."""
        return await self._mark(request, alert_id, "acknowledged")

    async def resolve_alert(self, request: Request, alert_id: str) -> Response:
        """Say that an alert is dealt with."""
        return await self._mark(request, alert_id, "resolved")

    async def _mark(self, request: Request, alert_id: str, state: MarkState) -> Response:
        caller = await self._callers.of(request)
        alert = await self._own_alert(caller, alert_id)
        asked = await read_optional_body(request, MarkRequest)
        user_id = caller.user.user_id
        return json_reply(await self._alerts.mark(alert, state, asked.note, user_id))

    async def _own_alert(self, caller: Caller, alert_id: str) -> dict[str, Any]:
        alert = await self._alerts.find(alert_id)
        if alert is None or not await self._accounts.owns(caller, alert["account_id"]):
            raise not_found("alert")
        return alert

    # --- kill switches ----------------------------------------------------------------------------

    async def get_kill_switch(self, request: Request) -> Response:
        """Whether orders of the caller's accounts are stopped, and why."""
        caller = await self._callers.of(request)
        return json_reply(await self._kill_switches(caller))

    async def set_kill_switch(self, request: Request) -> Response:
        """Stop all orders of an account, a user or (admins) the world, or let them go on.

        Open orders are canceled; with `flatten` positions are closed as well. What an admin set,
        only admins turn.
        """
        caller = await self._callers.of(request)
        asked = await read_body(request, KillSwitchRequest)
        fields = {
            "scope": asked.scope,
            "on": asked.on,
            "reason": asked.reason,
            "flatten": asked.flatten,
            "set_by": caller.acts_as,
        }
        await self._exchange.ask("kill_switch", fields | await self._whom(caller, asked))
        return json_reply(await self._kill_switches(caller))

    async def _whom(self, caller: Caller, asked: KillSwitchRequest) -> dict[str, Any]:
        """Whom the switch stops; raises `Problem` 403, 404, 422."""
        if asked.scope == "world":
            caller.require("admin")
            return {}
        is_bound = caller.key is not None and caller.key.account_id is not None
        if asked.scope == "user":
            if asked.user_id is not None and asked.user_id != caller.user.user_id:
                caller.require("admin")
                await self._callers.require_user(asked.user_id)
            elif is_bound:
                raise not_permitted("account", "this key is bound to an account; stop that one")
            return {"owner": asked.user_id or caller.user.user_id}
        if asked.account_id is None:
            raise malformed("account_id: name the account", field="account_id")
        if not caller.may("admin"):
            await self._accounts.require(caller, asked.account_id)
        return {"account_id": asked.account_id}

    async def _kill_switches(self, caller: Caller) -> dict[str, Any]:
        policy = await self._policies.read()
        accounts = []
        for account in await self._accounts.of(caller):
            standing = await self._dashboards.standing(account.account_id)
            switch = _switch(standing["kill_switch"], standing["kill_switch_set_by"])
            accounts.append({"account_id": account.account_id} | switch)
        world = _switch(policy.kill_switch, policy.kill_switch_set_by)
        return {"world": world, "accounts": accounts}


def _marked() -> dict[str, Any]:
    """What routes that mark an alert take and give; the note may be left out."""
    return optional_body(
        document(
            replies={200: RiskAlertReply},
            body=MarkRequest,
            problems=(404,),
            reasons=_NO_ALERT,
            scope="account",
        )
    )


def _switch(reason: str | None, set_by: str | None) -> dict[str, Any]:
    return {"on": reason is not None, "reason": reason, "set_by": set_by}

"""Routes of compliance: what orders are checked for, and what each order was checked for."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.callers import Callers
from papertape.server.documents import Listed, document
from papertape.server.models.base import UUID_PATTERN
from papertape.server.models.risk import CheckReply, ComplianceReply
from papertape.server.problems import malformed
from papertape.server.replies import json_reply, listed
from papertape.server.risk.checks import CHECKS, names_of
from papertape.server.risk.limits import concerns, limits_of
from papertape.server.risk.policy import Policies
from papertape.storage.reads import Reads

ALWAYS = ("order", "buying_power", "kill_switch")
_CHECK_OF_MEASURE = {
    "order_qty": "order_size",
    "order_value": "order_size",
    "position_qty": "position",
    "position_value": "position",
    "no_short": "short",
    "daily_loss": "loss_stop",
    "daily_loss_share": "loss_stop",
    "drawdown": "loss_stop",
}


class ComplianceRoutes:
    """Everything under `/compliance`."""

    def __init__(
        self, callers: Callers, accounts: Accounts, policies: Policies, reads: Reads
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._policies = policies
        self._reads = reads

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they give."""
        router.add_api_route(
            f"{PREFIX}/compliance/rules",
            self.list_compliance_rules,
            tags=["compliance"],
            **document(replies={200: ComplianceReply}),
        )
        router.add_api_route(
            f"{PREFIX}/compliance/checks",
            self.list_checks,
            tags=["compliance"],
            **document(
                replies={200: Listed[CheckReply]}, problems=(404, 422), reasons={422: BAD_LIMIT}
            ),
        )

    async def list_compliance_rules(self, request: Request) -> Response:
        """The checks that orders of the caller go through now, in their order."""
        caller = await self._callers.of(request)
        policy = await self._policies.read()
        ids = [account.account_id for account in await self._accounts.of(caller)]
        limits: dict[str, list[str]] = {}
        for limit in limits_of(policy.rules):
            if concerns(limit, caller.user.user_id, ids):
                measure: str = limit.rule["measure"]
                check = _CHECK_OF_MEASURE.get(measure, measure)
                limits.setdefault(check, []).append(limit.limit_id)
        on = {
            "wash_trade": policy.policy["wash_trade"],
            "day_trades": "day_trading" in policy.policy,
        }
        items = [
            {
                "check": check,
                "detail": detail,
                "active": check in ALWAYS or check in limits or on.get(check, False),
                "always": check in ALWAYS,
                "limits": limits.get(check, []),
            }
            for check, detail in CHECKS
        ]
        reply = {"policy_version": policy.version, "items": items, "next_cursor": None}
        return json_reply(reply)

    async def list_checks(
        self,
        request: Request,
        account_id: str | None = None,
        order_id: Annotated[str | None, Query(pattern=UUID_PATTERN)] = None,
        outcome: Literal["passed", "failed"] | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """What orders and replaces were checked for, the newest first.

        Kept are all that failed, and those that a risk policy let pass; an order that an exchange
        without a policy took has passed what is always checked.
        """
        caller = await self._callers.of(request)
        if account_id is None:
            ids = [account.account_id for account in await self._accounts.of(caller)]
        else:
            ids = [(await self._accounts.require(caller, account_id)).account_id]
        try:
            page = await asyncio.to_thread(
                self._reads.checks,
                ids,
                order_id=order_id,
                outcome=outcome,
                limit=limit,
                cursor=cursor,
            )
        except ValueError as error:
            raise malformed(f"cursor: {error}", field="cursor", value=cursor) from error
        return listed(
            [one | {"checks": names_of(one["checks"])} for one in page.items], page.next_cursor
        )

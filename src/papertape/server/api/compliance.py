"""Routes of compliance: what orders are checked for, and what each order was checked for."""

import asyncio
from typing import Annotated, Any, Literal

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
from papertape.server.risk.limits import concerns, limits_of
from papertape.server.risk.policy import Policies
from papertape.storage.reads import Reads

_CHECKS = (
    ("order", "account, instrument, session, lot, tick and bounds of the order"),
    ("buying_power", "cash or margin for what is bought, quantity for what is sold"),
    ("kill_switch", "no kill switch stops the account, its user or the world"),
    ("loss_stop", "an account that came to a loss limit only closes positions"),
    ("order_size", "one order is no larger than its limits allow"),
    ("order_rate", "no more orders in a time than the limits allow"),
    ("open_orders", "no more open orders than the limits allow"),
    ("price_collar", "the limit price lies no further beyond the market than the limits allow"),
    ("position", "positions with their open orders are no larger than the limits allow"),
    ("capital_share", "positions are no larger a share of the money put in"),
    ("concentration", "positions are no larger a share of the equity"),
    ("leverage", "positions are no larger a multiple of the equity"),
    ("restricted", "positions in restricted instruments are only closed"),
    ("short", "who may not sell short sells what is held"),
    ("wash_trade", "no order could trade with another of its own user's"),
    ("day_trades", "small margin accounts make no more day trades than allowed"),
)
"""The engine's checks in the order of their bits, and what each sees to."""

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
            for check, detail in _CHECKS
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
        """What orders were checked for, the newest first.

        Kept are all orders that failed, and those that a risk policy let pass; an order that an
        exchange without a policy took has passed what is always checked.
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
            [one | {"checks": _named(one["checks"])} for one in page.items], page.next_cursor
        )


def _named(mask: Any) -> list[str]:
    """The checks of the engine's bits."""
    return [check for bit, (check, _) in enumerate(_CHECKS) if mask >> bit & 1]

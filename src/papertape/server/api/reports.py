"""Routes of what accounts made: metrics, strategies, statements."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from papertape.domain.decimal_text import decimal_text
from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.moments import FromMoment, ToMoment, end_moment, moment
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.callers import Callers
from papertape.server.csv_text import CSV, Format, csv_text, wants_csv
from papertape.server.documents import Listed, document, with_csv
from papertape.server.models.performance import MetricsReply, StatementReply, StrategyReply
from papertape.server.performance import Performance
from papertape.server.problems import malformed
from papertape.server.replies import json_reply, listed
from papertape.storage.lives import Lives, within
from papertape.storage.reads import Page, Reads

LEDGER_COLUMNS = ("time", "seq", "i", "line", "kind", "asset", "amount", "order_id", "account_id")
_ONE = f"{PREFIX}/accounts/{{account_id}}"
_SHOWN_TIME_MAX_NS = 253_402_300_799 * 10**9

Totals = Mapping[str, Mapping[str, Decimal]]


class ReportRoutes:
    """`/accounts/{account_id}/metrics`, `/strategies`, `/statements`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        performance: Performance,
        lives: Lives,
        reads: Reads,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._performance = performance
        self._lives = lives
        self._reads = reads

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they give."""
        bad_limit = {422: BAD_LIMIT}
        for path, handler, documented in (
            ("metrics", self.metrics, document(replies={200: MetricsReply}, problems=(404,))),
            (
                "strategies",
                self.strategies,
                document(replies={200: Listed[StrategyReply]}, problems=(404,)),
            ),
            (
                "statements",
                self.statement,
                with_csv(
                    document(replies={200: StatementReply}, problems=(404, 422), reasons=bad_limit)
                ),
            ),
        ):
            name = f"get_account_{path}"
            router.add_api_route(
                f"{_ONE}/{path}", handler, name=name, tags=["accounts"], **documented
            )

    async def metrics(self, request: Request, account_id: str) -> Response:
        """Returns, risk and trades of an account since it was opened or reset."""
        account = await self._own(request, account_id)
        return json_reply(await self._performance.metrics(account))

    async def strategies(self, request: Request, account_id: str) -> Response:
        """Profit and loss by the strategy that orders were sent for."""
        account = await self._own(request, account_id)
        return listed(await self._performance.strategies(account))

    async def statement(
        self,
        request: Request,
        account_id: str,
        from_: FromMoment = None,
        to: ToMoment = None,
        limit: Limit = 1_000,
        cursor: Cursor = None,
        format: Format = None,  # noqa: A002 - the name on the wire
    ) -> Response:
        """What an account had, what moved, what it has: the ledger from one moment to another.

        As CSV all lines come in one file, as JSON a page at a time.
        """
        account = await self._own(request, account_id)
        from_ns, to_ns = moment("from", from_), end_moment("to", to)
        until_ns = min(time.time_ns() if to_ns is None else to_ns, _SHOWN_TIME_MAX_NS)
        if from_ns is not None and from_ns > until_ns:
            raise malformed("from: it lies behind to", field="from", value=from_)
        if wants_csv(request, format):
            return self._csv(account, from_ns, to_ns)
        page, before, during = await asyncio.to_thread(
            self._read, account.account_id, from_ns, to_ns, limit, cursor
        )
        currency = (await self._accounts.value(account)).account["currency"]
        opening, moved = _sums(before), _sums(during)
        assets = sorted(opening.keys() | moved.keys())
        closing = {name: opening.get(name, Decimal(0)) + moved.get(name, 0) for name in assets}
        return json_reply(
            {
                "account_id": account.account_id,
                "name": account.name,
                "currency": currency,
                "from": None if from_ns is None else time_text(max(from_ns, 0)),
                "to": time_text(max(until_ns, 0)),
                "opening": _told(opening),
                "closing": _told(closing),
                "totals": {kind: _told(during[kind]) for kind in sorted(during)},
                "items": page.items,
                "next_cursor": page.next_cursor,
            }
        )

    def _read(
        self,
        account_id: str,
        from_ns: int | None,
        to_ns: int | None,
        limit: int,
        cursor: str | None,
    ) -> tuple[Page, Totals, Totals]:
        try:
            page = self._reads.ledger(
                account_id, limit, cursor, where=within(from_ns, to_ns), oldest_first=True
            )
        except ValueError as error:
            raise malformed(f"cursor: {error}", field="cursor", value=cursor) from error
        before = {} if from_ns is None else self._lives.totals(account_id, *within(None, from_ns))
        return page, before, self._lives.totals(account_id, *within(from_ns, to_ns))

    def _csv(self, account: OwnedAccount, from_ns: int | None, to_ns: int | None) -> Response:
        parts = self._lives.statement_lines(account.account_id, from_ns, to_ns)

        async def lines() -> AsyncIterator[str]:
            yield csv_text(LEDGER_COLUMNS, (), header=True)
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                yield csv_text(LEDGER_COLUMNS, part, header=False)

        headers = {"Content-Disposition": 'attachment; filename="statement.csv"'}
        return StreamingResponse(lines(), headers=headers, media_type=CSV)

    async def _own(self, request: Request, account_id: str) -> OwnedAccount:
        caller = await self._callers.of(request)
        return await self._accounts.require(caller, account_id)


def _sums(totals: Totals) -> dict[str, Decimal]:
    """What moved of each asset, whatever for."""
    sums: dict[str, Decimal] = {}
    for assets in totals.values():
        for asset, amount in assets.items():
            sums[asset] = sums.get(asset, Decimal(0)) + amount
    return sums


def _told(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    """As the ledger writes them: money has at least two decimals, whole quantities none."""
    return {
        asset: decimal_text(amount, decimals_min=min(2, -int(amount.as_tuple().exponent)))
        for asset, amount in sorted(amounts.items())
        if amount
    }

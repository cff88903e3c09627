"""Routes of the account: itself, its configuration, its equity curve, its activities."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.dialects.alpaca import activities, configuration, portfolio
from papertape.server.dialects.alpaca.account import account_of
from papertape.server.dialects.alpaca.activity_list import ActivityList, Wanted
from papertape.server.dialects.alpaca.curves import Asked, Curves
from papertape.server.dialects.alpaca.days import NEW_YORK, TradingDays, day_of, start_of
from papertape.server.dialects.alpaca.documents import add_route, document
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.models.bodies import ConfigurationBody
from papertape.server.dialects.alpaca.models.trading import (
    AccountReply,
    ActivityReply,
    ConfigurationReply,
    PortfolioHistoryReply,
)
from papertape.server.dialects.alpaca.seats import Seats, body_of
from papertape.server.dialects.alpaca.times import (
    EARLIEST_NS,
    Day,
    EndMoment,
    Moment,
    end_moment,
    moment,
)
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.problems import malformed
from papertape.server.replies import json_reply
from papertape.storage.spans import Span

_ACCOUNT = f"{PREFIX}/v2/account"
Timeframe = Literal["1Min", "5Min", "15Min", "1H", "1D"]
Reporting = Literal["market_hours", "extended_hours", "continuous"]
PAGE_MAX = 100


class AccountRoutes:
    """Everything under `/alpaca/v2/account`."""

    def __init__(
        self,
        seats: Seats,
        configurations: configuration.Configurations,
        market: Market,
        curves: Curves,
        activity_list: ActivityList,
    ) -> None:
        self._seats = seats
        self._configurations = configurations
        self._market = market
        self._curves = curves
        self._activities = activity_list

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        listed = document(ActivityReply, listed=True, problems=(404,))
        for path, handler, method, told in (
            ("", self.get_account, "GET", document(AccountReply, problems=(404,))),
            (
                "/configurations",
                self.get_account_configurations,
                "GET",
                document(ConfigurationReply, problems=(404,)),
            ),
            (
                "/configurations",
                self.set_account_configurations,
                "PATCH",
                document(
                    ConfigurationReply, body=ConfigurationBody, scope="account", problems=(404,)
                ),
            ),
            (
                "/portfolio/history",
                self.get_portfolio_history,
                "GET",
                document(PortfolioHistoryReply, problems=(404,)),
            ),
            ("/activities", self.list_activities, "GET", listed),
            ("/activities/{activity_type}", self.list_activities_of_type, "GET", listed),
        ):
            add_route(router, _ACCOUNT + path, handler, method, "account", told)

    async def get_account(self, request: Request) -> Response:
        """The account of the key, or the user's first, valued at the present market."""
        seat = await self._seats.of(request)
        value = await self._seats.accounts.value(seat.account)
        began_ns = await self._market.began_ns(None, await self._market.recent_ns())
        account = account_of(
            value.account,
            msgspec.json.decode(value.positions),
            await self._configurations.of(seat.account_id),
            last_equity=await self._curves.last_equity(seat.account_id, began_ns)
            or value.account["equity"],
            created_at=time_text(seat.caller.user.created_ns),
        )
        return json_reply(account)

    async def get_account_configurations(self, request: Request) -> Response:
        """What the account's owner has chosen."""
        seat = await self._seats.of(request)
        value = await self._seats.accounts.value(seat.account)
        choices = await self._configurations.of(seat.account_id)
        return json_reply(configuration.shown(choices, value.account))

    async def set_account_configurations(self, request: Request) -> Response:
        """Choose: what is null or left out stays as it is."""
        seat = await self._seats.of(request)
        body = await body_of(request, ConfigurationBody)
        value = await self._seats.accounts.value(seat.account)
        choices = configuration.changed(
            await self._configurations.of(seat.account_id), body, value.account
        )
        await self._configurations.keep(seat.account_id, choices)
        return json_reply(configuration.shown(choices, value.account))

    # --- portfolio history -----------------------------------------------------------------------

    async def get_portfolio_history(
        self,
        request: Request,
        period: Annotated[str | None, Query(max_length=4, examples=["1M"])] = None,
        timeframe: Timeframe | None = None,
        intraday_reporting: Reporting | None = None,
        start: Moment = None,
        end: EndMoment = None,
        date_end: Day = None,
        pnl_reset: Literal["per_day", "no_reset"] = "per_day",
        extended_hours: bool = False,
        cashflow_types: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """The equity curve in windows of equal length, each with the time of its start."""
        seat = await self._seats.of(request)
        now_ns = await self._market.now_ns()
        end_ns = end_moment("end", end, NEW_YORK)
        if end_ns is None:
            end_ns = end_moment("date_end", date_end, NEW_YORK)
        end_ns = now_ns if end_ns is None else min(end_ns, now_ns)
        start_ns = moment("start", start, NEW_YORK)
        days = portfolio.period_days(period or "1M")
        if start_ns is None:
            start_ns = await self._period_start(days, end_ns)
        else:
            days = (end_ns - start_ns) // portfolio.DAY_NS
        if start_ns >= now_ns:
            raise malformed("start: it does not lie in the past", field="start", value=start)
        if start_ns >= end_ns > EARLIEST_NS:
            raise malformed("start: it does not lie before the end", field="start", value=start)
        step = timeframe or portfolio.usual_timeframe(days)
        reporting = intraday_reporting or ("extended_hours" if extended_hours else "market_hours")
        opened_ns = await self._curves.opened_ns(seat.account_id)
        first_ns = max(start_ns, end_ns if opened_ns is None else start_of(day_of(opened_ns)))
        windows = await self._market.ask_days(
            lambda calendar: portfolio.windows_of(calendar, first_ns, end_ns, step, reporting)
        )
        asked = Asked(step, pnl_reset == "per_day", tuple(_flow_types(cashflow_types)))
        return json_reply(await self._curves.history(seat.account_id, windows, asked))

    async def _period_start(self, days: int, end_ns: int) -> int:
        """Midnight of the day that is so many days back, the last trading day counted as one."""

        def began(calendar: TradingDays) -> int:
            last = day_of(calendar.day_began(end_ns))
            return start_of(last - timedelta(days=days - 1))

        return await self._market.ask_days(began)

    # --- activities ------------------------------------------------------------------------------

    async def list_activities(
        self,
        request: Request,
        activity_types: Annotated[str | None, Query(max_length=200)] = None,
        category: Literal["trade_activity", "non_trade_activity"] | None = None,
        date: Day = None,
        until: EndMoment = None,
        after: Moment = None,
        direction: Literal["asc", "desc"] = "desc",
        page_size: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
        page_token: Annotated[str | None, Query(max_length=80)] = None,
    ) -> Response:
        """Fills and what moved money besides; `page_token` is the id of the last one seen."""
        seat = await self._seats.of(request)
        types = _types_of(activity_types)
        if category is not None:
            if activity_types:
                raise malformed("category: give it or activity_types, not both", field="category")
            trades = category == "trade_activity"
            types = {"FILL"} if trades else set(activities.TYPES) - {"FILL"}
        span = _span_of(date, after, until)
        wanted = Wanted(frozenset(types), span, direction == "desc", page_size, page_token)
        return json_reply(await self._activities.page(seat.account_id, wanted))

    async def list_activities_of_type(
        self,
        request: Request,
        activity_type: str,
        date: Day = None,
        until: EndMoment = None,
        after: Moment = None,
        direction: Literal["asc", "desc"] = "desc",
        page_size: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
        page_token: Annotated[str | None, Query(max_length=80)] = None,
    ) -> Response:
        """The same of one type."""
        seat = await self._seats.of(request)
        types = frozenset(_types_of(activity_type))
        span = _span_of(date, after, until)
        wanted = Wanted(types, span, direction == "desc", page_size, page_token)
        return json_reply(await self._activities.page(seat.account_id, wanted))


def _types_of(text: str | None) -> set[str]:
    """The types of a comma-separated list; of those that never happen here there is none."""
    if not text:
        return set(activities.TYPES)
    types = {word.strip().upper() for word in text.split(",")}
    wrong = next((word for word in types if not word.isalpha() or len(word) > 8), None)
    if wrong is not None:
        raise malformed(
            f"activity_types: {wrong[:20]!r} is no type; use words such as FILL or DIV",
            field="activity_types",
            value=wrong,
        )
    return types


def _flow_types(text: str | None) -> list[str]:
    """The types whose money a history tells; none unless asked for."""
    if not text or text.upper() == "NONE":
        return []
    types = set(activities.TYPES) if text.upper() == "ALL" else _types_of(text)
    return sorted(types - {"FILL"})


def _span_of(date: str | None, after: str | None, until: str | None) -> Span:
    began_ns = moment("date", date, NEW_YORK)
    if began_ns is None:
        return Span(moment("after", after), end_moment("until", until))
    return Span(began_ns - 1, end_moment("date", date, NEW_YORK))

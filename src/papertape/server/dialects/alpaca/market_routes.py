"""Clock and calendar by market: `/alpaca/v3/clock`, `/alpaca/v3/calendar/{market}`.

There is one stock exchange here, as in version 2: its hours are told under the names of both.
"""

from datetime import UTC, date, timedelta, tzinfo
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.dialects.alpaca.days import FIRST_DAY, LAST_DAY, NEW_YORK, SHORT, day_of
from papertape.server.dialects.alpaca.documents import document
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.models.reference import ClocksReply, MarketCalendarReply
from papertape.server.dialects.alpaca.seats import Seats
from papertape.server.dialects.alpaca.times import Day, Moment, day, moment
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.problems import malformed
from papertape.server.replies import json_reply

_V3 = f"{PREFIX}/v3"
_NAMES = {"XNYS": ("NYSE", "New York Stock Exchange"), "XNAS": ("NASDAQ", "Nasdaq")}
_BY_WORD = {word: mic for mic, (acronym, _) in _NAMES.items() for word in (mic, acronym)}

Zone = Annotated[Literal["UTC"] | None, Query(description="Of the times; New York when left out")]


class MarketRoutes:
    """When markets trade."""

    def __init__(self, seats: Seats, market: Market) -> None:
        self._seats = seats
        self._market = market

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        for path, handler, told in (
            ("/clock", self.get_market_clocks, document(ClocksReply)),
            ("/calendar/{market}", self.get_market_calendar, document(MarketCalendarReply)),
        ):
            router.add_api_route(_V3 + path, handler, tags=["market"], **told)

    async def get_market_clocks(
        self,
        request: Request,
        markets: Annotated[
            str | None, Query(max_length=200, description="Comma-separated", examples=["NYSE"])
        ] = None,
        time: Moment = None,
    ) -> Response:
        """The part of the day that markets are in, now or at a time; of all without `markets`."""
        await self._seats.may_read(request)
        words = [word.strip() for word in (markets or "").split(",") if word.strip()]
        named = dict.fromkeys(_mic("markets", word) for word in words) or _NAMES
        asked_ns = moment("time", time)
        now_ns = await self._market.now_ns() if asked_ns is None else asked_ns
        phase = await self._market.ask_days(lambda days: days.phase(now_ns))
        return json_reply({"clocks": [{"market": _market(mic)} | phase for mic in named]})

    async def get_market_calendar(
        self,
        request: Request,
        market: str,
        start: Day = None,
        end: Day = None,
        timezone: Zone = None,
    ) -> Response:
        """The trading days of a market, both ends included; a week from today when left out."""
        await self._seats.may_read(request)
        mic = _mic("market", market)
        first = day("start", start) or day_of(await self._market.now_ns())
        last = day("end", end) or min(first, LAST_DAY) + timedelta(days=7)
        if last - first > SHORT:
            raise malformed(
                f"end: at most {SHORT.days} days at once", field="end", value=last.isoformat()
            )
        zone = NEW_YORK if timezone is None else UTC
        return json_reply({"market": _market(mic), "calendar": await self._days(first, last, zone)})

    async def _days(self, first: date, last: date, zone: tzinfo) -> list[dict[str, str]]:
        start, end = max(first, FIRST_DAY), min(last, LAST_DAY)
        return await self._market.ask_days(lambda days: days.whole_days(start, end, zone))


def _mic(field: str, word: str) -> str:
    """The ISO 10383 code of a market; raises `Problem` 422 for one that is not here."""
    mic = _BY_WORD.get(word.upper())
    if mic is None:
        raise malformed(f"{field}: give one of {', '.join(_BY_WORD)}", field=field, value=word)
    return mic


def _market(mic: str) -> dict[str, Any]:
    acronym, name = _NAMES[mic]
    return {"mic": mic, "acronym": acronym, "name": name, "timezone": str(NEW_YORK)}

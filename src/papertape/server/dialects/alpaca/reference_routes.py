"""Routes about the market: assets, option contracts, clock, calendar, corporate actions."""

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.bodies import as_decimal_text
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.corporate import CorporateActions
from papertape.server.dialects.alpaca.days import FIRST_DAY, LAST_DAY
from papertape.server.dialects.alpaca.documents import document
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.models.reference import (
    AnnouncementReply,
    AssetReply,
    CalendarDay,
    ClockReply,
    ContractReply,
    ContractsReply,
)
from papertape.server.dialects.alpaca.options import contract_of, is_contract
from papertape.server.dialects.alpaca.seats import Seats
from papertape.server.dialects.alpaca.times import Day, day
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.problems import malformed, not_found
from papertape.server.replies import JSON, json_reply

_V2 = f"{PREFIX}/v2"
CONTRACTS_MAX = 10_000
Status = Literal["active", "inactive"]
DateType = Literal["declaration_date", "ex_date", "record_date", "payable_date"]
Price = Annotated[str | None, Query(max_length=40, description="decimal")]


class ReferenceRoutes:
    """What can be traded, and when."""

    def __init__(
        self, seats: Seats, assets: Assets, market: Market, actions: CorporateActions
    ) -> None:
        self._seats = seats
        self._assets = assets
        self._market = market
        self._actions = actions

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        actions = "/corporate_actions/announcements"
        for path, handler, told in (
            ("/assets", self.list_assets, document(AssetReply, listed=True, problems=(404,))),
            (
                "/assets/{symbol_or_asset_id:path}",
                self.get_asset,
                document(AssetReply, problems=(404,)),
            ),
            ("/options/contracts", self.list_option_contracts, document(ContractsReply)),
            (
                "/options/contracts/{symbol_or_id}",
                self.get_option_contract,
                document(ContractReply, problems=(404,)),
            ),
            ("/clock", self.get_clock, document(ClockReply)),
            ("/calendar", self.list_calendar, document(CalendarDay, listed=True)),
            (actions, self.list_announcements, document(AnnouncementReply, listed=True)),
            (
                f"{actions}/{{announcement_id}}",
                self.get_announcement,
                document(AnnouncementReply, problems=(404,)),
            ),
        ):
            router.add_api_route(_V2 + path, handler, tags=["market"], **told)

    async def list_assets(
        self,
        request: Request,
        status: Status | None = None,
        asset_class: Annotated[str | None, Query(max_length=20)] = None,
        exchange: Annotated[str | None, Query(max_length=20)] = None,
        attributes: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """What can be traded, by symbol; option contracts have a list of their own.

        No asset has one of Alpaca's attributes, so with `attributes` the list is empty.
        """
        account = await self._account(request)
        if attributes:
            return json_reply([])
        assets = [asset for asset in await self._assets.listed() if not asset.is_option]
        shown = [asset.shown(account) for asset in assets]
        filters = {"status": status, "class": asset_class, "exchange": exchange}
        asked = {name: value for name, value in filters.items() if value is not None}
        return json_reply([one for one in shown if asked.items() <= _words(one).items()])

    async def get_asset(self, request: Request, symbol_or_asset_id: str) -> Response:
        """One asset by symbol or id."""
        account = await self._account(request)
        await self._assets.listed()
        return json_reply((await self._assets.require(symbol_or_asset_id)).shown(account))

    async def _account(self, request: Request) -> Mapping[str, Any]:
        seat = await self._seats.of(request)
        return (await self._seats.accounts.value(seat.account)).account

    # --- option contracts ------------------------------------------------------------------------

    async def list_option_contracts(
        self,
        request: Request,
        underlying_symbols: Annotated[str | None, Query(max_length=2_000)] = None,
        status: Status = "active",
        expiration_date: Day = None,
        expiration_date_gte: Day = None,
        expiration_date_lte: Day = None,
        root_symbol: Annotated[str | None, Query(max_length=24)] = None,
        option_type: Annotated[Literal["call", "put"] | None, Query(alias="type")] = None,
        style: Literal["american", "european"] | None = None,
        strike_price_gte: Price = None,
        strike_price_lte: Price = None,
        limit: Annotated[int, Query(ge=1, le=CONTRACTS_MAX)] = 100,
        page_token: Annotated[str | None, Query(max_length=80)] = None,
    ) -> Response:
        """Option contracts by symbol, those that expire soon and later alike."""
        await self._seats.may_read(request)
        words = {"status": status, "root_symbol": root_symbol, "type": option_type, "style": style}
        asked = {name: value for name, value in words.items() if value is not None}
        only = day("expiration_date", expiration_date)
        first = only or day("expiration_date_gte", expiration_date_gte) or date.min
        last = only or day("expiration_date_lte", expiration_date_lte) or date.max
        low = _price("strike_price_gte", strike_price_gte) or Decimal(0)
        high = _price("strike_price_lte", strike_price_lte) or Decimal("Infinity")
        underlyings = {name for name in (underlying_symbols or "").split(",") if name}
        behind = _token(page_token)
        found = [
            contract
            for contract in await self._contracts()
            if contract["symbol"] > behind
            and asked.items() <= contract.items()
            and (not underlyings or contract["underlying_symbol"] in underlyings)
            and first <= date.fromisoformat(contract["expiration_date"]) <= last
            and low <= Decimal(contract["strike_price"]) <= high
        ]
        page = found[:limit]
        following = _page_token(page[-1]["symbol"]) if len(found) > limit else None
        return json_reply({"option_contracts": page, "next_page_token": following})

    async def get_option_contract(self, request: Request, symbol_or_id: str) -> Response:
        """One option contract by symbol or id."""
        await self._seats.may_read(request)
        await self._assets.listed()
        asset = await self._assets.find(symbol_or_id)
        if asset is None or not is_contract(asset):
            raise not_found(f"option contract: {symbol_or_id[:100]}")
        return json_reply(contract_of(asset))

    async def _contracts(self) -> list[dict[str, Any]]:
        assets: list[Asset] = await self._assets.listed()
        return [contract_of(asset) for asset in assets if is_contract(asset)]

    # --- time ------------------------------------------------------------------------------------

    async def get_clock(self, request: Request) -> Response:
        """Whether the stock exchange is open, and when that changes."""
        await self._seats.may_read(request)
        return json_reply(await self._market.clock())

    async def list_calendar(
        self,
        request: Request,
        start: Day = None,
        end: Day = None,
        date_type: Annotated[Literal["TRADING", "SETTLEMENT"], Query()] = "TRADING",
    ) -> Response:
        """The trading days of a range, both ends included; without one all that are known."""
        await self._seats.may_read(request)
        first, last = day("start", start) or FIRST_DAY, day("end", end) or LAST_DAY
        if first <= FIRST_DAY and last >= LAST_DAY and date_type == "TRADING":
            return Response(await self._market.whole_calendar(), media_type=JSON)
        days = await self._market.calendar(max(first, FIRST_DAY), min(last, LAST_DAY))
        if date_type == "SETTLEMENT":
            days = [one for one in days if one["settlement_date"] <= last.isoformat()]
        return json_reply(days)

    async def list_announcements(
        self,
        request: Request,
        ca_types: Annotated[str | None, Query(max_length=100)] = None,
        since: Day = None,
        until: Day = None,
        symbol: Annotated[str | None, Query(max_length=24)] = None,
        date_type: DateType = "declaration_date",
    ) -> Response:
        """Splits and cash dividends that were announced, with both ends of the range included."""
        await self._seats.may_read(request)
        first, last = day("since", since) or date.min, day("until", until) or date.max
        types = {word for word in (ca_types or "").split(",") if word}
        found = [action.announcement() for action in await self._actions.all()]
        return json_reply(
            [
                one
                for one in found
                if (not types or one["ca_type"] in types)
                and symbol in {None, "", one["initiating_symbol"]}
                and first <= date.fromisoformat(one[date_type]) <= last
            ]
        )

    async def get_announcement(self, request: Request, announcement_id: str) -> Response:
        """One announced corporate action by either of its ids."""
        await self._seats.may_read(request)
        for action in await self._actions.all():
            told = action.announcement()
            if announcement_id in {told["id"], told["corporate_action_id"]}:
                return json_reply(told)
        raise not_found(f"announcement: {announcement_id[:100]}")


def _words(asset: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asset[name] for name in ("status", "class", "exchange")}


def _price(field: str, text: str | None) -> Decimal | None:
    if text is None or text == "":
        return None
    try:
        return Decimal(as_decimal_text(text))
    except ValueError as error:
        raise malformed(f"{field}: {error}", field=field, value=text) from error


def _page_token(symbol: str) -> str:
    return base64.urlsafe_b64encode(symbol.encode()).decode()


def _token(text: str | None) -> str:
    if not text:
        return ""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise malformed(
            "page_token: it is not one of ours", field="page_token", value=text
        ) from error

"""Routes of positions, under `/alpaca/v2/positions`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.bodies import as_decimal_text
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.configuration import Configurations, check_order
from papertape.server.dialects.alpaca.desk import OrderDesk
from papertape.server.dialects.alpaca.documents import add_route, document
from papertape.server.dialects.alpaca.errors import error_of
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.models.trading import (
    ClosedPosition,
    OrderReply,
    PositionReply,
)
from papertape.server.dialects.alpaca.orders import Native, Order
from papertape.server.dialects.alpaca.positions import Day, closing_order, position_of
from papertape.server.dialects.alpaca.seats import Seat, Seats
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply
from papertape.storage.rows import Row
from papertape.storage.spans import Span, Spans

_POSITIONS = f"{PREFIX}/v2/positions"
_ONE = f"{_POSITIONS}/{{symbol_or_asset_id:path}}"
ORDERS_MAX = 1_000
Part = Annotated[str | None, Query(max_length=40, description="decimal")]


class PositionRoutes:
    """What is held, and how to be rid of it."""

    def __init__(
        self,
        seats: Seats,
        assets: Assets,
        desk: OrderDesk,
        configurations: Configurations,
        market: Market,
        exchange: Exchange,
        spans: Spans,
    ) -> None:
        self._seats = seats
        self._assets = assets
        self._desk = desk
        self._configurations = configurations
        self._market = market
        self._exchange = exchange
        self._spans = spans

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give; the longer paths come first."""
        done = document(None, scope="trade", problems=(404,))
        for path, handler, method, told in (
            (
                _POSITIONS,
                self.list_positions,
                "GET",
                document(PositionReply, listed=True, problems=(404,)),
            ),
            (
                _POSITIONS,
                self.close_positions,
                "DELETE",
                document(ClosedPosition, status=207, listed=True, scope="trade", problems=(404,)),
            ),
            (f"{_ONE}/exercise", self.exercise_position, "POST", done),
            (f"{_ONE}/do-not-exercise", self.do_not_exercise_position, "POST", done),
            (_ONE, self.get_position, "GET", document(PositionReply, problems=(404,))),
            (
                _ONE,
                self.close_position,
                "DELETE",
                document(OrderReply, scope="trade", problems=(404,)),
            ),
        ):
            add_route(router, path, handler, method, "positions", told)

    async def list_positions(self, request: Request) -> Response:
        """What the account holds, valued at the present market."""
        seat = await self._seats.of(request)
        account, held = await self._held(seat)
        return json_reply(await self._shown(seat, account, list(held.values())))

    async def get_position(self, request: Request, symbol_or_asset_id: str) -> Response:
        """What the account holds of one asset."""
        seat = await self._seats.of(request)
        account, native, asset = await self._one(seat, symbol_or_asset_id)
        return json_reply((await self._shown(seat, account, [(native, asset)]))[0])

    async def close_position(
        self,
        request: Request,
        symbol_or_asset_id: str,
        qty: Part = None,
        percentage: Part = None,
    ) -> Response:
        """Close a position or a part of it by a market order."""
        seat = await self._seats.of(request)
        if qty is not None and percentage is not None:
            raise malformed("give qty or percentage, not both", field="percentage")
        part, share = _decimal("qty", qty), _decimal("percentage", percentage)
        _, native, asset = await self._one(seat, symbol_or_asset_id)
        return json_reply(await self._close(seat, native, asset, part, share))

    async def close_positions(self, request: Request, cancel_orders: bool = False) -> Response:
        """Close all positions by market orders; with `cancel_orders` without open orders first."""
        seat = await self._seats.of(request)
        if cancel_orders:
            await self._desk.cancel_all(seat.account_id)
        _, held = await self._held(seat)
        return json_reply(
            [await self._try_to_close(seat, native, asset) for native, asset in held.values()], 207
        )

    async def exercise_position(self, request: Request, symbol_or_asset_id: str) -> Response:
        """Exercise all contracts that are held of an option."""
        seat = await self._seats.of(request)
        _, native, asset = await self._one(seat, symbol_or_asset_id)
        fields = {"qty": native["qty"].removeprefix("-"), "request_id": str(uuid4())}
        await self._instruct(seat, asset, "exercise", fields)
        return Response()

    async def do_not_exercise_position(self, request: Request, symbol_or_asset_id: str) -> Response:
        """Let an option that is held expire, even when exercising it would pay."""
        seat = await self._seats.of(request)
        _, _, asset = await self._one(seat, symbol_or_asset_id)
        await self._instruct(seat, asset, "do_not_exercise", {})
        return Response()

    async def _instruct(self, seat: Seat, asset: Asset, kind: str, fields: Native) -> None:
        if not asset.is_option:
            raise Problem(422, "not_an_option", f"{asset.symbol} is no option contract")
        command = {"account_id": seat.account_id, "symbol": asset.symbol, **fields}
        await self._exchange.ask(kind, command)

    # --- closing ---------------------------------------------------------------------------------

    async def _close(
        self, seat: Seat, native: Native, asset: Asset, qty: str | None, percentage: str | None
    ) -> Order:
        fields = closing_order(native, asset, qty, percentage)
        check_order(await self._configurations.of(seat.account_id), fields, [asset])
        return await self._desk.submit(seat, fields, None)

    async def _try_to_close(self, seat: Seat, native: Native, asset: Asset) -> dict[str, Any]:
        try:
            status, body = 200, await self._close(seat, native, asset, None, None)
        except Problem as problem:
            status, body = error_of(problem)
        return {"symbol": asset.symbol, "status": status, "body": body}

    # --- what is held ----------------------------------------------------------------------------

    async def _held(self, seat: Seat) -> tuple[Mapping[str, Any], dict[str, tuple[Native, Asset]]]:
        """The native account, and by symbol the positions that Alpaca has words for."""
        value = await self._seats.accounts.value(seat.account)
        natives: list[Native] = msgspec.json.decode(value.positions)
        found = [(native, await self._assets.find(native["symbol"])) for native in natives]
        return value.account, {
            asset.symbol: (native, asset) for native, asset in found if asset is not None
        }

    async def _one(self, seat: Seat, name: str) -> tuple[Mapping[str, Any], Native, Asset]:
        asset = await self._assets.require(name)
        account, held = await self._held(seat)
        if asset.symbol not in held:
            raise not_found(f"position: {asset.symbol}")
        return account, *held[asset.symbol]

    async def _shown(
        self, seat: Seat, account: Mapping[str, Any], held: Sequence[tuple[Native, Asset]]
    ) -> list[dict[str, Any]]:
        """Positions as they stand now, with what their days began with."""
        now_ns = await self._market.recent_ns()
        began = {asset.symbol: await self._market.began_ns(asset, now_ns) for _, asset in held}
        orders, fills = await asyncio.to_thread(self._read, seat.account_id, began)
        on_margin = account["kind"] == "margin"
        shown = []
        for native, asset in held:
            closed = await self._market.closed(asset.symbol, began[asset.symbol])
            day = Day(closed, fills.get(asset.symbol, ()))
            shown.append(position_of(native, asset, day, orders, on_margin))
        return shown

    def _read(
        self, account_id: str, began: Mapping[str, int]
    ) -> tuple[list[Native], dict[str, list[Row]]]:
        """The open orders of an account, and the fills of symbols since their days began."""
        orders = self._spans.orders(account_id, Span(), status="open", limit=ORDERS_MAX)
        fills: dict[str, list[Row]] = {}
        for began_ns in {*began.values()}:
            symbols = [symbol for symbol, since_ns in began.items() if since_ns == began_ns]
            since = Span(after_ns=began_ns - 1)
            for fill in self._spans.traded(account_id, since, symbols):
                fills.setdefault(fill["symbol"], []).append(fill)
        return orders, fills


def _decimal(field: str, text: str | None) -> str | None:
    if text is None or text == "":
        return None
    try:
        return as_decimal_text(text)
    except ValueError as error:
        raise malformed(f"{field}: {error}", field=field, value=text) from error

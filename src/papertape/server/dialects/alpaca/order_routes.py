"""Routes of orders, under `/alpaca/v2/orders`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.dialects.alpaca.assets import Assets
from papertape.server.dialects.alpaca.configuration import (
    Configurations,
    check_order,
    hold_to_long,
)
from papertape.server.dialects.alpaca.desk import Listing, OrderDesk
from papertape.server.dialects.alpaca.documents import add_route, document
from papertape.server.dialects.alpaca.models.bodies import OrderBody, ReplaceBody
from papertape.server.dialects.alpaca.models.trading import CanceledOrder, OrderReply
from papertape.server.dialects.alpaca.orders import change_of, command_of, names_in
from papertape.server.dialects.alpaca.seats import Seats, body_of
from papertape.server.dialects.alpaca.times import EndMoment, Moment, end_moment, moment
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.replies import json_reply
from papertape.storage.spans import Span

_ORDERS = f"{PREFIX}/v2/orders"
LIMIT_MAX = 500
Nested = Annotated[bool, Query(description="Whether legs stand in their order")]


class OrderRoutes:
    """Submit, list, look at, replace, cancel."""

    def __init__(
        self, seats: Seats, assets: Assets, desk: OrderDesk, configurations: Configurations
    ) -> None:
        self._seats = seats
        self._assets = assets
        self._desk = desk
        self._configurations = configurations

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        one = f"{_ORDERS}/{{order_id}}"
        for path, handler, method, told in (
            (
                _ORDERS,
                self.submit_order,
                "POST",
                document(OrderReply, body=OrderBody, scope="trade", problems=(404,)),
            ),
            (_ORDERS, self.list_orders, "GET", document(OrderReply, listed=True, problems=(404,))),
            (
                _ORDERS,
                self.cancel_orders,
                "DELETE",
                document(CanceledOrder, status=207, listed=True, scope="trade", problems=(404,)),
            ),
            (
                f"{_ORDERS}:by_client_order_id",
                self.get_order_by_client_order_id,
                "GET",
                document(OrderReply, problems=(404,)),
            ),
            (one, self.get_order, "GET", document(OrderReply, problems=(404,))),
            (
                one,
                self.replace_order,
                "PATCH",
                document(OrderReply, body=ReplaceBody, scope="trade", problems=(404,)),
            ),
            (
                one,
                self.cancel_order,
                "DELETE",
                document(None, status=204, scope="trade", problems=(404,)),
            ),
        ):
            add_route(router, path, handler, method, "orders", told)

    async def submit_order(self, request: Request) -> Response:
        """Send an order; the reply is the order as it stands after matching, and is durable."""
        seat = await self._seats.of(request)
        body = await body_of(request, OrderBody)
        assets = {name: await self._assets.tradable(name) for name in names_in(body)}
        fields = command_of(body, {name: asset.symbol for name, asset in assets.items()})
        choices = await self._configurations.of(seat.account_id)
        check_order(choices, fields, list(assets.values()))
        if choices["no_shorting"]:
            value = await self._seats.accounts.value(seat.account)
            fields = hold_to_long(choices, fields, value.account)
        return json_reply(await self._desk.submit(seat, fields, body.client_order_id))

    async def list_orders(
        self,
        request: Request,
        status: Literal["open", "closed", "all"] = "open",
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        after: Moment = None,
        until: EndMoment = None,
        direction: Literal["asc", "desc"] = "desc",
        nested: Nested = False,
        symbols: Annotated[str | None, Query(max_length=2_000)] = None,
        side: Literal["buy", "sell"] | None = None,
    ) -> Response:
        """Orders by the time of their submission; `after` and `until` are not included."""
        seat = await self._seats.of(request)
        found = [await self._assets.find(name) for name in (symbols or "").split(",") if name]
        listing = Listing(
            status=status,
            limit=limit,
            span=Span(moment("after", after), end_moment("until", until)),
            newest_first=direction == "desc",
            nested=nested,
            symbols=tuple(asset.symbol for asset in found if asset is not None),
            side=side,
        )
        if found and not listing.symbols:
            return json_reply([])
        return json_reply(await self._desk.listed(seat.account_id, listing))

    async def cancel_orders(self, request: Request) -> Response:
        """Cancel all open orders."""
        seat = await self._seats.of(request)
        canceled = await self._desk.cancel_all(seat.account_id)
        items = [{"id": order["id"], "status": 200, "body": None} for order in canceled]
        return json_reply(items, 207)

    async def get_order_by_client_order_id(
        self,
        request: Request,
        client_order_id: Annotated[str, Query(min_length=1, max_length=128)],
        nested: Nested = False,
    ) -> Response:
        """One order by the id that its client gave it."""
        seat = await self._seats.of(request)
        found = await self._desk.find_by_client_id(seat.account_id, client_order_id)
        return json_reply(await self._desk.show(found, nested=nested))

    async def get_order(self, request: Request, order_id: str, nested: Nested = False) -> Response:
        """One order, also one that was replaced."""
        seat = await self._seats.of(request)
        found = await self._desk.find(seat.account_id, order_id)
        return json_reply(await self._desk.show(found, nested=nested))

    async def replace_order(self, request: Request, order_id: str) -> Response:
        """Change an open order, which goes on under a new id.

        `qty` counts what has been filled before, and so does `filled_qty` of the new order.
        """
        seat = await self._seats.of(request)
        body = await body_of(request, ReplaceBody)
        found = await self._desk.find(seat.account_id, order_id)
        change = change_of(body, found.native)
        order = await self._desk.replace(seat, found, change, body.client_order_id)
        return json_reply(order)

    async def cancel_order(self, request: Request, order_id: str) -> Response:
        """Cancel an open order."""
        seat = await self._seats.of(request)
        await self._desk.cancel(seat.account_id, order_id)
        return Response(status_code=204)

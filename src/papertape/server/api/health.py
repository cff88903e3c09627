"""Routes for those who run the product: alive, ready, measured; and the demo login."""

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX
from papertape.server.documents import document
from papertape.server.exchange import Exchange
from papertape.server.measures import Measures
from papertape.server.models.health import AliveReply, ReadyReply
from papertape.server.models.users import DemoReply
from papertape.server.problems import Problem, not_found
from papertape.server.replies import json_reply

READY_WITHIN_S = 2.0
_FIGURE = 'papertape_orders_total{outcome="created"} 12.0\n'


class HealthRoutes:
    """`/healthz`, `/readyz`, `/metrics` and `/api/v1/demo`."""

    def __init__(
        self, exchange: Exchange, measures: Measures, demo_login: tuple[str, str] | None
    ) -> None:
        self._exchange = exchange
        self._measures = measures
        self._demo_login = demo_login

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they give."""
        figures = document(replies={200: None}, secured=False)
        figures["responses"][200]["content"] = {
            "text/plain": {"schema": {"type": "string"}, "example": _FIGURE}
        }
        for path, handler, documented in (
            ("/healthz", self.alive, document(replies={200: AliveReply}, secured=False)),
            ("/readyz", self.ready, document(replies={200: ReadyReply}, secured=False)),
            ("/metrics", self.metrics, figures),
        ):
            router.add_api_route(path, handler, tags=["operation"], **documented)
        router.add_api_route(
            f"{PREFIX}/demo",
            self.demo,
            tags=["users"],
            **document(
                replies={200: DemoReply},
                problems=(404,),
                reasons={404: ("not_found", "there is no such demo login")},
                secured=False,
            ),
        )

    async def alive(self, _request: Request) -> Response:
        """The process works, whatever its floor does."""
        return json_reply({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """The floor answers, so orders can be taken."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._exchange.ask("floor_status")
        except TimeoutError as error:
            raise Problem(
                503, "not_accepted", "the floor does not answer", retry_after_s=1
            ) from error
        return json_reply({"status": "ready", "world": self._exchange.world})

    async def metrics(self, _request: Request) -> Response:
        """Counters in the text format of Prometheus."""
        return Response(self._measures.text(), media_type=CONTENT_TYPE_LATEST)

    async def demo(self, _request: Request) -> Response:
        """The login for a first look; there is none where others can reach the product."""
        if self._demo_login is None:
            raise not_found("demo login")
        username, password = self._demo_login
        return json_reply({"enabled": True, "username": username, "password": password})

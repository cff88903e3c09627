"""Leads the busiest requests past the router: half of a request's way through the server was that.

Only for routes that read the request themselves (`DirectRoute`), and for the common requests of
others (`commonly`). Each of them stands in the router as well, so whatever this does not recognise
finds its way there.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi.routing import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from papertape.floor.ports import FloorUnavailableError
from papertape.server.documents import CommonRoute, DirectRoute
from papertape.server.problems import floor_unavailable
from papertape.server.queries import StrictRoute

_ID_LENGTH = 36
"""That of a UUID; no fixed part of a path is so long a name, so the two are never mixed up."""


class Short(NamedTuple):
    """A route, what answers it (None: the router shall), and what its path says."""

    route: StrictRoute
    answer: Callable[[Request], Awaitable[Response | None]]
    path_params: dict[str, str] = {}  # noqa: RUF012 - a default that nobody changes

    @property
    def is_direct(self) -> bool:
        """Whether it answers every request of the route, and never with None."""
        return isinstance(self.route, DirectRoute)


class ShortRoutes:
    """The busiest routes of a router, found by method and path without trying any other."""

    def __init__(self, router: APIRouter) -> None:
        self._fixed: dict[tuple[str, str], Short] = {}
        self._with_id: dict[tuple[str, str, str], tuple[Short, str]] = {}
        for route in router.routes:
            if isinstance(route, DirectRoute):
                self._add(route, Short(route, route.direct))
            elif isinstance(route, CommonRoute):
                self._add(route, Short(route, route.common))

    def _add(self, route: StrictRoute, short: Short) -> None:
        before, brace, rest = route.path.partition("{")
        name, _, behind = rest.partition("}")
        for method in route.methods or ():
            if not brace:
                self._fixed[method, route.path] = short
            elif name.isidentifier() and behind.count("/") <= 1 and "{" not in behind:
                self._with_id[method, before, behind] = short, name

    def find(self, method: str, path: str) -> Short | None:
        """The short route of a request; None when it has none."""
        short = self._fixed.get((method, path))
        if short is not None:
            return short
        before, slash, part = path.rpartition("/")
        behind = ""
        if len(part) != _ID_LENGTH:
            behind = slash + part
            before, _, part = before.rpartition("/")
        if len(part) != _ID_LENGTH:
            return None
        found = self._with_id.get((method, f"{before}/", behind))
        return None if found is None else found[0]._replace(path_params={found[1]: part})


class Shortcut:
    """Inside of `Edge`, which answers what is raised here; around the application."""

    def __init__(self, app: ASGIApp, router: APIRouter) -> None:
        self._app = app
        self._routes = ShortRoutes(router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a short route; hand all others on."""
        short = None
        if scope["type"] == "http":
            short = self._routes.find(scope["method"], scope["path"])
        if short is not None and short.route.wrong_with(scope) is not None:
            short = None  # the router tells what
        response = None if short is None else await answer(short, Request(scope, receive))
        await (response or self._app)(scope, receive, send)


async def answer(short: Short, request: Request) -> Response | None:
    """What the handler of a short route answers to a query of its own; raises `Problem`."""
    scope = request.scope
    scope["route"], scope["path_params"] = short.route, short.path_params
    try:
        return await short.answer(request)
    except FloorUnavailableError as error:
        raise floor_unavailable(error) from error

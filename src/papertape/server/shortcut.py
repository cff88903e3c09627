"""Leads the busiest requests past the router: half of an order's way through the server was that.

Only for routes that read the request themselves (`DirectRoute`). Each of them stands in the router
as well, with the same handler, so whatever this does not recognise finds its way there.
"""

from typing import NamedTuple

from fastapi.routing import APIRouter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from papertape.floor.ports import FloorUnavailableError
from papertape.server.documents import DirectRoute
from papertape.server.problems import floor_unavailable

_ID_LENGTH = 36
"""That of a UUID; no fixed path ends in so long a name, so the two are never mixed up."""


class _EndsInId(NamedTuple):
    """A route whose path ends in an id, its one parameter."""

    route: DirectRoute
    name: str


class Shortcut:
    """Inside of `Edge`, which answers what is raised here; around the application."""

    def __init__(self, app: ASGIApp, router: APIRouter) -> None:
        self._app = app
        self._fixed: dict[tuple[str, str], DirectRoute] = {}
        self._ending: dict[tuple[str, str], _EndsInId] = {}
        for route in router.routes:
            if isinstance(route, DirectRoute):
                self._add(route)

    def _add(self, route: DirectRoute) -> None:
        before, brace, parameter = route.path.partition("{")
        for method in route.methods or ():
            if not brace:
                self._fixed[method, route.path] = route
            elif parameter[:-1].isidentifier():
                self._ending[method, before] = _EndsInId(route, parameter[:-1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a direct route; hand all others on."""
        route = self._find(scope) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            response = await route.endpoint(Request(scope, receive))
        except FloorUnavailableError as error:
            raise floor_unavailable(error) from error
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> DirectRoute | None:
        method, path = scope["method"], scope["path"]
        route = self._fixed.get((method, path))
        if route is not None:
            scope["path_params"] = {}
            return route
        last = path[-_ID_LENGTH:]
        found = self._ending.get((method, path[:-_ID_LENGTH])) if "/" not in last else None
        if found is None:
            return None
        scope["path_params"] = {found.name: last}
        return found.route

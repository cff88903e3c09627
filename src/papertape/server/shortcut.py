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


class _Short(NamedTuple):
    """A route, what answers it (None: the router shall), and the name of the id in its path."""

    route: StrictRoute
    answer: Callable[[Request], Awaitable[Response | None]]
    name: str = ""


class Shortcut:
    """Inside of `Edge`, which answers what is raised here; around the application."""

    def __init__(self, app: ASGIApp, router: APIRouter) -> None:
        self._app = app
        self._fixed: dict[tuple[str, str], _Short] = {}
        self._with_id: dict[tuple[str, str, str], _Short] = {}
        for route in router.routes:
            if isinstance(route, DirectRoute):
                self._add(route, route.endpoint)
            elif isinstance(route, CommonRoute):
                self._add(route, route.common)

    def _add(
        self, route: StrictRoute, answer: Callable[[Request], Awaitable[Response | None]]
    ) -> None:
        before, brace, rest = route.path.partition("{")
        name, _, behind = rest.partition("}")
        for method in route.methods or ():
            if not brace:
                self._fixed[method, route.path] = _Short(route, answer)
            elif name.isidentifier() and behind.count("/") <= 1 and "{" not in behind:
                self._with_id[method, before, behind] = _Short(route, answer, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a short route; hand all others on."""
        short = self._find(scope) if scope["type"] == "http" else None
        response = None
        if short is not None:
            scope["route"] = short.route
            short.route.expect_known(scope)
            try:
                response = await short.answer(Request(scope, receive))
            except FloorUnavailableError as error:
                raise floor_unavailable(error) from error
        await (response or self._app)(scope, receive, send)

    def _find(self, scope: Scope) -> _Short | None:
        method, path = scope["method"], scope["path"]
        short = self._fixed.get((method, path))
        if short is not None:
            scope["path_params"] = {}
            return short
        before, slash, part = path.rpartition("/")
        behind = ""
        if len(part) != _ID_LENGTH:
            behind = slash + part
            before, _, part = before.rpartition("/")
        if len(part) != _ID_LENGTH:
            return None
        found = self._with_id.get((method, f"{before}/", behind))
        if found is not None:
            scope["path_params"] = {found.name: part}
        return found

"""Finds a route without trying all of them: half of a request's way was the routes that it passed.

A router tries its routes in their order. Here they lie in groups by the first parts of their paths,
and a request tries those of its group, in the same order. What finds nothing there (a path that
leads nowhere, a method that a route does not know) is left to the router.
"""

from collections.abc import Iterable, Sequence

from fastapi.routing import APIRouter
from fastapi.telemetry import TelemetryConfig
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_PARTS = 3
"""How many parts of a path make a group, such as `api`, `v1` and `accounts`."""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""For applications behind it: FastAPI's own would be asked with each request."""


class RouteIndex:
    """Stands in front of a router that has all its routes; `RouteIndex(router).install()`."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        started = [(_start(route), route) for route in router.routes]
        starts = {start for start, _route in started if len(start) == _PARTS}
        self._groups = {start: list(_group(started, start)) for start in starts}

    def install(self) -> None:
        """Be asked before the router."""
        self._router.middleware_stack = self

    def candidates(self, path: str) -> Sequence[BaseRoute]:
        """The routes that are tried for a path; none: the router tries all."""
        return self._groups.get(_first_parts(path), ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the first route that fits answer; none: the router."""
        if scope["type"] != "lifespan":
            for route in self.candidates(scope["path"]):
                match, child_scope = route.matches(scope)
                if match is Match.FULL:
                    scope.setdefault("router", self._router)
                    scope.update(child_scope)
                    await route.handle(scope, receive, send)
                    return
        await self._router.app(scope, receive, send)


def _first_parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", _PARTS + 1)[1 : _PARTS + 1])


def _start(route: BaseRoute) -> tuple[str, ...]:
    """The first parts of a route's path that are the same for all its requests."""
    parts = _first_parts(getattr(route, "path", ""))
    fixed = next((number for number, part in enumerate(parts) if "{" in part), len(parts))
    return parts[:fixed]


def _group(
    started: Iterable[tuple[tuple[str, ...], BaseRoute]], start: tuple[str, ...]
) -> Iterable[BaseRoute]:
    """All routes that a path which begins so can fit, of routes with what each begins with."""
    return (route for own, route in started if own == start[: len(own)])

"""Queries with a parameter that nobody reads, or with one twice, are refused.

A typing error would be lost silently. Whatever is wrong with a query, who calls is asked first.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from papertape.server.callers import Callers
from papertape.server.late_routes import LateRoute
from papertape.server.problems import Problem, Tell

STRICT = "/api/"
"""What lies elsewhere is called by programs with words of their own."""

_NAME_LENGTH_MAX = 100


class BadQuery(Problem):
    """422: the query has a parameter that nobody reads, or one twice."""

    def __init__(self, detail: str, name: str) -> None:
        super().__init__(422, "malformed", detail, more={"field": name})


Answer = Callable[[Request, Exception], Awaitable[Response]]


def after_the_caller(callers: Callers, answer: Answer, tell: Tell = Problem.response) -> Answer:
    """Answers what is wrong with parameters, unless something is wrong with who calls.

    That is told in the way of `tell`.
    """

    async def answered(request: Request, error: Exception) -> Response:
        if "security" in (getattr(request.scope["route"], "openapi_extra", None) or {}):
            try:
                await callers.of(request)
            except Problem as problem:
                return tell(problem, request)
        return await answer(request, error)

    return answered


class StrictRoute(APIRoute):
    """A route that knows which parameters its query may have."""

    _known: frozenset[str] | None = None

    def wrong_with(self, scope: Scope) -> BadQuery | None:
        """422 for a parameter of the query that is none of the route's, or stands twice."""
        if not scope["query_string"] or not self.path.startswith(STRICT):
            return None
        if self._known is None:
            self._known = _parameters_of(self)
        seen = set()
        for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            if name not in self._known:
                return _unknown(name[:_NAME_LENGTH_MAX], self._known)
            if name in seen:
                return BadQuery(f"{name}: the query has it twice; say which is meant", name)
            seen.add(name)
        return None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path is that of the route; the method may be another."""
        if scope["method"] in (self.methods or ()):
            wrong = self.wrong_with(scope)
            if wrong is not None:
                raise wrong
        await super().handle(scope, receive, send)


class NativeRoute(StrictRoute, LateRoute):
    """A late route of the native API."""


def _parameters_of(route: APIRoute) -> frozenset[str]:
    """Those that FastAPI reads, and those that the handler reads itself and documents."""
    read = set(_read_by(route.dependant))
    documented: list[dict[str, Any]] = (route.openapi_extra or {}).get("parameters", [])
    return frozenset(read | {one["name"] for one in documented if one["in"] == "query"})


def _read_by(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _read_by(inner)


def _unknown(name: str, known: frozenset[str]) -> BadQuery:
    takes = f"known are {', '.join(sorted(known))}" if known else "there are none"
    return BadQuery(f"{name}: the query has no such parameter; {takes}", name)

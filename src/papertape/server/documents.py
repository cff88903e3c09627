"""The OpenAPI document: what routes take and give, said once beside each route.

Handlers read their bodies themselves (exact decimals, problem details), so what they take is
declared here instead of in their signatures.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from typing import Any, Generic, TypeVar

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

from papertape.server.bodies import NOT_JSON
from papertape.server.callers import SCOPE_EXTENSION, RouteScope
from papertape.server.csv_text import CSV
from papertape.server.models.base import ProblemReply, Reply, Travelling
from papertape.server.problems import MEDIA_TYPE, Problem, not_authenticated
from papertape.server.queries import STRICT, StrictRoute
from papertape.server.replies import JSON

_BY_KEY: tuple[dict[str, list[str]], ...] = ({"key_id": [], "key_secret": []},)
_SECURITY_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The access token of a login, or `key_id:secret` of an API key",
    },
    "key_id": {"type": "apiKey", "in": "header", "name": "APCA-API-KEY-ID"},
    "key_secret": {"type": "apiKey", "in": "header", "name": "APCA-API-SECRET-KEY"},
}
_REF = "#/components/schemas/{model}"

_EXAMPLE_REASONS: Mapping[int, tuple[str, str]] = {
    401: ("not_authenticated", not_authenticated().detail),
    403: ("not_permitted", "the API key lacks the scope trade; make one that has it"),
    404: ("not_found", "there is no such account"),
    409: ("id_reused", "this id stands for another order; send a new order with a new id"),
    412: ("version_changed", "it was changed meanwhile; read it again and repeat the change"),
    413: ("body_too_large", "a body has at most 1048576 bytes"),
    415: NOT_JSON,
    422: ("malformed", 'qty: give a decimal as text such as "10.01", or as a number'),
    428: ("version_needed", "send If-Match with the ETag of what you read"),
    429: (
        "too_many_requests",
        "at most 2000 requests a second; wait as long as Retry-After says",
    ),
    500: ("internal_error", "something went wrong here; the log of the server says what"),
    503: ("not_accepted", "the floor does not answer; try again as Retry-After says"),
}
"""What a problem of a status usually says; a route that has better words gives them."""

Item = TypeVar("Item", bound=Travelling)


class Listed(Reply, Generic[Item]):
    """Part of a list; pass `next_cursor` as `cursor` for what follows, null at the end."""

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """The example of a list is the example of its item."""
        for item in cls.__pydantic_generic_metadata__["args"]:
            cls.example = {"items": [item.example], "next_cursor": None}


class DirectRoute(StrictRoute):
    """A route whose handler gets the request as it is.

    FastAPI's own reading of parameters costs as much as the rest of an order's way through the
    server; the busiest routes read what they need and are only documented here. A handler that
    names parts of the path is given them as they stand there.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names = [part.name for part in self.dependant.path_params]
        self.app = request_response(self.direct)

    async def direct(self, request: Request) -> Response:
        """The handler's answer."""
        parts = {name: request.path_params[name] for name in self._names}
        response: Response = await self.endpoint(request, **parts)
        return response


class CommonRoute(StrictRoute):
    """A route of FastAPI whose common requests have a handler of their own; see `commonly`."""

    common: Callable[[Request], Awaitable[Response | None]]


def commonly(
    handler: Callable[[Request], Awaitable[Response | None]],
) -> type[CommonRoute]:
    """A route whose common requests `handler` answers, as its endpoint would; None: it shall."""
    return type("CommonlyRoute", (CommonRoute,), {"common": staticmethod(handler)})


class _Extra(dict[str, Any]):
    """What FastAPI merges into an operation, and beside it the models that it is about.

    FastAPI itself never sees them: it would build a validator for each at every start.
    """

    body: type[Travelling] | None = None
    replies: tuple[type[Travelling], ...] = ()


def document(
    *,
    replies: Mapping[int, type[Travelling] | None],
    problems: tuple[int, ...] = (),
    reasons: Mapping[int, tuple[str, str]] | None = None,
    body: type[Travelling] | None = None,
    parameters: tuple[dict[str, Any], ...] = (),
    secured: bool = True,
    scope: RouteScope | None = None,
) -> dict[str, Any]:
    """Keyword arguments for `add_api_route`. The first of `replies` is the usual one.

    `reasons` are reason and detail of example problems by status. `scope` is what a caller must
    have, which `Callers.of` sees to; a GET that names none has `read`.
    """
    extra = _Extra()
    extra.body, extra.replies = body, tuple(model for model in replies.values() if model)
    if secured:
        extra["security"] = [{"token": []}, *(() if scope == "login" else _BY_KEY)]
        if scope is not None:
            extra[SCOPE_EXTENSION] = scope
        problems = (401, 403, *problems)
    if parameters:
        extra["parameters"] = list(parameters)
        problems = (*problems, 422)
    if body is not None:
        extra["requestBody"] = {"required": True, "content": _content(body)}
        problems = (*problems, 413, 415, 422)
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": "Done", "content": _content(model)}
        if model
        else {"description": "Done"}
        for status, model in replies.items()
    }
    for status in sorted({*problems, 429, 500, 503}):
        responses[status] = _problem(status, (reasons or {}).get(status))
    return {
        "status_code": next(iter(replies)),
        "response_class": Response,
        "response_model": None,
        "responses": responses,
        "openapi_extra": extra,
    }


def optional_body(documented: dict[str, Any]) -> dict[str, Any]:
    """The same route where the body may be left out."""
    documented["openapi_extra"]["requestBody"]["required"] = False
    return documented


def with_csv(documented: dict[str, Any]) -> dict[str, Any]:
    """The same route answering CSV, too, where the request asks for it."""
    content = documented["responses"][200]["content"]
    schema = {"type": "string", "description": "a line of names, then a line for each item"}
    content[CSV] = {"schema": schema, "example": "id,symbol,side\r\n"}
    return documented


def _content(model: type[Travelling]) -> dict[str, Any]:
    return {JSON: {"schema": {"$ref": _REF.format(model=_name(model))}}}


@cache
def _name(model: type[Travelling]) -> str:
    """The name of a model in the document; pydantic writes `Listed[Fill]` as `Listed_Fill_`."""
    return re.sub(r"[^A-Za-z0-9.\-_]", "_", model.__name__)


@cache
def _problem(status: int, words: tuple[str, str] | None = None) -> dict[str, Any]:
    reason, detail = words or _EXAMPLE_REASONS[status]
    told = {
        "schema": {"$ref": _REF.format(model="ProblemReply")},
        "example": Problem(status, reason, detail).body(),
    }
    return {"description": "Problem", "content": {MEDIA_TYPE: told}}


ACCOUNT_ID = {
    "name": "account_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "title": "Account Id"},
}
WHOLE_ACCOUNT = {
    "name": "account_id",
    "in": "query",
    "required": True,
    "schema": {"type": "string", "title": "Account Id"},
}
ORDER_ID = {
    "name": "order_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": r"^[\x21-\x7e]+$"},
    "description": "The request id when the body has no client_order_id",
}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of the app's routes, with the bodies that FastAPI does not see."""
    content = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    _tell_problems_instead_of_validation_errors(content["paths"])
    _tell_scopes(content["paths"])
    _tell_unknown_parameters(content["paths"])
    components = content.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas(app))
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["securitySchemes"] = dict(_SECURITY_SCHEMES)
    _show_examples(content["paths"], components["schemas"])
    return content


def _schemas(app: FastAPI) -> dict[str, Any]:
    """The schemas of all that travels."""
    bodies: dict[type[Travelling], None] = {}
    replies: dict[type[Travelling], None] = {ProblemReply: None}
    for route in app.routes:
        extra = getattr(route, "openapi_extra", None)
        if isinstance(extra, _Extra):
            bodies |= {extra.body: None} if extra.body else {}
            replies |= dict.fromkeys(extra.replies)
    _expect_names_apart((*bodies, *replies))
    _, taken = models_json_schema([(model, "validation") for model in bodies], ref_template=_REF)
    _, given = models_json_schema(
        [(model, "serialization") for model in replies], ref_template=_REF
    )
    found: dict[str, Any] = taken.get("$defs", {}) | given["$defs"]
    return found


def _expect_names_apart(models: Iterable[type[Travelling]]) -> None:
    """Routes refer to models by name: of two that share one, a route would show the other's."""
    named: dict[str, type[Travelling]] = {}
    for model in models:
        other = named.setdefault(_name(model), model)
        if other is not model:
            msg = f"{model.__name__} of {model.__module__} and of {other.__module__}: rename one"
            raise ValueError(msg)


def _show_examples(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Each body and reply shows the example of its model; a problem shows that of its status."""
    for operation in (one for operations in paths.values() for one in operations.values()):
        for travelling in (operation.get("requestBody", {}), *operation["responses"].values()):
            for told in travelling.get("content", {}).values():
                name = told["schema"].get("$ref", "").rsplit("/", 1)[-1]
                if name in schemas:
                    told.setdefault("example", schemas[name]["examples"][0])


def _tell_scopes(paths: dict[str, Any]) -> None:
    """What `Callers.of` takes for granted where a route does not say it."""
    for operations in paths.values():
        if "security" in operations.get("get", {}):
            operations["get"].setdefault(SCOPE_EXTENSION, "read")


def _tell_unknown_parameters(paths: dict[str, Any]) -> None:
    """Also an operation without a parameter refuses those that it does not know."""
    refused = _problem(422, ("malformed", "limt: the query has no such parameter; there are none"))
    for path, operations in paths.items():
        for operation in operations.values() if path.startswith(STRICT) else ():
            operation["responses"].setdefault("422", refused)


def _tell_problems_instead_of_validation_errors(paths: dict[str, Any]) -> None:
    """FastAPI documents its own 422 for every route with a parameter; ours are problems."""
    for operations in paths.values():
        for operation in operations.values():
            if JSON in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"]["422"] = _problem(422)

"""The OpenAPI document of the dialect, at `/alpaca/openapi.json`: what its routes take and give."""

import re
from collections.abc import Awaitable, Callable, Mapping
from inspect import signature
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from papertape.server.callers import SCOPE_EXTENSION, RouteScope
from papertape.server.dialects.alpaca.errors import error_of
from papertape.server.dialects.alpaca.models.bodies import AlpacaBody
from papertape.server.dialects.alpaca.models.trading import ErrorReply
from papertape.server.documents import DirectRoute
from papertape.server.models.base import Travelling
from papertape.server.problems import Problem, not_authenticated
from papertape.server.replies import JSON

_NAME_IN_PATH = re.compile(r"\{(\w+)\}")
_REF = "#/components/schemas/{model}"
_EXAMPLES: Mapping[int, Problem] = {
    400: Problem(400, "not_json", "the body is not JSON"),
    401: not_authenticated(),
    403: Problem(
        403, "insufficient_buying_power", "the order needs 190500.00 and 100000.00 is free"
    ),
    404: Problem(404, "not_found", "there is no such order"),
    413: Problem(413, "body_too_large", "a body has at most 1048576 bytes"),
    422: Problem(422, "malformed", 'qty: give a decimal as text such as "10.01", or as a number'),
    429: Problem(429, "too_many", "too many requests; wait as long as Retry-After says"),
    500: Problem(500, "internal_error", "something went wrong here; the server's log says what"),
    503: Problem(503, "not_accepted", "the floor does not answer; try again as Retry-After says"),
}

Replies = type[Travelling] | None


class _Extra(dict[str, Any]):
    """What FastAPI merges into an operation, and beside it the models, which it never sees."""

    models: tuple[type[Travelling], ...] = ()


def document(
    reply: Replies,
    *,
    status: int = 200,
    listed: bool = False,
    body: type[Travelling] | None = None,
    scope: RouteScope | None = "read",
    problems: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Keyword arguments for `add_api_route`; `scope` None is for what needs no key."""
    extra = _Extra()
    extra.models = tuple(model for model in (reply, body) if model is not None)
    problems = (*problems, 422, 429)
    if scope is not None:
        extra |= {SCOPE_EXTENSION: scope, "security": [{"key": [], "secret": []}, {"token": []}]}
        problems = (*problems, 401, 403)
    if body is not None:
        content = {JSON: {"schema": {"$ref": _REF.format(model=body.__name__)}}}
        extra["requestBody"] = {"required": True, "content": content}
        problems = (*problems, 400, 413)
    responses: dict[int | str, dict[str, Any]] = {status: _reply(reply, listed)}
    responses |= {each: _error(each) for each in sorted({*problems, 500, 503})}
    return {
        "status_code": status,
        "response_class": Response,
        "response_model": None,
        "responses": responses,
        "openapi_extra": extra,
    }


def add_route(
    router: APIRouter,
    path: str,
    handler: Callable[..., Awaitable[Response]],
    method: str,
    tag: str,
    told: dict[str, Any],
) -> None:
    """Add a route; one whose handler reads its query itself, or has none, is a direct one."""
    reads_itself = set(signature(handler).parameters) <= {"request", *_NAME_IN_PATH.findall(path)}
    router.add_api_route(
        path,
        handler,
        methods=[method],
        tags=[tag],
        route_class_override=DirectRoute if reads_itself else None,
        **told,
    )


def _reply(reply: Replies, listed: bool) -> dict[str, Any]:
    if reply is None:
        return {"description": "Done"}
    schema: dict[str, Any] = {"$ref": _REF.format(model=reply.__name__)}
    content = {JSON: {"schema": {"type": "array", "items": schema} if listed else schema}}
    return {"description": "Successful response", "content": content}


def _error(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=ErrorReply.__name__)}
    example = error_of(_EXAMPLES[status])[1]
    return {"description": "Error", "content": {JSON: {"schema": schema, "example": example}}}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of the routes, with the bodies and replies that FastAPI does not see."""
    content = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    models: dict[type[Travelling], None] = {ErrorReply: None}
    for route in app.routes:
        extra = getattr(route, "openapi_extra", None)
        if isinstance(extra, _Extra):
            models |= dict.fromkeys(extra.models)
    for operations in content["paths"].values():
        for operation in operations.values():
            operation["responses"]["422"] = _error(422)  # FastAPI tells one of its own
    modes: list[tuple[Any, Any]] = [
        (model, "validation" if issubclass(model, AlpacaBody) else "serialization")
        for model in models
    ]
    _, schemas = models_json_schema(modes, ref_template=_REF)
    components = content.setdefault("components", {})
    components["schemas"] = dict(sorted(schemas["$defs"].items()))
    _show_examples(content["paths"], components["schemas"])
    components["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "APCA-API-KEY-ID"},
        "secret": {"type": "apiKey", "in": "header", "name": "APCA-API-SECRET-KEY"},
        "token": {"type": "http", "scheme": "bearer"},
    }
    return content


def _show_examples(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Each body and reply shows the example of its model; FastAPI would drop what is null in it."""
    for operation in (one for operations in paths.values() for one in operations.values()):
        for travelling in (operation.get("requestBody", {}), *operation["responses"].values()):
            for told in travelling.get("content", {}).values():
                schema = told["schema"].get("items", told["schema"])
                example = schemas[schema["$ref"].rpartition("/")[2]]["examples"][0]
                told.setdefault("example", [example] if "items" in told["schema"] else example)

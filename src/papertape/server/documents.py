"""The OpenAPI document: what routes take and give, said once beside each route.

Handlers read their bodies themselves (exact decimals, problem details), so what they take is
declared here instead of in their signatures.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response
from starlette.routing import request_response

from papertape.server.models import (
    LoginRequest,
    OrderRequest,
    PreviewRequest,
    ProblemReply,
    RegisterRequest,
    ReplaceRequest,
    Reply,
)
from papertape.server.problems import MEDIA_TYPE

BODIES = (
    RegisterRequest,
    LoginRequest,
    OrderRequest,
    PreviewRequest,
    ReplaceRequest,
)
_REF = "#/components/schemas/{model}"

Item = TypeVar("Item", bound=BaseModel)


class Listed(Reply, Generic[Item]):
    """Part of a list; pass `next_cursor` as `cursor` for what follows, null at the end."""

    items: list[Item]
    next_cursor: str | None


class DirectRoute(APIRoute):
    """A route whose handler gets the request as it is.

    FastAPI's own reading of parameters costs as much as the rest of an order's way through the
    server; the busiest routes read what they need and are only documented here.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = request_response(self.endpoint)


def document(
    *,
    replies: Mapping[int, type[BaseModel] | None],
    problems: tuple[int, ...] = (),
    body: type[BaseModel] | None = None,
    parameters: tuple[dict[str, Any], ...] = (),
    secured: bool = True,
) -> dict[str, Any]:
    """Keyword arguments for `add_api_route`. The first of `replies` is the usual one."""
    extra: dict[str, Any] = {}
    if secured:
        extra["security"] = [{"token": []}]
        problems = (401, *problems)
    if parameters:
        extra["parameters"] = list(parameters)
        problems = (*problems, 422)
    if body is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}}
        extra["requestBody"] = {"required": True, "content": content}
        problems = (*problems, 413, 422)
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": model} if model else {"description": "Done"}
        for status, model in replies.items()
    }
    for status in sorted({*problems, 500, 503}):
        responses[status] = _PROBLEM
    return {
        "status_code": next(iter(replies)),
        "response_class": Response,
        "response_model": None,
        "responses": responses,
        "openapi_extra": extra,
    }


_PROBLEM: dict[str, Any] = {
    "description": "Problem",
    "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemReply")}}},
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
    components = content.setdefault("components", {})
    models = (*BODIES, ProblemReply)
    _, extra = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    components.setdefault("schemas", {}).update(extra["$defs"])
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    return content


def _tell_problems_instead_of_validation_errors(paths: dict[str, Any]) -> None:
    """FastAPI documents its own 422 for every route with a parameter; ours are problems."""
    for operations in paths.values():
        for operation in operations.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = _PROBLEM

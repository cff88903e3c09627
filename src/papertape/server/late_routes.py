"""Routes that are worked out when first asked for.

FastAPI reads signatures and builds a validator for each parameter and reply when a route is
declared: a millisecond a route, paid by every start for hundreds of routes of which a session
visits a few. Here only path and methods are known from the start.
"""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name


class LateRoute(APIRoute):
    """A route of FastAPI whose validators are built by its first request, or by the document."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **terms: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.name = terms.get("name") or get_name(endpoint)
        self.methods = set(terms.get("methods") or ("GET",))
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._terms: dict[str, Any] | None = terms

    def __getattr__(self, name: str) -> Any:
        """Asked only for what is not there: then the rest is built, once."""
        terms = self.__dict__.get("_terms")
        if terms is None:
            msg = f"{type(self).__name__} {self.__dict__.get('path')} has no {name}"
            raise AttributeError(msg)
        self._terms = None
        super().__init__(self.path, self.endpoint, **terms)
        return getattr(self, name)

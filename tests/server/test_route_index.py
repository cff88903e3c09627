"""The index finds the route that the router would, which tries all of them."""

from typing import Any, Self

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Match

from papertape.server.application import create_app
from papertape.server.auth.tokens import KEY_BYTES, Tokens
from papertape.server.dialects.alpaca.application import alpaca_app
from papertape.server.rooms import Rooms
from papertape.server.route_index import RouteIndex


class Absent:
    """Stands for a room that nobody enters."""

    def __getattr__(self, _name: str) -> Self:
        return self


def rooms() -> Rooms:
    absent: Any = Absent()
    tokens = Tokens(bytes(KEY_BYTES))
    return Rooms(floor=absent, reads=absent, auth=absent, bars=absent, tokens=tokens, world="main")


APPS = {"native": create_app(rooms()), "alpaca": alpaca_app(rooms())}

PATHS = [
    "",
    "/",
    "/api",
    "/api/",
    "/api/v1",
    "/api/v1/",
    "/api/v1/orders/",
    "/api/v1/ordersx",
    "/api/v1//orders",
    "/api/v2/orders",
    "/api/trades",
    "/api/trades/7",
    "/api/trades/7/8",
    "/healthz",
    "/metrics",
    "/metrics/x",
    "/alpaca",
    "/alpaca/v2/orders:by_client_order_id",
    "/alpaca/v2/nothing",
    "/webhooks/tradingview",
    "/ws/stocks/BTC/USD/",
    "/assets/index.js",
]


def routed(routes: list[BaseRoute], method: str, path: str) -> BaseRoute | None:
    """The first route that fits."""
    kind = "websocket" if method == "WS" else "http"
    scope = {"type": kind, "method": method, "path": path, "headers": [], "root_path": ""}
    fitting = (route for route in routes if route.matches(dict(scope))[0] is Match.FULL)
    return next(fitting, None)


def paths_of(app: FastAPI) -> list[str]:
    """A path for every route, with a part, with parts of a path, and with too much behind it."""
    patterns = {route.path for route in app.routes if hasattr(route, "path")}
    patterns |= {path for path in patterns if "{" in path}
    filled = []
    for pattern in sorted(patterns):
        for part in ("x", "BTC/USD", "orders"):
            parts = [part if "{" in one else one for one in pattern.split("/")]
            filled += ["/".join(parts), "/".join([*parts, "more"])]
    return filled


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "WS"])
def test_the_index_finds_what_the_router_would(name: str, method: str) -> None:
    app = APPS[name]
    index = RouteIndex(app.router)
    found = 0
    for path in (*PATHS, *paths_of(app)):
        first = routed(app.routes, method, path)
        indexed = routed(index.candidates(path), method, path)
        # What lies in no group is left to the router.
        assert indexed is first or indexed is None, path
        found += indexed is not None
    assert found >= (3 if method in {"PUT", "WS"} else 10)


@pytest.mark.parametrize("name", APPS)
def test_a_request_tries_few_routes(name: str) -> None:
    app = APPS[name]
    index = RouteIndex(app.router)
    tried = [len(index.candidates(path)) for path in paths_of(app)]
    assert max(tried) < len(app.routes) / 2
    assert sum(tried) / len(tried) < len(app.routes) / 5

"""Routes that are worked out by their first request answer like FastAPI's own."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from papertape.server.late_routes import LateRoute


async def _number(number: int, times: int = 1) -> dict[str, int]:
    return {"product": number * times}


def _app(route_class: type[APIRoute]) -> FastAPI:
    router = APIRouter(route_class=route_class)
    router.add_api_route("/numbers/{number}", _number, name="number", methods=["GET"])
    app = FastAPI()
    app.router.routes.extend(router.routes)
    return app


@pytest.mark.parametrize(
    "asked",
    [
        "GET /numbers/3",
        "GET /numbers/3?times=4",
        "GET /numbers/x",
        "POST /numbers/3",
        "GET /numbers",
    ],
)
async def test_a_late_route_answers_as_an_early_one(asked: str) -> None:
    method, path = asked.split()
    answers = []
    for route_class in (LateRoute, APIRoute):
        transport = httpx.ASGITransport(app=_app(route_class))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            answer = await client.request(method, path)
        answers.append((answer.status_code, answer.json(), answer.headers.get("allow")))
    assert answers[0] == answers[1]


def test_the_document_of_late_routes_is_that_of_early_ones() -> None:
    assert _app(LateRoute).openapi() == _app(APIRoute).openapi()


def test_what_no_route_has_is_an_error_before_and_after_it_is_built() -> None:
    route = LateRoute("/here", _number)
    for _ in range(2):
        with pytest.raises(AttributeError, match="/here has no colour"):
            _ = route.colour

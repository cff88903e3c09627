"""Refusals as Alpaca tells them: `{"code": 40310000, "message": "..."}` and the HTTP status.

Rooms of this dialect raise `Problem` like all others; one of its reasons decides code and status
here. What Alpaca says besides (`buying_power`, `available`, ...) is told where it is known.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from papertape.floor.ports import FloorUnavailableError
from papertape.server.problems import Problem, floor_unavailable, validation_problem
from papertape.server.replies import JSON

NOT_JSON = (400, 40010000)
BAD_PARAMETER = (422, 40010001)
UNAUTHORIZED = (401, 40110000)
FORBIDDEN = (403, 40310000)
NOT_FOUND = (404, 40410000)
UNPROCESSABLE = (422, 42210000)

_OF_REASON: Mapping[str, tuple[int, int]] = {
    "not_json": NOT_JSON,
    "malformed": BAD_PARAMETER,
    "invalid_quantity": BAD_PARAMETER,
    "invalid_price": BAD_PARAMETER,
    "missing_price": BAD_PARAMETER,
    "unexpected_price": BAD_PARAMETER,
    "invalid_terms": BAD_PARAMETER,
    "id_reused": BAD_PARAMETER,
    "not_authenticated": UNAUTHORIZED,
    "not_found": NOT_FOUND,
    "not_permitted": FORBIDDEN,
    "max_notional_exceeded": FORBIDDEN,
    "notional_unknown": FORBIDDEN,
    "trade_suspended": FORBIDDEN,
    "options_level": FORBIDDEN,
    "account_not_active": FORBIDDEN,
    "insufficient_buying_power": FORBIDDEN,
    "insufficient_quantity": FORBIDDEN,
    "would_not_reduce": FORBIDDEN,
    "position_intent_mismatch": FORBIDDEN,
    "kill_switch": FORBIDDEN,
    "daily_loss_stop": FORBIDDEN,
    "drawdown_stop": FORBIDDEN,
    "wash_trade": FORBIDDEN,
    "day_trade_limit": FORBIDDEN,
    "too_many": (429, 42910000),
}
_MESSAGE_OF = {
    "insufficient_buying_power": "insufficient buying power",
    "wash_trade": "potential wash trade detected. use complex orders",
    "id_reused": "client_order_id must be unique",
    "trade_suspended": "new orders are rejected by user request",
}


def error_of(problem: Problem) -> tuple[int, dict[str, Any]]:
    """HTTP status and body for a problem."""
    status, code = _OF_REASON.get(problem.reason) or _of_status(problem.status)
    body: dict[str, Any] = {"code": code, "message": _message(problem)}
    return status, body | _extras(problem)


def error_reply(problem: Problem) -> Response:
    """The reply to send."""
    status, body = error_of(problem)
    headers = problem.response().headers
    kept = {name: headers[name] for name in ("retry-after", "www-authenticate") if name in headers}
    return Response(msgspec.json.encode(body), status, kept, media_type=JSON)


def _of_status(status: int) -> tuple[int, int]:
    """What no reason stands for: what the exchange refuses (422, 409) is unprocessable."""
    if status in {409, 422}:
        return UNPROCESSABLE
    return status, status * 100_000 + 10_000


def _message(problem: Problem) -> str:
    """Alpaca's words where bots look at them, and ours behind them."""
    more = problem.more
    if problem.reason in {"invalid_tick", "too_many_decimals"} and "value" in more:
        return (
            f"invalid price {more['value']}. sub-penny increment does not fulfill minimum pricing "
            f"criteria: {problem.detail}"
        )
    if problem.reason == "insufficient_quantity" and {"value", "limit"} <= set(more):
        return (
            f"insufficient qty available for order (requested: {more['value']}, "
            f"available: {more['limit']})"
        )
    words = _MESSAGE_OF.get(problem.reason)
    return problem.detail if words is None else f"{words}: {problem.detail}"


def _extras(problem: Problem) -> dict[str, Any]:
    """What Alpaca tells besides, and the order where the exchange kept a rejected one."""
    more = problem.more
    value, limit, order_id = (more.get(name) for name in ("value", "limit", "order_id"))
    extras: dict[str, Any] = {}
    if problem.reason == "insufficient_buying_power":
        extras = {"buying_power": limit, "cost_basis": value}
    elif problem.reason == "insufficient_quantity":
        extras = {"available": limit} | {
            name: more.get(name) for name in ("existing_qty", "held_for_orders", "symbol")
        }
    return {name: told for name, told in (extras | {"order_id": order_id}).items() if told}


def tell(problem: Problem, _request: Request) -> Response:
    """The same, where an application tells its problems."""
    return error_reply(problem)


# --- handlers: whatever a route raises becomes an error -------------------------------------------


async def answer_problem(_request: Request, error: Exception) -> Response:
    """For `Problem`."""
    assert isinstance(error, Problem)
    return error_reply(error)


async def answer_floor_unavailable(_request: Request, error: Exception) -> Response:
    """For `NotAccepted` and `OutcomeUnknown`."""
    assert isinstance(error, FloorUnavailableError)
    return error_reply(floor_unavailable(error))


async def answer_validation(_request: Request, error: Exception) -> Response:
    """For path and query parameters that FastAPI refuses."""
    assert isinstance(error, RequestValidationError)
    return error_reply(validation_problem(error.errors()))


async def answer_http(_request: Request, error: Exception) -> Response:
    """For 404 and 405 of the router."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase.lower()
    response = error_reply(Problem(error.status_code, "refused", phrase))
    response.headers.update(error.headers or {})
    return response

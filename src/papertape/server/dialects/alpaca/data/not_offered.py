"""What Alpaca's data API has and this product has not: told so, in Alpaca's shape of an error."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.dialects.alpaca.words import DATA_PREFIX
from papertape.server.problems import Problem

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NOT_OFFERED: Final = {
    "/v1beta1/news": "news are not offered here",
    "/v1beta1/screener": "the screener is not offered here; /v2/stocks/snapshots tells prices",
    "/v1beta1/options": "market data of options is not offered here; the native API has their "
    "quotes and books",
    "/v1beta1/forex": "rates of currencies are not offered here",
    "/v1beta1/logos": "logos are not offered here",
    "/v1beta1/fixed_income": "prices of bonds are not offered here",
    "/v1/corporate-actions": "corporate actions are told by the trading API, "
    "/v2/corporate_actions/announcements",
    "/v2/stocks/meta": "codes of conditions and exchanges are not offered here",
    "/v2/stocks/auctions": "auctions are not offered here",
}
"""The path that each begins with, and what is said instead."""


class NotOffered:
    """404 with a sentence for everything that is known and not there."""

    def add_to(self, router: APIRouter) -> None:
        """The routes; no document shows them."""
        for path, sentence in NOT_OFFERED.items():
            for below in (path, f"{path}/{{rest:path}}"):
                router.add_route(
                    DATA_PREFIX + below, _refusing(sentence), _METHODS, include_in_schema=False
                )


def _refusing(sentence: str) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(_request: Request) -> Response:
        raise Problem(404, "not_found", sentence)

    return refuse

"""The dialect's application without a world behind it: enough for its document."""

from typing import Any

from fastapi import FastAPI

from papertape.server.dialects.alpaca.application import Rooms, alpaca_app


def routes_alone() -> FastAPI:
    """Nothing is served, so no room is needed."""
    absent: dict[str, Any] = dict.fromkeys(Rooms.__dataclass_fields__)
    return alpaca_app(Rooms(**absent))

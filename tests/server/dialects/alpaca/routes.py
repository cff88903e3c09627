"""The dialect's application without a world behind it: enough for its document."""

from typing import Any

from fastapi import FastAPI

from papertape.server.dialects.alpaca.application import Rooms, alpaca_app
from papertape.server.stream.hub import Hub


def routes_alone() -> FastAPI:
    """Nothing is served, so hardly any room is needed."""
    absent: dict[str, Any] = dict.fromkeys(Rooms.__dataclass_fields__)
    return alpaca_app(Rooms(**absent | {"hub": Hub("main")}))

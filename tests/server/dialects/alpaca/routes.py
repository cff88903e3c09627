"""The dialect's application without a world behind it: enough for its document."""

from typing import Any

from fastapi import FastAPI

from papertape.server.dialects.alpaca.application import alpaca_app
from papertape.server.rooms import Rooms


class _Absent:
    def __getattr__(self, _name: str) -> "_Absent":
        return self


def routes_alone() -> FastAPI:
    """Nothing is served, so hardly any room is needed."""
    absent: Any = _Absent()
    return alpaca_app(
        Rooms(floor=absent, reads=absent, auth=absent, tokens=absent, bars=absent, world="main")
    )

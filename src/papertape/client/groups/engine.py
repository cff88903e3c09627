"""The engine for operators, and the worlds that are served."""

from typing import TypedDict

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Versioned,
    change,
    endpoint,
    get,
    listed,
    part,
    versioned,
)
from papertape.client.replies.engine import EngineConfig, EngineStatistics, EngineStatus, World


class DayTradingTerms(TypedDict):
    """Accounts below the least equity make at most so many day trades within so many days."""

    minimum_equity: Amount
    day_trades: int
    days: int


class MarginTerms(TypedDict, total=False):
    """Calls and liquidates margin accounts, at multiples of their maintenance requirement."""

    call_at: Amount
    liquidate_at: Amount
    grace_s: int


class Engine(Group[Face]):
    """`client.engine`. What changes something is for admins."""

    @endpoint
    def status(self) -> Call[EngineStatus]:
        """Whether the engine works, and what of it stands still."""
        return get("/engine/status", EngineStatus)

    @endpoint
    def statistics(self) -> Call[EngineStatistics]:
        """What the engine has done since its process began."""
        return get("/engine/statistics", EngineStatistics)

    @endpoint
    def halt(
        self, *, exchange: str | None = None, symbol: str | None = None, reason: str | None = None
    ) -> Call[EngineStatus]:
        """Let an exchange or an instrument trade no more."""
        fields = {"exchange": exchange, "symbol": symbol, "reason": reason}
        return change("POST", "/engine/halt", EngineStatus, **fields).harmless()

    @endpoint
    def resume(
        self,
        *,
        exchange: str | None = None,
        symbol: str | None = None,
        auction: bool | None = None,
    ) -> Call[EngineStatus]:
        """Let it trade again; with `auction` orders are collected first, until the next resume."""
        fields = {"exchange": exchange, "symbol": symbol, "auction": auction}
        return change("POST", "/engine/resume", EngineStatus, **fields)

    @endpoint
    def config(self) -> Call[Versioned[EngineConfig]]:
        """The settings of the engine, with the version that a change of them names."""
        return versioned(get("/engine/config", EngineConfig))

    @endpoint
    def configure(
        self,
        version: str,
        *,
        wash_trade: bool = False,
        day_trading: DayTradingTerms | None = None,
        margin: MarginTerms | None = None,
        day_starts: str | None = None,
    ) -> Call[Versioned[EngineConfig]]:
        """Set all settings; what is left out is off. Raises `ConflictError` for an old version."""
        call = change(
            "PUT",
            "/engine/config",
            EngineConfig,
            wash_trade=wash_trade,
            day_trading=day_trading,
            margin=margin,
            day_starts=day_starts,
        )
        return versioned(call.if_version(version))

    @endpoint
    def worlds(self) -> Call[list[World]]:
        """The worlds that the server serves."""
        return listed("/worlds", World)

    @endpoint
    def world(self, world: str) -> Call[World]:
        """One world."""
        return get(f"/worlds/{part(world)}", World)

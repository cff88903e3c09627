"""The engine as operators see it: status, statistics, configuration, halts; and worlds."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from papertape.server.bodies import DecimalText
from papertape.server.models.base import EXAMPLE_TIME, Body, Example, Reply, SessionState
from papertape.server.models.rules import Part


class WorldReply(Reply):
    """A world that this server serves."""

    example: ClassVar[Example] = {
        "world": "main",
        "sharing": "shared",
        "time": EXAMPLE_TIME,
        "seq": 4711,
        "market": "running",
        "exchanges": 3,
        "instruments": 11,
    }

    world: str
    sharing: Literal["shared", "isolated"] = Field(
        description="shared: users trade with each other; isolated: each with the market alone"
    )
    time: str = Field(description="the world's present")
    seq: int = Field(description="the last turn of its tape")
    market: str = Field(description="running, ended, halted or none")
    exchanges: int
    instruments: int


class HaltedPart(Reply):
    """What does not trade now."""

    example: ClassVar[Example] = {
        "exchange": "XNAS",
        "symbol": "AAPL",
        "reason": "news pending",
    }

    exchange: str
    symbol: str | None = Field(description="null when all of the exchange is halted")
    reason: str | None


class ExchangeState(Reply):
    """The part of the day that an exchange is in."""

    example: ClassVar[Example] = {"exchange": "XNAS", "state": "open"}

    exchange: str
    state: SessionState


class EngineStatusReply(Reply):
    """Whether the engine works, and what of it stands still."""

    example: ClassVar[Example] = {
        "state": "running",
        "world": "main",
        "time": EXAMPLE_TIME,
        "seq": 4711,
        "market_seq": 81021,
        "market": "running",
        "writing": True,
        "clock_jump": False,
        "waiting": 0,
        "kill_switch": None,
        "exchanges": [ExchangeState.example],
        "halted": [HaltedPart.example],
    }

    state: Literal["running", "stopped", "not_writing"] = Field(
        description="stopped: a kill switch stops the world; not_writing: no commit succeeds"
    )
    world: str
    time: str
    seq: int
    market_seq: int
    market: str
    writing: bool
    clock_jump: bool = Field(description="the wall clock jumped, so time stands still")
    waiting: int = Field(description="commands that wait for their turn")
    kill_switch: str | None
    exchanges: list[ExchangeState]
    halted: list[HaltedPart]


class EngineStatisticsReply(Reply):
    """What the engine has done since its process began."""

    example: ClassVar[Example] = {
        "world": "main",
        "seq": 4711,
        "inputs": 1200,
        "batches": 1100,
        "commits": 1080,
        "commit_seconds": 2.16,
        "commit_seconds_max": 0.031,
        "failed_commits": 0,
        "unknown_commits": 0,
        "reloads": 0,
        "quarantined": 0,
        "market_falls": 0,
        "prints": 8412,
        "orders": {"created": 960, "rejected": 12},
    }

    world: str
    seq: int
    inputs: int = Field(description="commands and questions taken")
    batches: int
    commits: int
    commit_seconds: float = Field(description="spent in commits, in all")
    commit_seconds_max: float
    failed_commits: int
    unknown_commits: int
    reloads: int = Field(description="how often the world was loaded from its tape again")
    quarantined: int
    market_falls: int
    prints: int = Field(description="public trades")
    orders: dict[str, int] = Field(description="sent by this server, by outcome")


class HaltRequest(Body):
    """What is to stop trading: an exchange, or one instrument."""

    example: ClassVar[Example] = {"symbol": "BTC/USD", "reason": "news pending"}

    exchange: str | None = Field(default=None, min_length=1, max_length=64)
    symbol: str | None = Field(default=None, min_length=1, max_length=64)
    reason: str = Field(default="by an operator", min_length=1, max_length=128)


class ResumeRequest(Body):
    """What is to trade again; with `auction` orders are collected first, until the next resume."""

    example: ClassVar[Example] = {"symbol": "BTC/USD"}

    exchange: str | None = Field(default=None, min_length=1, max_length=64)
    symbol: str | None = Field(default=None, min_length=1, max_length=64)
    auction: bool | None = Field(default=None, strict=True)


class DayTradingPart(Part):
    """Accounts below the least equity make at most so many day trades within so many days."""

    example: ClassVar[Example] = {"minimum_equity": "25000", "day_trades": 3, "days": 5}

    minimum_equity: DecimalText
    day_trades: int = Field(ge=0, strict=True)
    days: int = Field(ge=1, strict=True)


class MarginPolicyPart(Part):
    """Calls and liquidates margin accounts, at multiples of their maintenance requirement."""

    example: ClassVar[Example] = {"call_at": "1.25", "liquidate_at": "1", "grace_s": 3600}

    call_at: DecimalText
    liquidate_at: DecimalText
    grace_s: int = Field(default=0, ge=0, strict=True, description="0 waits for ever")


_CONFIG: Example = {
    "wash_trade": True,
    "day_trading": DayTradingPart.example,
    "margin": MarginPolicyPart.example,
    "day_starts": "00:00",
}


class EngineConfigRequest(Body):
    """The settings of the engine, whole, as they were read; what is left out or null is off."""

    example: ClassVar[Example] = _CONFIG

    policy_version: int | None = Field(
        default=None, strict=True, description="as it was read; If-Match says what is changed"
    )

    wash_trade: bool = Field(default=False, strict=True)
    day_trading: DayTradingPart | None = None
    margin: MarginPolicyPart | None = None
    day_starts: str = Field(default="00:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class EngineConfigReply(Reply):
    """The settings of the engine; their ETag is needed to change them. They last."""

    example: ClassVar[Example] = {"policy_version": 3} | _CONFIG

    policy_version: int
    wash_trade: bool = Field(
        description="whether an order that could trade with another of its user is rejected"
    )
    day_trading: dict[str, Any] | None
    margin: dict[str, Any] | None
    day_starts: str = Field(description="when the day of losses and day trades begins, UTC")

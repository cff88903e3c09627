"""The engine as operators see it: status, statistics, settings; worlds; fees and fill profiles."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from papertape.client.replies import Reply


class World(Reply, frozen=True, kw_only=True):
    """A world that the server serves."""

    world: str
    sharing: str
    time: datetime
    seq: int
    market: str
    exchanges: int
    instruments: int


class ExchangeState(Reply, frozen=True, kw_only=True):
    """The part of the day that an exchange is in."""

    exchange: str
    state: str


class Halted(Reply, frozen=True, kw_only=True):
    """What does not trade now; without a symbol all of the exchange."""

    exchange: str
    symbol: str | None
    reason: str | None


class EngineStatus(Reply, frozen=True, kw_only=True):
    """Whether the engine works, and what of it stands still."""

    state: str
    world: str
    time: datetime
    seq: int
    market_seq: int
    market: str
    writing: bool
    clock_jump: bool
    waiting: int
    kill_switch: str | None
    exchanges: list[ExchangeState]
    halted: list[Halted]


class EngineStatistics(Reply, frozen=True, kw_only=True):
    """What the engine has done since its process began."""

    world: str
    seq: int
    inputs: int
    batches: int
    commits: int
    commit_seconds: float
    commit_seconds_max: float
    failed_commits: int
    unknown_commits: int
    reloads: int
    quarantined: int
    market_falls: int
    prints: int
    orders: dict[str, int]


class DayTrading(Reply, frozen=True, kw_only=True):
    """How many day trades small accounts may make."""

    minimum_equity: Decimal
    day_trades: int
    days: int


class MarginPolicy(Reply, frozen=True, kw_only=True):
    """When margin accounts are called and liquidated."""

    call_at: Decimal
    liquidate_at: Decimal
    grace_s: int = 0


class EngineConfig(Reply, frozen=True, kw_only=True):
    """The settings of the engine."""

    policy_version: int
    wash_trade: bool
    day_trading: DayTrading | None
    margin: MarginPolicy | None
    day_starts: str


class Rules(Reply, frozen=True, kw_only=True):
    """Fees and fill profile that count, and where each was said."""

    exchange: str
    symbol: str | None
    version: int
    profile: dict[str, Any]
    profile_from: str
    fees: dict[str, Any]
    fees_from: str
    as_of_seq: int


class PresetProfile(Reply, frozen=True, kw_only=True):
    """A fill profile that has a name."""

    name: str
    profile: dict[str, Any]


class PresetFees(Reply, frozen=True, kw_only=True):
    """A fee schedule that has a name."""

    name: str
    fees: dict[str, Any]


class FillProfiles(Reply, frozen=True, kw_only=True):
    """All presets, and what each exchange uses."""

    profiles: list[PresetProfile]
    fees: list[PresetFees]
    exchanges: list[Rules]

"""Fill profiles and fees: what has a name, what counts where, what is to count."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from papertape.server.bodies import DecimalText
from papertape.server.models.base import Body, Example, Reply, Travelling

_PROFILE: Example = {
    "name": "realistic",
    "spread_ticks": 1,
    "participation": "0.1",
    "market_orders": "street",
    "slippage": "almgren_2005",
    "queue": "volume_ahead",
}
_FEES: Example = {"maker_rate": "0", "taker_rate": "0", "per_share": "0", "minimum": "0"}
_US_FEES: Example = _FEES | {"preset": "us_equity", "sale_rate": "0.0000278"}


class Part(Travelling):
    """A part of a body, with the same care for unknown members."""

    model_config = Body.model_config


class LatencyPart(Part):
    """How long messages are under way, in milliseconds."""

    example: ClassVar[Example] = {"model": "log_normal", "mean_ms": "20", "sigma": "0.5"}

    model: Literal["none", "constant", "normal", "log_normal"] = "constant"
    mean_ms: DecimalText | None = None
    deviation_ms: DecimalText | None = None
    sigma: DecimalText | None = None
    least_ms: DecimalText | None = None
    most_ms: DecimalText | None = None


class FactorPart(Part):
    """Slippage counts `factor` times in a circumstance."""

    example: ClassVar[Example] = {"condition": "stressed", "factor": "2"}

    asset_class: str | None = None
    phase: str | None = None
    condition: str | None = None
    factor: DecimalText


class ProfileBody(Body):
    """A fill profile: a preset with what differs from it, or all of it.

    Without `preset` the members `name`, `spread_ticks` and `market_orders` are needed, and what is
    left out is plain. `GET /fill-profiles` shows each preset whole.
    """

    example: ClassVar[Example] = {"preset": "realistic", "spread_ticks": 2}

    preset: str | None = Field(default=None, max_length=40)
    name: str | None = Field(default=None, min_length=1, max_length=64)
    spread_ticks: int | None = Field(default=None, ge=0, strict=True)
    spread_rate: DecimalText | None = None
    participation: DecimalText | None = None
    market_orders: str | None = None
    depth: Literal["displayed", "volume", "unlimited"] | None = None
    slippage: str | None = None
    slippage_ticks: int | None = Field(default=None, ge=0, strict=True)
    slippage_rate: DecimalText | None = None
    daily_volume: DecimalText | None = None
    daily_volatility: DecimalText | None = None
    outstanding: DecimalText | None = None
    factors: list[FactorPart] | None = Field(default=None, max_length=100)
    command_latency: LatencyPart | None = None
    event_latency: LatencyPart | None = None
    queue: Literal["touch", "trade_through", "volume_ahead"] | None = None
    bar_through: bool | None = Field(default=None, strict=True)
    path: str | None = None
    gap: Literal["open", "worst"] | None = None
    partial_rate: DecimalText | None = None


class TierPart(Part):
    """Rates from a volume of 30 days on."""

    example: ClassVar[Example] = {
        "volume": "1000000",
        "maker_rate": "0.0005",
        "taker_rate": "0.001",
    }

    volume: DecimalText
    maker_rate: DecimalText
    taker_rate: DecimalText


class FeesBody(Body):
    """A fee schedule: a preset with what differs from it, or all of it; left out is nothing."""

    example: ClassVar[Example] = {"preset": "us_equity", "per_share": "0.005", "minimum": "1"}

    preset: str | None = Field(default=None, max_length=40)
    maker_rate: DecimalText | None = None
    taker_rate: DecimalText | None = None
    per_share: DecimalText | None = None
    minimum: DecimalText | None = None
    tiers: list[TierPart] | None = Field(default=None, max_length=100)
    per_contract: DecimalText | None = None
    fixed: DecimalText | None = None
    cap_rate: DecimalText | None = None
    maximum: DecimalText | None = None
    whole_order: bool | None = Field(default=None, strict=True)
    sale_rate: DecimalText | None = None
    sale_per_share: DecimalText | None = None
    sale_cap: DecimalText | None = None


From = Literal["own", "exchange", "listing"]


class RulesReply(Reply):
    """Fees and fill profile that count, and where each was said. The ETag is `version`."""

    example: ClassVar[Example] = {
        "exchange": "XNAS",
        "symbol": "AAPL",
        "version": 1,
        "profile": _PROFILE,
        "profile_from": "own",
        "fees": _FEES,
        "fees_from": "exchange",
        "as_of_seq": 4711,
    }

    exchange: str
    symbol: str | None = Field(description="null for the rules of an exchange")
    version: int = Field(description="how often these were set; 0 as long as they never were")
    profile: dict[str, Any]
    profile_from: From = Field(description="own: set here; exchange: set there; listing: neither")
    fees: dict[str, Any]
    fees_from: From
    as_of_seq: int


class PresetProfile(Reply):
    """A fill profile that has a name."""

    example: ClassVar[Example] = {"name": "realistic", "profile": _PROFILE}

    name: str
    profile: dict[str, Any]


class PresetFees(Reply):
    """A fee schedule that has a name."""

    example: ClassVar[Example] = {"name": "us_equity", "fees": _US_FEES}

    name: str
    fees: dict[str, Any]


class FillProfilesReply(Reply):
    """All presets, and what each exchange uses."""

    example: ClassVar[Example] = {
        "profiles": [PresetProfile.example],
        "fees": [PresetFees.example],
        "exchanges": [RulesReply.example | {"symbol": None}],
    }

    profiles: list[PresetProfile]
    fees: list[PresetFees]
    exchanges: list[RulesReply]

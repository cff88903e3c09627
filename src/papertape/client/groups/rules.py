"""Fill profiles and fees: what has a name, what counts where, what is to count."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict, Unpack

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Versioned,
    change,
    endpoint,
    get,
    part,
    versioned,
)
from papertape.client.replies.engine import FillProfiles, Rules


class LatencyTerms(TypedDict, total=False):
    """How long messages are under way, in milliseconds."""

    model: Literal["none", "constant", "normal", "log_normal"]
    mean_ms: Amount
    deviation_ms: Amount
    sigma: Amount
    least_ms: Amount
    most_ms: Amount


class ProfileTerms(TypedDict, total=False):
    """A fill profile: a preset with what differs from it, or all of it."""

    preset: str
    name: str
    spread_ticks: int
    spread_rate: Amount
    participation: Amount
    market_orders: str
    depth: Literal["displayed", "volume", "unlimited"]
    slippage: str
    slippage_ticks: int
    slippage_rate: Amount
    daily_volume: Amount
    daily_volatility: Amount
    outstanding: Amount
    factors: Sequence[dict[str, Any]]
    command_latency: LatencyTerms
    event_latency: LatencyTerms
    queue: Literal["touch", "trade_through", "volume_ahead"]
    bar_through: bool
    path: str
    gap: Literal["open", "worst"]
    partial_rate: Amount


class TierTerms(TypedDict):
    """Rates from a volume of 30 days on."""

    volume: Amount
    maker_rate: Amount
    taker_rate: Amount


class FeeTerms(TypedDict, total=False):
    """A fee schedule: a preset with what differs from it, or all of it."""

    preset: str
    maker_rate: Amount
    taker_rate: Amount
    per_share: Amount
    minimum: Amount
    tiers: Sequence[TierTerms]
    per_contract: Amount
    fixed: Amount
    cap_rate: Amount
    maximum: Amount
    whole_order: bool
    sale_rate: Amount
    sale_per_share: Amount
    sale_cap: Amount


class RulesOf(Group[Face]):
    """`client.rules`. What changes something is for admins and names the version it changes."""

    @endpoint
    def presets(self) -> Call[FillProfiles]:
        """All fill profiles and fee schedules that have a name, and what each exchange uses."""
        return get("/fill-profiles", FillProfiles)

    @endpoint
    def of_exchange(self, exchange: str) -> Call[Versioned[Rules]]:
        """Fees and fill profile of an exchange."""
        return versioned(get(f"{_exchange(exchange)}/fill-profile", Rules))

    @endpoint
    def of_instrument(self, symbol: str) -> Call[Versioned[Rules]]:
        """Fees and fill profile of an instrument."""
        return versioned(get(f"{_instrument(symbol)}/fill-profile", Rules))

    @endpoint
    def set_exchange_profile(
        self, exchange: str, version: str, **profile: Unpack[ProfileTerms]
    ) -> Call[Versioned[Rules]]:
        """Give an exchange a fill profile."""
        return _set(f"{_exchange(exchange)}/fill-profile", version, profile)

    @endpoint
    def set_instrument_profile(
        self, symbol: str, version: str, **profile: Unpack[ProfileTerms]
    ) -> Call[Versioned[Rules]]:
        """Give an instrument a fill profile of its own."""
        return _set(f"{_instrument(symbol)}/fill-profile", version, profile)

    @endpoint
    def set_exchange_fees(
        self, exchange: str, version: str, **fees: Unpack[FeeTerms]
    ) -> Call[Versioned[Rules]]:
        """Give an exchange a fee schedule."""
        return _set(f"{_exchange(exchange)}/fees", version, fees)

    @endpoint
    def set_instrument_fees(
        self, symbol: str, version: str, **fees: Unpack[FeeTerms]
    ) -> Call[Versioned[Rules]]:
        """Give an instrument a fee schedule of its own."""
        return _set(f"{_instrument(symbol)}/fees", version, fees)

    @endpoint
    def drop_exchange_profile(self, exchange: str, version: str) -> Call[Versioned[Rules]]:
        """Let the fill profile of the listing count again."""
        return _drop(f"{_exchange(exchange)}/fill-profile", version)

    @endpoint
    def drop_instrument_profile(self, symbol: str, version: str) -> Call[Versioned[Rules]]:
        """Let the fill profile of the exchange count again."""
        return _drop(f"{_instrument(symbol)}/fill-profile", version)

    @endpoint
    def drop_exchange_fees(self, exchange: str, version: str) -> Call[Versioned[Rules]]:
        """Let the fees of the listing count again."""
        return _drop(f"{_exchange(exchange)}/fees", version)

    @endpoint
    def drop_instrument_fees(self, symbol: str, version: str) -> Call[Versioned[Rules]]:
        """Let the fees of the exchange count again."""
        return _drop(f"{_instrument(symbol)}/fees", version)


def _exchange(exchange: str) -> str:
    return f"/exchanges/{part(exchange)}"


def _instrument(symbol: str) -> str:
    return f"/instruments/{part(symbol)}"


def _set(path: str, version: str, terms: Any) -> Call[Versioned[Rules]]:
    return versioned(change("PUT", path, Rules, **terms).if_version(version))


def _drop(path: str, version: str) -> Call[Versioned[Rules]]:
    return versioned(change("DELETE", path, Rules).if_version(version))

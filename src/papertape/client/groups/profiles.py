"""Trading profiles: what a user's new accounts begin with, and what the user prefers."""

from typing import Literal, Required, TypedDict, Unpack

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
from papertape.client.replies.users import TradingProfile


class RiskTerms(TypedDict, total=False):
    """Limits that the user wants to keep. Shares are of 1."""

    max_order_value: Amount | None
    max_position_share: Amount | None
    max_daily_loss: Amount | None
    max_drawdown: Amount | None
    risk_per_trade: Amount | None


class ProfileTerms(TypedDict, total=False):
    """A trading profile."""

    name: Required[str]
    is_default: bool
    starting_cash: Amount
    currency: str
    account_kind: Literal["cash", "margin"]
    commission: str | None
    slippage: str | None
    risk: RiskTerms


class Profiles(Group[Face]):
    """`client.profiles`."""

    @endpoint
    def all(self) -> Call[list[TradingProfile]]:
        """The user's trading profiles."""
        return listed("/profiles", TradingProfile)

    @endpoint
    def create(self, **terms: Unpack[ProfileTerms]) -> Call[Versioned[TradingProfile]]:
        """A new trading profile."""
        return versioned(change("POST", "/profiles", TradingProfile, **terms))

    @endpoint
    def get(self, profile_id: str) -> Call[Versioned[TradingProfile]]:
        """One trading profile, with the version that a change of it names."""
        return versioned(get(f"/profiles/{part(profile_id)}", TradingProfile))

    @endpoint
    def replace(
        self, profile_id: str, version: str, **terms: Unpack[ProfileTerms]
    ) -> Call[Versioned[TradingProfile]]:
        """Replace a trading profile; raises `ConflictError` for an old version."""
        call = change("PUT", f"/profiles/{part(profile_id)}", TradingProfile, **terms)
        return versioned(call.if_version(version))

    @endpoint
    def delete(self, profile_id: str) -> Call[None]:
        """Delete a trading profile."""
        return change("DELETE", f"/profiles/{part(profile_id)}", type(None))

"""Trading profiles: what a user's new accounts begin with, and what the user prefers."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from papertape.server.bodies import DecimalText
from papertape.server.models.base import EXAMPLE_TIME, Body, Example, Reply, Travelling, Uuid
from papertape.server.models.watchlists import Name

CASH_MAX = Decimal(1_000_000_000)
EXAMPLE_PROFILE = "0c7d1f4e-58a9-4f0b-8a51-7f1c2d3e4b5a"


def _cash(text: str) -> str:
    if not 0 < Decimal(text) <= CASH_MAX:
        raise ValueError(f"give an amount above 0, up to {CASH_MAX}")
    return text


def _positive(text: str) -> str:
    if Decimal(text) <= 0:
        raise ValueError("give an amount above 0, or leave it out for none")
    return text


def _share(text: str) -> str:
    if not 0 < Decimal(text) <= 1:
        raise ValueError("give a share above 0, up to 1")
    return text


Amount = Annotated[DecimalText, AfterValidator(_positive)]
Share = Annotated[DecimalText, AfterValidator(_share)]
Preset = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")]


class RiskPreferences(Travelling):
    """Limits that the user wants to keep; null is none. Shares are of 1."""

    model_config = Body.model_config
    example: ClassVar[Example] = {
        "max_order_value": "5000",
        "max_position_share": "0.25",
        "max_daily_loss": "1000",
        "max_drawdown": "0.2",
        "risk_per_trade": "0.01",
    }

    max_order_value: Amount | None = None
    max_position_share: Share | None = None
    max_daily_loss: Amount | None = None
    max_drawdown: Share | None = None
    risk_per_trade: Share | None = None


_SETTINGS: Example = {
    "starting_cash": "100000.00",
    "currency": "USD",
    "account_kind": "cash",
    "commission": "us_equity",
    "slippage": "realistic",
    "risk": RiskPreferences.example,
}


class TradingProfileRequest(Body):
    """A trading profile as it is to be."""

    example: ClassVar[Example] = {"name": "Careful", "is_default": True} | _SETTINGS

    name: Name
    is_default: bool = Field(
        default=False, strict=True, description="the one that counts where none is named"
    )
    starting_cash: Annotated[DecimalText, AfterValidator(_cash)] = "100000"
    currency: str = Field(default="USD", pattern=r"^[A-Z0-9]{3,8}$")
    account_kind: Literal["cash", "margin"] = "cash"
    commission: Preset | None = Field(
        default=None, description="a fee schedule of GET /fill-profiles; null is the exchange's own"
    )
    slippage: Preset | None = Field(
        default=None, description="a fill profile of GET /fill-profiles; null is the exchange's own"
    )
    risk: RiskPreferences = RiskPreferences()


class TradingProfileReply(Reply):
    """A trading profile; its ETag is needed to change it."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_PROFILE,
        "name": "Careful",
        "is_default": True,
        **_SETTINGS,
        "created_at": EXAMPLE_TIME,
        "updated_at": EXAMPLE_TIME,
    }

    id: Uuid
    name: str
    is_default: bool
    starting_cash: str
    currency: str
    account_kind: str
    commission: str | None
    slippage: str | None
    risk: RiskPreferences
    created_at: str
    updated_at: str

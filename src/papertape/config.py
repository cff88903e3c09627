"""Settings: read once, from the command line and `PAPERTAPE_*` variables, and given to the rooms.

No other room reads settings; `app` passes each room the values that it needs.
"""

import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Hours(StrEnum):
    """When the simulated exchanges trade."""

    OPEN = "open"
    REAL = "real"


class LogLevel(StrEnum):
    """How much the processes say on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """What `papertape up` was told.

    `speed` is seconds of world time per second of wall time; None leaves the market's own default
    (simulated: 1; replay: one bar a second, ticks as they came).
    """

    model_config = SettingsConfigDict(env_prefix="PAPERTAPE_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path("data")
    seed: int = Field(default=42, ge=0, lt=2**63)
    speed: float | None = Field(default=None, gt=0, le=1_000_000)
    hours: Hours = Hours.OPEN
    log_level: LogLevel = LogLevel.WARNING
    log_json: bool = False
    replay: Path | None = None
    symbol: str | None = Field(default=None, pattern=r"^[A-Z0-9./_-]{1,24}$")
    web_dir: Path | None = None
    login_attempts_per_minute: int = Field(default=20, ge=0)

    @field_validator("data_dir", "replay", "web_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else None

    @model_validator(mode="after")
    def _symbol_names_a_replay(self) -> Self:
        if self.symbol and not self.replay:
            raise ValueError("--symbol names the instrument of a --replay FILE; give both")
        return self

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach the product: the demo login exists only then."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

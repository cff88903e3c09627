"""Reads and checks the settings: options of the command line win over `PAPERTAPE_*` variables."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from papertape.config import Hours, LogLevel, Settings, Sharing
from papertape.storage.place import PostgresUrl

SIMULATED_SPEED_MAX = 1_000
"""Beyond it the house's bots would need more than a processor, and the market would thin out."""


class SettingsError(Exception):
    """Settings that cannot be used; `problems` has a sentence for each, naming the option."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_settings(given: Mapping[str, object]) -> Settings:
    """The settings from the given options and the environment; raises `SettingsError`."""
    try:
        return Settings(**_Given(**given).model_dump())  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError([_sentence(problem) for problem in error.errors()]) from None


class _Given(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PAPERTAPE_", extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path("data")
    seed: int = Field(default=42, ge=0, lt=2**63)
    speed: float = Field(default=1.0, gt=0, le=1_000_000)
    hours: Hours = "open"
    sharing: Sharing = "shared"
    log_level: LogLevel = "warning"
    log_json: bool = False
    replay: Path | None = None
    symbol: str | None = Field(default=None, pattern=r"^[A-Z0-9./_-]{1,24}$")
    web_dir: Path | None = None
    login_attempts_per_minute: int = Field(default=20, ge=0)
    requests_per_second: int = Field(default=2_000, ge=0)
    requests_burst: int = Field(default=4_000, ge=1)
    ticks_kept: int = Field(default=100_000, ge=0, le=1_000_000_000)
    trusted_proxies: str = ""
    webhooks_allow_private: bool = False
    webhook_certificate_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9\-]{1,100}$")
    database_url: str | None = None

    smtp_url: str | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/[^\s]*)?$")

    @field_validator("data_dir", "replay", "web_dir", "smtp_password_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else None

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "smtp://none")
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("give smtp://user@host:port or smtps://user@host:port")
        if parts.password is not None:
            raise ValueError("the password has a file of its own, --smtp-password-file")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, text: str) -> str:
        networks = [part.strip() for part in text.split(",") if part.strip()]
        return ",".join(str(ipaddress.ip_network(network)) for network in networks)

    @model_validator(mode="after")
    def _database_that_can_be_named(self) -> Self:
        # Not a validator of the field: its complaint would repeat the password in the value.
        self.database_url = self.database_url or None
        try:
            if self.database_url:
                PostgresUrl.read(self.database_url)
        except ValueError as error:
            raise ValueError(f"--database-url {error}") from None
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url and not self.mail_from:
            raise ValueError("--smtp-url needs --mail-from, the address that mail comes from")
        return self

    @model_validator(mode="after")
    def _speed_that_can_be_kept(self) -> Self:
        if self.replay is None and self.speed > SIMULATED_SPEED_MAX:
            raise ValueError(
                f"--speed: a simulated market runs at most {SIMULATED_SPEED_MAX} times as fast as "
                f"the wall clock (got {self.speed:g}); a --replay takes more"
            )
        return self

    @model_validator(mode="after")
    def _symbol_names_a_replay(self) -> Self:
        if self.symbol and not self.replay:
            raise ValueError("--symbol names the instrument of a --replay FILE; give both")
        return self


def _sentence(problem: object) -> str:
    """One problem that pydantic found, with the option's name and the value."""
    assert isinstance(problem, dict)
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    option = "--" + str(problem["loc"][0]).replace("_", "-")
    return f"{option}: {problem['msg']} (got {problem['input']!r})"

"""Settings: read once, from the command line and `PAPERTAPE_*` variables, and given to the rooms.

No other room reads settings; `app` passes each room the values that it needs. This module is what
every process of the product starts with, so it stays light; `reading` holds the checks.
"""

import dataclasses
import ipaddress
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

Hours = Literal["open", "real"]
Sharing = Literal["shared", "isolated"]
LogLevel = Literal["debug", "info", "warning", "error"]

DATABASE_VARIABLE = "PAPERTAPE_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `papertape up` was told.

    `speed` makes a simulated world's clock run faster than the wall, and a replay faster than its
    own pace (bars: one a second, ticks: as they came). `sharing` is that of a world when it is
    made: whether its users trade with each other. `trusted_proxies` are addresses and networks with
    commas between them: what they say of a request's origin is believed. Of each instrument the
    newest `ticks_kept` quotes and as many prints are kept; 0 keeps none. A proxy names the client
    certificate of TradingView in `webhook_certificate_header`; None asks for none. With
    `webhooks_allow_private` outgoing webhooks may call addresses inside. Mail goes out by
    `smtp_url` (`smtp://user@host:port` with STARTTLS, `smtps://`) from `mail_from`, and names
    `public_url`; without one nobody gets mail. Paths are absolute.

    `database_url` is None where the data folder holds tape and users too. It may hold a password,
    so it is never shown.
    """

    host: str
    port: int
    data_dir: Path
    seed: int
    speed: float
    hours: Hours
    sharing: Sharing
    log_level: LogLevel
    log_json: bool
    replay: Path | None
    symbol: str | None
    web_dir: Path | None
    login_attempts_per_minute: int
    requests_per_second: int
    requests_burst: int
    ticks_kept: int
    trusted_proxies: str
    webhook_certificate_header: str | None
    webhooks_allow_private: bool
    smtp_url: str | None
    smtp_password_file: Path | None
    mail_from: str | None
    public_url: str | None
    database_url: str | None = dataclasses.field(default=None, repr=False)

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach the product: the demo login exists only then."""
        if self.trusted_proxies:
            return False
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def to_json(self) -> str:
        """The settings as text, for the command line of a child process, which all can read."""
        given = dataclasses.asdict(self)
        del given["database_url"]
        return json.dumps(given, default=str)

    def environment(self) -> dict[str, str]:
        """The variables of a child process: with what its command line must not tell."""
        variables = dict(os.environ)
        variables.pop(DATABASE_VARIABLE, None)
        return variables | ({DATABASE_VARIABLE: self.database_url} if self.database_url else {})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` and `environment` gave."""
        given = json.loads(text)
        given["database_url"] = os.environ.get(DATABASE_VARIABLE) or None
        for name in ("data_dir", "replay", "web_dir", "smtp_password_file"):
            given[name] = given[name] and Path(given[name])
        return cls(**given)

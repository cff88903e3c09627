"""What `papertape login` saves: a token or a key for each server, in a file of the user's own.

The file is `logins.json` in the user's configuration folder, mode 0600, and is replaced as a whole.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import typer

DEFAULT_URL: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class SavedLogin:
    """A login's tokens, or an API key."""

    username: str | None = None
    token: str | None = None
    refresh_token: str | None = None
    key_id: str | None = None
    secret: str | None = None


@dataclass
class SavedLogins:
    """All that is saved; `newest_url` is where the last login was."""

    by_url: dict[str, SavedLogin] = field(default_factory=dict)
    newest_url: str | None = None

    @classmethod
    def path(cls) -> Path:
        """Where they are saved."""
        return Path(typer.get_app_dir("papertape")) / "logins.json"

    @classmethod
    def load(cls) -> Self:
        """What is saved; nothing when there is no file. Raises ValueError for a broken one."""
        path = cls.path()
        try:
            told: dict[str, Any] = json.loads(path.read_text())
            by_url = {url: SavedLogin(**one) for url, one in told["logins"].items()}
            return cls(by_url, told["newest_url"])
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} cannot be read ({error}); delete it and log in") from error

    def of(self, url: str) -> SavedLogin | None:
        """The login at a server."""
        return self.by_url.get(url.rstrip("/"))

    @classmethod
    def keep(cls, url: str, login: SavedLogin) -> None:
        """Save a login at a server."""
        logins = cls.load()
        logins.newest_url = url.rstrip("/")
        logins.by_url[logins.newest_url] = login
        logins.save()

    @classmethod
    def forget(cls, url: str) -> None:
        """Forget the login at a server."""
        logins = cls.load()
        logins.by_url.pop(url.rstrip("/"), None)
        if logins.newest_url not in logins.by_url:
            logins.newest_url = next(iter(logins.by_url), None)
        logins.save()

    def save(self) -> None:
        """Replace the file."""
        path = self.path()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = {
            "newest_url": self.newest_url,
            "logins": {url: asdict(login) for url, login in self.by_url.items()},
        }
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".logins-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(told, file)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

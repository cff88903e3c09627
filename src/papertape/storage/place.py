"""Where a part of the product keeps its tables: a SQLite file, or a schema of PostgreSQL.

The schemas are named as the files are: `exchange`, `auth`. Light: settings are checked here.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = ("postgresql", "postgres")
SSL_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
PORT = 5432
_OPTIONS = frozenset({"host", "sslmode", "sslrootcert"})


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """A database of a PostgreSQL server. A `host` that begins with `/` is a folder of sockets."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)
    ssl_mode: str = "prefer"
    ssl_root: str | None = None

    @classmethod
    def read(cls, url: str) -> Self:
        """A `postgresql://user:password@host:port/database?sslmode=...`.

        Raises ValueError, which never repeats the password.
        """
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"begins with {parts.scheme or 'nothing'}://, not {SCHEMES[0]}://")
        options = _options(parts.query)
        host = options.get("host") or unquote(parts.hostname or "localhost")
        database = unquote(parts.path.removeprefix("/"))
        if not parts.username or not database or "/" in database:
            raise ValueError("names a user and a database: postgresql://user@host/database")
        ssl_mode = options.get("sslmode") or ("disable" if host.startswith("/") else "prefer")
        if ssl_mode not in SSL_MODES:
            raise ValueError(f"has sslmode {ssl_mode}, not one of {', '.join(SSL_MODES)}")
        password = None if parts.password is None else unquote(parts.password)
        port = parts.port or PORT
        root = options.get("sslrootcert")
        return cls(host, port, unquote(parts.username), database, password, ssl_mode, root)

    @property
    def socket_path(self) -> str | None:
        """The file of the server's socket, where `host` is a folder."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


@dataclass(frozen=True, slots=True)
class PostgresSchema:
    """The tables of one part of the product in a database that several parts share."""

    url: PostgresUrl
    name: str
    data_dir: Path | None = None
    """The folder with what is not in tables: sealed segments of the tape."""

    def __str__(self) -> str:
        """For people, without the password."""
        url = self.url
        return f"schema {self.name} of {url.user}@{url.host}:{url.port}/{url.database}"


Place = Path | PostgresSchema


def _options(query: str) -> dict[str, str]:
    given = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    unknown = sorted(set(given) - _OPTIONS)
    if unknown:
        raise ValueError(f"has options {', '.join(unknown)}; known are {', '.join(_OPTIONS)}")
    return given

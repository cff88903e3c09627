"""What all commands over the API share: where to, as whom, and how a failure ends.

`PAPERTAPE_URL`, `PAPERTAPE_KEY_ID` with `PAPERTAPE_SECRET`, and `PAPERTAPE_TOKEN` count before what
`papertape login` has saved. Exit codes: 1 the server refused, 2 wrong usage, 3 nothing answered or
nobody knows what was done, 4 not logged in. What went wrong is one line on standard error, with
`--json` an object.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from papertape.cli.logins import DEFAULT_URL, SavedLogin, SavedLogins

if TYPE_CHECKING:
    from papertape.client import Client, PapertapeError

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3
EXIT_NOT_LOGGED_IN: Final = 4

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="PAPERTAPE_URL",
        help=f"Address of the server; else of the last login, else {DEFAULT_URL}.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Account = Annotated[
    str | None, typer.Option("--account", help="Id or name of an account; else your default one.")
]

PATIENCE_S: Final = 2.0
"""Somebody sits in front of it; a script repeats by itself."""

_CREDENTIALS = ("KEY_ID", "SECRET", "TOKEN")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@contextmanager
def connected(
    url: str | None, as_json: bool, *, account: str | None = None, patience_s: float = PATIENCE_S
) -> Iterator["Client"]:
    """A client for one command; what it raises ends the command with a line and an exit code."""
    with told_errors(as_json):
        client = _client(url, patience_s)
        with client:
            if account is not None:
                client.talk.account_id = _account_id(client, account)
            yield client


@contextmanager
def told_errors(as_json: bool) -> Iterator[None]:
    """Tell what the client raises, and exit."""
    from papertape.client import PapertapeError

    try:
        yield
    except PapertapeError as error:
        _tell(error, as_json)
        raise typer.Exit(_exit_code(error)) from None
    except (TypeError, ValueError) as error:
        typer.echo(f"papertape: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


def _client(url: str | None, patience_s: float) -> "Client":
    from papertape.client import Client

    logins = SavedLogins.load()
    address = url or logins.newest_url or DEFAULT_URL
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"--url: {address} is no address; give one such as {DEFAULT_URL}")
    key_id, secret, token = (os.environ.get(f"PAPERTAPE_{name}") for name in _CREDENTIALS)
    if key_id or secret or token:
        return Client(address, key_id=key_id, secret=secret, token=token, patience_s=patience_s)
    saved = logins.of(address)
    if saved is None:
        return Client(address, patience_s=patience_s)
    if saved.key_id is not None:
        return Client(address, key_id=saved.key_id, secret=saved.secret, patience_s=patience_s)
    client = Client(address, token=saved.token, patience_s=patience_s)
    client.talk.credentials.refresh_token = saved.refresh_token
    client.talk.credentials.on_login = lambda login: SavedLogins.keep(
        address,
        SavedLogin(
            username=saved.username, token=login.access_token, refresh_token=login.refresh_token
        ),
    )
    return client


def _account_id(client: "Client", named: str) -> str:
    if _UUID.fullmatch(named):
        return named
    accounts = client.accounts.all()
    for account in accounts:
        if account.name == named:
            return account.id
    known = ", ".join(account.name for account in accounts) or "none"
    raise ValueError(f"--account: no account is called {named}; yours: {known}")


def _tell(error: "PapertapeError", as_json: bool) -> None:
    from papertape.client import NotAuthenticatedError, ProblemError

    if as_json:
        import msgspec

        told: dict[str, Any] = {"reason": "unreachable", "detail": str(error)}
        if isinstance(error, ProblemError):
            told = {"status": error.status, "reason": error.reason, "detail": error.detail}
            told = error.told | told | {"request_id": error.request_id}
        typer.echo(msgspec.json.encode({"error": told}), err=True)
        return
    typer.echo(f"papertape: {error}", err=True)
    if isinstance(error, NotAuthenticatedError) and error.reason == "not_authenticated":
        typer.echo("papertape: `papertape login` logs in", err=True)


def _exit_code(error: "PapertapeError") -> int:
    from papertape.client import (
        BadReplyError,
        NotAcceptedError,
        NotAuthenticatedError,
        OutcomeUnknownError,
        UnreachableError,
    )

    if isinstance(error, NotAuthenticatedError):
        return EXIT_NOT_LOGGED_IN
    lost = UnreachableError | NotAcceptedError | OutcomeUnknownError | BadReplyError
    return EXIT_UNREACHABLE if isinstance(error, lost) else EXIT_REFUSED

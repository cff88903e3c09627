"""`papertape login`, `logout`, `whoami`, `keys ...`."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertape.cli.connection import PATIENCE_S, AsJson, Url, connected, told_errors
from papertape.cli.logins import DEFAULT_URL, SavedLogin, SavedLogins
from papertape.cli.showing import show_json, show_members, show_rows

if TYPE_CHECKING:
    from papertape.client import Client

keys = typer.Typer(help="API keys, for bots.", no_args_is_help=True)


class KeyScope(StrEnum):
    """What a key may do."""

    READ = "read"
    TRADE = "trade"
    ACCOUNT = "account"
    ADMIN = "admin"


def login(
    username: Annotated[str | None, typer.Option(help="Your name; else you are asked.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    key_id: Annotated[
        str | None, typer.Option("--key-id", help="Save an API key instead; asks for its secret.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Log in, and keep the token in a file that only you can read."""
    with told_errors(as_json):
        address = (url or DEFAULT_URL).rstrip("/")
        if key_id is not None:
            _save_key(address, key_id, _secret("Secret", password_stdin))
            typer.echo(f"The key {key_id} is saved for {address}.")
            return
        name = username or typer.prompt("Username", err=True)
        _save_login(address, name, _secret("Password", password_stdin))
        typer.echo(f"Logged in as {name} at {address}.")


def _secret(what: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    typed: str = typer.prompt(what, hide_input=True, err=True)
    return typed


def _logged_in(url: str, username: str, password: str) -> "Client":
    """A login; asks for a code where the user has a second factor."""
    from papertape.client import Client, NotAuthenticatedError

    try:
        return Client.login(url, username, password, patience_s=PATIENCE_S)
    except NotAuthenticatedError as error:
        if error.reason != "code_needed":
            raise
    code = typer.prompt("Code of your app", err=True)
    return Client.login(url, username, password, code=code, patience_s=PATIENCE_S)


def _save_login(url: str, username: str, password: str) -> None:
    with _logged_in(url, username, password) as client:
        credentials = client.talk.credentials
        SavedLogins.keep(
            url,
            SavedLogin(
                username=username,
                token=credentials.token,
                refresh_token=credentials.refresh_token,
            ),
        )


def _save_key(url: str, key_id: str, secret: str) -> None:
    """Save a key that works."""
    from papertape.client import Client

    with Client(url, key_id=key_id, secret=secret, patience_s=PATIENCE_S) as client:
        client.accounts.all()
    SavedLogins.keep(url, SavedLogin(key_id=key_id, secret=secret))


def logout(url: Url = None, as_json: AsJson = False) -> None:
    """End the login and forget it; a saved key is forgotten, not revoked."""
    with told_errors(as_json):
        logins = SavedLogins.load()
        address = url or logins.newest_url or DEFAULT_URL
        saved = logins.of(address)
        if saved is None:
            typer.echo(f"Nobody is logged in at {address}.")
            return
        try:
            if saved.refresh_token is not None:
                with connected(address, as_json, patience_s=0) as client:
                    client.users.logout(saved.refresh_token)
        finally:
            SavedLogins.forget(address)
        typer.echo(f"Logged out at {address}.")


def whoami(url: Url = None, as_json: AsJson = False) -> None:
    """Say who is logged in."""
    with connected(url, as_json) as client:
        me = client.users.me()
        if as_json:
            show_json(me)
        else:
            show_members(me)


@keys.command("create")
def create_key(
    name: str,
    scope: Annotated[
        list[KeyScope] | None,
        typer.Option(help="May be given several times."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Id of the only account it sees.")] = None,
    expires: Annotated[str | None, typer.Option(help="When it ends (RFC 3339).")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="Address or network it works from.")] = None,
    max_notional: Annotated[str | None, typer.Option(help="What an order may be worth.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key, by default one that reads and trades. Its secret is told only now."""
    scopes: Any = [one.value for one in scope or (KeyScope.READ, KeyScope.TRADE)]
    with connected(url, as_json) as client:
        made = client.keys.create(
            name,
            scopes,
            account_id=account,
            expires_at=expires,
            ip_allow=ip or [],
            max_notional=max_notional,
        )
        if as_json:
            show_json(made)
        else:
            show_members(made)


@keys.command("list")
def list_keys(url: Url = None, as_json: AsJson = False) -> None:
    """List your API keys."""
    with connected(url, as_json) as client:
        found = client.keys.all()
        if as_json:
            show_json(found)
            return
        columns = ("key_id", "name", "scopes", "account_id", "expires_at", "last_used_at")
        show_rows(found, columns, none="no keys")


@keys.command("revoke")
def revoke_key(key_id: str, url: Url = None, as_json: AsJson = False) -> None:
    """End an API key, at once."""
    with connected(url, as_json) as client:
        client.keys.revoke(key_id)
        if as_json:
            show_json({"key_id": key_id, "revoked": True})
        else:
            typer.echo(f"{key_id} is revoked.")

"""`papertape engine`: status, halt and resume of a running product, over its API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

Action = Literal["status", "halt", "resume"]
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks: `token` of a login or `key_id:secret` of a key; else a name and its password."""

    token: str | None = None
    username: str | None = None
    password: str | None = None


class RefusedError(Exception):
    """The product refused, or does not answer; the text says why."""


def run_command(
    action: Action, url: str, login: Login, fields: Mapping[str, Any], *, as_json: bool
) -> tuple[int, str]:
    """Ask, and give the exit code and what to print."""
    try:
        with httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", timeout=TIMEOUT_S) as client:
            client.headers["Authorization"] = f"Bearer {_token(client, login)}"
            method = "GET" if action == "status" else "POST"
            status = _ask(client, method, f"/engine/{action}", fields)
    except RefusedError as error:
        return 1, f"papertape: {error}"
    except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError) as error:
        return 1, f"papertape: {url} does not answer as a product does ({error})"
    return 0, json.dumps(status, indent=2) if as_json else _text(status)


def _token(client: httpx.Client, login: Login) -> str:
    if login.token is not None:
        return login.token
    if login.username is None or login.password is None:
        raise RefusedError("give --token (a login's, or KEY_ID:SECRET), or --user and a password")
    body = {"username": login.username, "password": login.password}
    token: str = _ask(client, "POST", "/auth/login", body)["access_token"]
    return token


def _ask(client: httpx.Client, method: str, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in fields.items() if value is not None}
    response = client.request(method, path, json=given if method == "POST" else None)
    told: dict[str, Any] = response.json()
    if response.status_code >= 400:
        raise RefusedError(told.get("detail") or f"{path}: status {response.status_code}")
    return told


def _text(status: Mapping[str, Any]) -> str:
    lines = [
        f"{status['world']} is {status['state']} at {status['time']}, turn {status['seq']}",
        f"market {status['market']}, {status['waiting']} commands waiting",
    ]
    if status["kill_switch"]:
        lines.append(f"kill switch: {status['kill_switch']}")
    if status["clock_jump"]:
        lines.append("the wall clock jumped: time stands still until it is back")
    lines += [f"{one['exchange']} {one['state']}" for one in status["exchanges"]]
    lines += [
        f"halted {one['exchange']} {one['symbol'] or '(all)'}: {one['reason']}"
        for one in status["halted"]
    ]
    return "\n".join(lines)

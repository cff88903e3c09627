"""Tokens: what is good, and every forgery that is not."""

import base64
import json
import stat
import threading
from collections.abc import Callable

import jwt
import pytest

from papertape.server.auth.tokens import BadTokenError, Tokens, load_key

KEY = b"k" * 32
NOW = 1_800_000_000


def tokens_at(seconds: float, key: bytes = KEY) -> Tokens:
    return Tokens(key, lifetime_s=3600, clock=lambda: seconds)


def claims(**changed: object) -> dict[str, object]:
    good = {"iss": "papertape", "sub": "u", "gen": 1, "iat": NOW, "exp": NOW + 3600}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: bytes = KEY, algorithm: str = "HS256", **changed: object) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm)


def unsigned(**header: str) -> str:
    parts = [json.dumps({"typ": "JWT"} | header).encode(), json.dumps(claims()).encode(), b""]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_token_says_whose_it_is_and_when_it_ends() -> None:
    read = tokens_at(NOW + 10).read(tokens_at(NOW).issue("u", 7))
    assert (read.user_id, read.generation, read.expires_at) == ("u", 7, NOW + 3600)


@pytest.mark.parametrize(("at", "good"), [(0, True), (3599, True), (3600, False), (10**6, False)])
def test_a_token_ends_on_the_wall_clock(at: int, good: bool) -> None:
    token = tokens_at(NOW).issue("u", 1)
    if good:
        assert tokens_at(NOW + at).read(token).user_id == "u"
    else:
        with pytest.raises(BadTokenError, match="expired"):
            tokens_at(NOW + at).read(token)


def _tampered() -> str:
    head, _, signature = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="admin")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def _with_payload(payload: bytes) -> str:
    return jwt.PyJWS().encode(payload, KEY, algorithm="HS256")


FORGERIES: list[tuple[str, Callable[[], str]]] = [
    ("signed with another key", lambda: signed(b"x" * 32)),
    ("without a signature, alg none", lambda: unsigned(alg="none")),
    ("without a signature, alg None", lambda: unsigned(alg="None")),
    ("without a signature, alg HS256", lambda: unsigned(alg="HS256")),
    ("another algorithm", lambda: signed(b"k" * 64, "HS512")),
    ("tampered claims", _tampered),
    ("no subject", lambda: signed(sub=None)),
    ("a subject that is a number", lambda: signed(sub=1)),
    ("no end", lambda: signed(exp=None)),
    ("an end far in the past", lambda: signed(exp=1)),
    ("an end that is text", lambda: signed(exp="tomorrow")),
    ("an end that is not a number", lambda: _with_payload(b'{"sub":"u","gen":1,"exp":NaN}')),
    ("no beginning", lambda: signed(iat=None)),
    ("no generation", lambda: signed(gen=None)),
    ("a generation that is true", lambda: signed(gen=True)),
    ("another issuer", lambda: signed(iss="elsewhere")),
    ("empty", lambda: ""),
    ("not a token", lambda: "abc"),
    ("dots only", lambda: ".."),
    ("not ASCII", lambda: "ä.ö.ü"),
    ("a list as claims", lambda: _with_payload(b"[1]")),
]


@pytest.mark.parametrize(("_name", "make"), FORGERIES, ids=[name for name, _ in FORGERIES])
def test_a_forged_token_is_refused(_name: str, make: Callable[[], str]) -> None:
    with pytest.raises(BadTokenError):
        tokens_at(NOW).read(make())


def test_the_key_outlives_a_restart_and_is_private(tmp_path) -> None:
    path = tmp_path / "secrets" / "jwt.key"
    key = load_key(path)
    assert load_key(path) == key
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["jwt.key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path) -> None:
    path = tmp_path / "jwt.key"
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(load_key(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1


def test_a_key_that_is_too_short_is_refused_by_its_path(tmp_path) -> None:
    path = tmp_path / "jwt.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="remove it"):
        load_key(path)

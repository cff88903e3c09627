"""A table of attacks: each is refused by its name, and the server goes on.

Strangers' ids on every route are in `test_strangers.py`, bodies of all kinds in `test_bodies.py`
and `test_openapi.py`, slow readers of streams in `test_stream.py`, guesses in `test_rates.py`.
"""

import base64
import json
import select
import socket
import time

import jwt
import pytest

from papertape.server import patience

PASSWORD = "correct horse"


def encoded(part: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


# --- tokens --------------------------------------------------------------------------------------

FORGERIES = {
    "no algorithm": lambda claims, token, key: (
        f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims)}."
    ),
    "no algorithm, with a signature": lambda claims, token, key: (
        f"{encoded({'alg': 'None'})}.{encoded(claims)}.{token.split('.')[2]}"
    ),
    "another algorithm": lambda claims, token, key: jwt.encode(
        claims, key.ljust(64, b"\0"), algorithm="HS512"
    ),
    "an empty key": lambda claims, token, key: jwt.encode(
        claims, "x" * 32, algorithm="HS256", headers={"kid": "/dev/null"}
    ),
    "other claims, old signature": lambda claims, token, key: ".".join(
        [token.split(".")[0], encoded(claims | {"sub": "admin"}), token.split(".")[2]]
    ),
    "expired": lambda claims, token, key: jwt.encode(
        claims | {"exp": int(time.time()) - 1}, key, algorithm="HS256"
    ),
    "of another issuer": lambda claims, token, key: jwt.encode(
        claims | {"iss": "elsewhere"}, key, algorithm="HS256"
    ),
    "without an end": lambda claims, token, key: jwt.encode(
        {name: value for name, value in claims.items() if name != "exp"}, key, algorithm="HS256"
    ),
    "of a login that is no text": lambda claims, token, key: jwt.encode(
        claims | {"sid": ["x"]}, key, algorithm="HS256"
    ),
    "of nobody's login": lambda claims, token, key: jwt.encode(
        claims | {"sid": "' OR 1=1 --"}, key, algorithm="HS256"
    ),
    "cut": lambda claims, token, key: token[:-2],
    "doubled": lambda claims, token, key: f"{token}.{token}",
    "huge": lambda claims, token, key: "a" * 30_000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_nobodys(product, alice, name) -> None:
    key = (product.folder / "secrets" / "jwt.key").read_bytes()
    forged = FORGERIES[name](claims_of(alice.token), alice.token, key)
    assert product.client(forged).get("/me").status_code == 401
    with product.stream() as stream:
        stream.send(action="auth", token=forged)
        assert stream.closing_code == 4401


# --- secrets -------------------------------------------------------------------------------------

SECRET = "hunter2-is-mine"
REFUSED_SECRETS = {
    "a password to register": ("/auth/register", {"username": "x y", "password": 30 * SECRET}),
    "a new password for a token": (
        "/auth/password-reset",
        {"token": "x", "new_password": SECRET[:9]},
    ),
    "a token for a new password": ("/auth/password-reset", {"token": 30 * SECRET}),
    "a refresh token": ("/auth/refresh", {"refresh_token": 300 * SECRET}),
    "the password as it was": ("/me/password", {"current_password": 30 * SECRET}),
    "the password as it shall be": (
        "/me/password",
        {"current_password": PASSWORD, "new_password": SECRET[:9]},
    ),
    "a code": ("/me/two-factor/confirm", {"code": 30 * SECRET}),
    "the secret of a webhook": ("/webhooks", {"name": "w", "secret": 30 * SECRET}),
    "one under a name of no field": ("/auth/refresh", {"refreshToken": SECRET}),
    "one under a name of an alert": ("/webhooks", {"name": "w", "Pass-Phrase": SECRET}),
    "one under a name of nothing": ("/me/two-factor/off", {"password": "x", "recovery": SECRET}),
    "one in the path of an address": ("/webhook-endpoints", {"url": f"ftp://host/hook/{SECRET}"}),
    "one in an address": ("/webhook-endpoints", {"url": f"ftp://user:{SECRET}@host/"}),
}


@pytest.mark.parametrize("name", REFUSED_SECRETS)
def test_a_refused_secret_is_not_told_back(alice, name) -> None:
    path, body = REFUSED_SECRETS[name]
    response = alice.client.post(path, json=body)
    assert response.status_code == 422
    assert SECRET[:9] not in response.text


# --- bytes that no good client sends -------------------------------------------------------------


def answer_to(product, raw: bytes, seconds: float = 5) -> bytes:
    """What comes back until the server closes or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", product.port), timeout=seconds) as connection:
        connection.sendall(raw)
        told = b""
        try:
            while part := connection.recv(65536):
                told += part
                if b"\r\n\r\n" in told and b"connection: close" not in told.lower():
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return told


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, "Host: localhost", *fields, "", ""]).encode("latin-1")


RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an unknown method": head("BREW /api/v1/me HTTP/1.1"),
    "a body with two lengths": head(
        "POST /api/v1/auth/login HTTP/1.1", "Content-Length: 2", "Content-Length: 30"
    )
    + b"{}",
    "a length and chunks": head(
        "POST /api/v1/auth/login HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked"
    )
    + b"0\r\n\r\nGET /api/v1/me HTTP/1.1\r\n\r\n",
    "a negative length": head("POST /api/v1/auth/login HTTP/1.1", "Content-Length: -1"),
    "a length beyond all bounds": head(
        "POST /api/v1/auth/login HTTP/1.1", "Content-Length: 99999999999999999999999"
    ),
    "a chunk that never ends": head(
        "POST /api/v1/auth/login HTTP/1.1", "Transfer-Encoding: chunked"
    )
    + b"FFFFFFFFFFFFFFFFF\r\nx",
    "a zero byte in a header": head("GET /api/v1/me HTTP/1.1", "X-Request-Id: a\x00b"),
    "a bare line feed in a header": b"GET /healthz HTTP/1.1\r\nHost: x\nX-Evil: 1\r\n\r\n",
    "a header without an end": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000,
    "the way out of the folder": head("GET /../../../../etc/passwd HTTP/1.1"),
    "the same, encoded": head("GET /assets/%2e%2e/%2e%2e/secrets/jwt.key HTTP/1.1"),
    "a path with a zero byte": head("GET /api/v1/orders/%00 HTTP/1.1", "Authorization: Bearer x"),
    "an id with a line break": head("GET /healthz HTTP/1.1", "X-Request-Id: a%0d%0aSet-Cookie: b"),
    "a strange length of a string": head(
        "POST /api/v1/auth/login HTTP/1.1", "Content-Type: application/json", "Content-Length: 9"
    )
    + b'{"\xff\xfe": 1',
}


@pytest.mark.parametrize("name", RAW)
def test_strange_bytes_are_refused_and_leave_nothing_behind(product, name) -> None:
    told = answer_to(product, RAW[name], 1)
    status = told.split(b" ", 2)[1:2]
    assert not status or status[0][:1] in {b"2", b"4"}, told[:300]
    assert b"root:" not in told
    assert b"set-cookie" not in told.lower().split(b"\r\n\r\n")[0]
    assert b"x-evil" not in told.lower()
    assert product.anyone.get("/instruments").status_code == 200


def test_no_header_of_a_reply_says_what_a_request_said(product, alice) -> None:
    for value in ("a\tb", "a b", "x" * 200, "<script>"):
        response = alice.client.get("/me", headers={"X-Request-Id": value})
        assert value not in response.headers["x-request-id"]


def test_another_sites_page_reads_no_answer(product, alice) -> None:
    origin = {"Origin": "https://evil.example"}
    asked = {"Access-Control-Request-Method": "GET", **origin}
    for response in (
        alice.client.get("/me", headers=origin),
        alice.client.request("OPTIONS", "/me", headers=asked),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]
    headers = alice.client.get("/me").headers
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


# --- clients that take their time ----------------------------------------------------------------

SLOW = {
    "nothing": b"",
    "half a head": b"GET /api/v1/instruments HTTP/1.1\r\nHost: x\r\n",
    "half a body": head("POST /api/v1/auth/login HTTP/1.1", "Content-Length: 100") + b'{"username"',
    "a second request": head("GET /healthz HTTP/1.1") + b"GET /hea",
}


@pytest.mark.parametrize("name", SLOW)
def test_who_does_not_finish_a_request_is_hung_up_on(product, monkeypatch, name) -> None:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", 0.2)
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as connection:
        connection.sendall(SLOW[name])
        told = b""
        while part := connection.recv(65536):
            told += part
    assert told.endswith(b"\r\n\r\n")
    assert b"HTTP/1.1 408 " in told


def test_a_stream_and_a_quick_client_have_all_the_time(product, alice, monkeypatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", 0.2)
    with product.stream(alice) as stream:
        for _ in range(3):
            assert alice.client.get("/me").status_code == 200
            assert stream.quiet_for(0.15)
        assert set(stream.subscribe("orders")) == {"orders"}


def test_who_does_not_read_a_reply_is_hung_up_on(product, alice, monkeypatch) -> None:
    monkeypatch.setattr(patience, "READ_WITHIN_S", 0.2)
    line = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", product.port))
        connection.sendall(line * 3)
        hung_up = select.poll()
        hung_up.register(connection, 0)  # errors and the end are told without being asked for
        assert hung_up.poll(30_000)
    assert alice.client.get("/me").status_code == 200

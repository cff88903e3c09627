"""Register, log in, me: as a client sees them."""

import sqlite3
import time
from contextlib import closing

import httpx
import jwt
import pytest

from papertape.server.auth.store import DEMO_PASSWORD, Role

PASSWORD = "correct horse"


def register(product, **fields) -> httpx.Response:
    body = {"username": "somebody", "password": PASSWORD} | fields
    return product.anyone.post(
        "/auth/register", json={k: v for k, v in body.items() if v is not None}
    )


def login(product, **fields) -> httpx.Response:
    return product.anyone.post("/auth/login", json=fields)


def test_a_new_user_logs_in_and_owns_one_account_with_a_hundred_thousand_dollars(product) -> None:
    made = register(product, username="carol", email="carol@host.example")
    assert made.status_code == 201
    user = made.json()
    assert list(user) == ["id", "username", "display_name", "email", "role", "created_at"]
    assert (user["username"], user["email"], user["role"]) == (
        "carol",
        "carol@host.example",
        "user",
    )
    entered = login(product, username="CAROL", password=PASSWORD)
    assert entered.status_code == 200
    assert set(entered.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert entered.json()["token_type"] == "bearer"
    assert entered.json()["expires_in"] > 0
    client = product.client(entered.json()["access_token"])
    assert client.get("/me").json() == user
    (account,) = client.get("/accounts").json()["items"]
    assert (account["cash"], account["currency"], account["kind"]) == ("100000.00", "USD", "cash")


BAD_REGISTRATIONS = [
    ({"username": None}, "username"),
    ({"username": ""}, "username"),
    ({"username": "x" * 65}, "username"),
    ({"username": "a b"}, "username"),
    ({"username": "a/b"}, "username"),
    ({"username": "a\u0000b"}, "username"),
    ({"username": 5}, "username"),
    ({"password": None}, "password"),
    ({"password": "ninechars"}, "password"),
    ({"password": "x" * 257}, "password"),
    ({"password": 1234567890}, "password"),
    ({"email": "nobody"}, "email"),
    ({"email": "a@" + "b" * 300}, "email"),
    ({"role": "admin"}, "role"),
    ({"is_demo": True}, "is_demo"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_REGISTRATIONS, ids=str)
def test_a_bad_registration_is_refused_by_its_field(product, fields, field) -> None:
    response = register(product, **({"username": "dave"} | fields))
    assert response.status_code == 422
    assert (response.json()["reason"], response.json()["field"]) == ("malformed", field)


@pytest.mark.parametrize("password", ["ninechars", "x" * 257])
def test_a_password_is_never_told_back(product, password: str) -> None:
    assert password not in register(product, password=password).text
    assert "hunter2" not in login(product, username=5, password="hunter2").text


@pytest.mark.parametrize("name", ["erin", "ERIN", "Erin"])
def test_a_name_is_taken_in_any_case(product, name: str) -> None:
    register(product, username="erin")
    again = register(product, username=name)
    assert (again.status_code, again.json()["reason"]) == (409, "username_taken")


@pytest.mark.parametrize("name", ["admin", "Admin", "demo", "DEMO"])
def test_the_names_of_the_products_own_users_are_taken(product, name: str) -> None:
    assert register(product, username=name).status_code == 409


WRONG_LOGINS = [
    {"username": "frank", "password": "wrong horse!"},
    {"username": "frank", "password": ""},
    {"username": "frank", "password": "short"},
    {"username": "frank", "password": "x" * 257},
    {"username": "frank", "password": PASSWORD + "x" * 500_000},
    {"username": "frank", "password": [PASSWORD]},
    {"username": "frank", "password": None},
    {"username": "frank", "password": 5},
    {"username": "frank"},
    {"username": "nobody", "password": PASSWORD},
    {"username": "", "password": ""},
    {"username": "' OR 1=1 --", "password": PASSWORD},
    {"username": "frank\0", "password": PASSWORD},
    {"username": "x" * 65, "password": PASSWORD},
    {"username": "x" * 500_000, "password": PASSWORD},
    {"username": ["frank"], "password": PASSWORD},
    {"username": {}, "password": {}},
    {"username": True, "password": 1.5},
    {"password": PASSWORD},
    {},
]


@pytest.mark.parametrize("fields", WRONG_LOGINS, ids=lambda fields: repr(fields)[:60])
def test_whatever_is_wrong_with_a_login_has_one_answer(product, fields: dict) -> None:
    register(product, username="frank")
    usual = login(product, username="frank", password="wrong horse!")
    answer = login(product, **fields)
    assert (answer.status_code, answer.text) == (401, usual.text)
    assert answer.json()["reason"] == "wrong_login"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"a"', "null", '{"username":"a","password":"b","otp":"c"}']
)
def test_a_login_that_is_no_object_of_name_and_password_is_malformed(product, content) -> None:
    answer = product.anyone.post("/auth/login", content=content)
    assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")


def test_no_login_takes_a_short_way(serve, monkeypatch) -> None:
    """A name or password out of bounds is hashed like all others, and never at its full length."""
    product = serve()
    register(product, username="frank")
    seen = []
    fits = product.auth.passwords.fits
    monkeypatch.setattr(
        product.auth.passwords, "fits", lambda *told: seen.append(told) or fits(*told)
    )
    for fields in WRONG_LOGINS:
        login(product, **fields)
    assert len(seen) == len(WRONG_LOGINS)
    assert max(len(password) for _, password in seen) <= 256


def attempt(product, header: str | None) -> httpx.Response:
    headers = {} if header is None else {"Authorization": header}
    return product.anyone.get("/me", headers=headers)


def test_only_a_good_token_of_an_existing_user_is_let_in(product, alice) -> None:
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    key = (product.folder / "secrets" / "jwt.key").read_bytes()

    def forged(secret: bytes, **changed) -> str:
        return "Bearer " + jwt.encode(claims | changed, secret, algorithm="HS256")

    table = [
        (f"Bearer {alice.token}", 200),
        (f"bearer {alice.token}", 200),
        (forged(key), 200),
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        (f"Basic {alice.token}", 401),
        (alice.token, 401),
        (f"Bearer {alice.token}x", 401),
        (f"Bearer {alice.token[:-2]}", 401),
        ("Bearer " + "x" * 5000, 401),
        (forged(b"another key of thirty-two bytes!"), 401),
        (forged(key, exp=int(time.time()) - 1), 401),
        (forged(key, sub="00000000-0000-0000-0000-000000000000"), 401),
        (forged(key, gen=claims["gen"] + 1), 401),
        ("Bearer " + jwt.encode(claims, None, algorithm="none"), 401),
    ]
    got = [attempt(product, header).status_code for header, _ in table]
    assert got == [status for _, status in table]
    refused = attempt(product, "Bearer x")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["reason"] == "not_authenticated"


def test_a_token_outlives_a_restart_of_the_server(serve) -> None:
    first = serve()
    trader = first.trader("greta")
    again = serve(folder=_copy(first.folder))
    client = again.client(trader.token)
    assert client.get("/me").json()["username"] == "greta"
    (account,) = client.get("/accounts").json()["items"]
    assert (account["id"], account["cash"]) == (trader.account_id, "100000.00")


def _copy(folder):
    """What a second server would find: users and keys; the world is its own."""
    other = folder / "again"
    (other / "secrets").mkdir(parents=True)
    for file in (folder / "secrets").iterdir():
        (other / "secrets" / file.name).write_bytes(file.read_bytes())
    for file in folder.glob("auth.db"):
        with (
            closing(sqlite3.connect(file)) as users,
            closing(sqlite3.connect(other / file.name)) as to,
        ):
            users.backup(to)
    return other


def test_a_reset_password_ends_the_tokens_of_before_at_the_next_check(serve) -> None:
    product = serve()
    trader = product.trader("hans")
    password = product.auth.reset_password("hans")
    fresh = product.login("hans", password)
    assert fresh.client.get("/me").status_code == 200
    assert login(product, username="hans", password=PASSWORD).status_code == 401
    second = serve(folder=_copy(product.folder))
    assert second.client(trader.token).get("/me").status_code == 401
    assert second.client(fresh.token).get("/me").status_code == 200


def test_roles_given_on_the_command_line_are_seen(product) -> None:
    product.auth.create_user("boss", PASSWORD, role=Role.ADMIN)
    assert product.login("boss").client.get("/me").json()["role"] == "admin"


def test_attempts_are_limited_by_name_and_address(serve) -> None:
    product = serve(attempts_per_minute=3)
    statuses = [login(product, username="ivan", password=PASSWORD).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    refused = login(product, username="IVAN", password=PASSWORD)
    assert refused.json()["reason"] == "too_many_attempts"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert login(product, username="judy", password=PASSWORD).status_code == 401
    statuses = [register(product, username="ivan").status_code for _ in range(4)]
    assert statuses == [201, 409, 409, 429]


def test_the_demo_login_works_only_where_it_is_offered(serve) -> None:
    closed = serve()
    closed.auth.ensure_demo()
    assert closed.anyone.get("/demo").status_code == 404
    assert login(closed, username="demo", password=DEMO_PASSWORD).status_code == 401
    user = closed.auth.user_named("demo")
    token = closed.tokens.issue(user.user_id, user.generation)
    assert closed.client(token).get("/me").status_code == 401

    offered = serve(demo_login=("demo", DEMO_PASSWORD))
    offered.auth.ensure_demo()
    told = offered.anyone.get("/demo").json()
    assert told == {"enabled": True, "username": "demo", "password": DEMO_PASSWORD}
    trader = offered.login(told["username"], told["password"])
    assert trader.client.get("/me").json()["role"] == "user"

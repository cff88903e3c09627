"""Logins: refreshed by a token that is good once, ended here and everywhere."""

import httpx
import jwt
import pytest

from papertape.server.auth.logins import (
    IDLE_S_MAX,
    LIFETIME_S_MAX,
    LOGINS_MAX,
    REPEAT_WITHIN_S,
    SECOND_NS,
    Origin,
    ReusedTokenError,
)
from papertape.server.cookies import NAME

PASSWORD = "correct horse"
NOW = 1_800_000_000 * SECOND_NS
HERE = Origin("192.0.2.1", "a browser")


def log_in(product, name: str, **fields) -> httpx.Response:
    body = {"username": name, "password": PASSWORD} | fields
    return product.anyone.post("/auth/login", json=body)


def refresh(product, token: str | None, **options) -> httpx.Response:
    body = {"refresh_token": token} if token else None
    return product.anyone.post("/auth/refresh", json=body, **options)


def is_in(product, reply: httpx.Response) -> bool:
    return product.client(reply.json()["access_token"]).get("/me").status_code == 200


# --- refreshing ----------------------------------------------------------------------------------


def test_a_refresh_token_is_exchanged_for_the_next_one(product, alice) -> None:
    first = log_in(product, alice.name).json()
    second = refresh(product, first["refresh_token"])
    assert second.status_code == 200
    assert set(second.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert second.json()["refresh_token"] != first["refresh_token"]
    third = refresh(product, second.json()["refresh_token"])
    assert is_in(product, third)
    (login, *_) = alice.client.get("/me/logins").json()["items"]
    assert login["user_agent"].startswith("python-httpx")
    assert login["address"] == "127.0.0.1"


def test_a_lost_answer_is_asked_for_again(product, alice) -> None:
    first = log_in(product, alice.name).json()["refresh_token"]
    twice = [refresh(product, first) for _ in range(2)]
    assert [one.status_code for one in twice] == [200, 200]
    assert is_in(product, refresh(product, twice[0].json()["refresh_token"]))


def test_a_token_that_comes_a_second_time_ends_the_whole_login(product, alice) -> None:
    stolen = log_in(product, alice.name).json()["refresh_token"]
    second = refresh(product, stolen)
    third = refresh(product, second.json()["refresh_token"])
    assert is_in(product, third)
    again = refresh(product, stolen)
    assert (again.status_code, again.json()["reason"]) == (401, "not_authenticated")
    assert refresh(product, third.json()["refresh_token"]).status_code == 401
    assert not is_in(product, third)
    assert alice.client.get("/me").status_code == 200, "another login goes on"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwibnVtIjoxfQ."]
)
def test_what_is_no_refresh_token_is_refused(product, token) -> None:
    assert refresh(product, token).status_code == 401


def test_one_kind_of_token_is_not_the_other(product, alice) -> None:
    login = log_in(product, alice.name).json()
    assert refresh(product, login["access_token"]).status_code == 401
    assert product.client(login["refresh_token"]).get("/me").status_code == 401


def test_a_forged_number_is_refused(product, alice) -> None:
    token = log_in(product, alice.name).json()["refresh_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(claims | {"num": 2}, "k" * 32, algorithm="HS256")
    assert refresh(product, forged).status_code == 401
    assert refresh(product, token).status_code == 200


def test_how_long_a_login_lasts(product, alice) -> None:
    logins = product.auth.logins
    user_id = alice.client.get("/me").json()["id"]
    login = logins.start(user_id, HERE, NOW)
    idle = NOW + IDLE_S_MAX * SECOND_NS
    assert logins.is_open(login.login_id, idle - 1)
    assert not logins.is_open(login.login_id, idle)
    assert logins.refresh(login.login_id, 1, HERE, idle) is None
    number, now = 1, NOW
    while now < NOW + LIFETIME_S_MAX * SECOND_NS:
        prolonged = logins.refresh(login.login_id, number, HERE, now)
        number, now = prolonged.number, now + (IDLE_S_MAX - 1) * SECOND_NS
    assert prolonged.expires_ns == NOW + LIFETIME_S_MAX * SECOND_NS
    assert logins.refresh(login.login_id, number, HERE, now) is None


def test_the_token_before_is_good_for_half_a_minute_only(product, alice) -> None:
    logins = product.auth.logins
    login = logins.start(alice.client.get("/me").json()["id"], HERE, NOW)
    assert logins.refresh(login.login_id, 1, HERE, NOW).number == 2
    at_the_end = NOW + REPEAT_WITHIN_S * SECOND_NS
    assert logins.refresh(login.login_id, 1, HERE, at_the_end).number == 2
    with pytest.raises(ReusedTokenError):
        logins.refresh(login.login_id, 1, HERE, at_the_end + 1)
    assert not logins.is_open(login.login_id, at_the_end)


def test_the_login_that_was_unused_longest_makes_room(product, alice) -> None:
    logins = product.auth.logins
    user_id = alice.client.get("/me").json()["id"]
    ids = [logins.start(user_id, HERE, NOW + n).login_id for n in range(LOGINS_MAX + 1)]
    # The fixture's own login is of today, which is before.
    assert [logins.is_open(one, NOW) for one in (ids[0], ids[1], ids[-1])] == [False, True, True]


# --- the page's cookie ---------------------------------------------------------------------------

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def cookie_of(response: httpx.Response) -> str:
    value = response.headers["set-cookie"]
    assert value.startswith(f"{NAME}=")
    for part in ("HttpOnly", "Path=/api/v1/auth", "SameSite=strict"):
        assert part in value
    return value.partition("=")[2].partition(";")[0]


def with_cookie(cookie: str, headers: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"headers": {"Cookie": f"{NAME}={cookie}", **headers}}


def test_a_cookie_holds_the_refresh_token_of_the_page(product, alice) -> None:
    entered = log_in(product, alice.name, cookie=True)
    assert entered.json()["refresh_token"] is None
    second = refresh(product, None, **with_cookie(cookie_of(entered), OWN_PAGE))
    assert second.status_code == 200
    assert second.json()["refresh_token"] is None
    origin = {"Origin": product.url("").rstrip("/")}
    assert is_in(product, refresh(product, None, **with_cookie(cookie_of(second), origin)))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_another_sites_request_has_no_cookie_for_us(product, alice, headers) -> None:
    cookie = cookie_of(log_in(product, alice.name, cookie=True))
    assert refresh(product, None, **with_cookie(cookie, headers)).status_code == 401
    product.anyone.post("/auth/logout", **with_cookie(cookie, headers))
    assert refresh(product, None, **with_cookie(cookie, OWN_PAGE)).status_code == 200


def test_a_cookie_is_good_for_nothing_else(product, alice) -> None:
    cookie = cookie_of(log_in(product, alice.name, cookie=True))
    assert product.anyone.get("/me", **with_cookie(cookie, OWN_PAGE)).status_code == 401


def test_behind_a_proxy_with_tls_the_cookie_travels_there_only(serve) -> None:
    proxied = serve(trusted_proxies="127.0.0.1")
    name = proxied.trader().name
    headers = {"X-Forwarded-Proto": "https"}
    body = {"username": name, "password": PASSWORD, "cookie": True}
    entered = proxied.anyone.post("/auth/login", json=body, headers=headers)
    assert "; Secure" in entered.headers["set-cookie"]


@pytest.mark.parametrize("cookie", ["yes", 1, None])
def test_a_cookie_is_wanted_or_not(product, alice, cookie) -> None:
    refused = log_in(product, alice.name, cookie=cookie)
    assert (refused.status_code, refused.json()["field"]) == (422, "cookie")


# --- logging out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ["access", "refresh", "cookie"])
def test_a_logout_ends_this_login_and_no_other(product, alice, shown) -> None:
    entered = log_in(product, alice.name, cookie=shown == "cookie")
    access = {"Authorization": f"Bearer {entered.json()['access_token']}"}
    with product.stream() as stream:
        stream.send(action="auth", token=entered.json()["access_token"])
        assert stream.next()["type"] == "authenticated"
        if shown == "access":
            left = product.anyone.post("/auth/logout", headers=access)
        elif shown == "refresh":
            body = {"refresh_token": entered.json()["refresh_token"]}
            left = product.anyone.post("/auth/logout", json=body)
        else:
            left = product.anyone.post("/auth/logout", **with_cookie(cookie_of(entered), OWN_PAGE))
        assert left.status_code == 204
        assert 'papertape_login=""' in left.headers["set-cookie"]
        assert stream.closing_code == 4401
    assert not is_in(product, entered)
    assert alice.client.get("/me").status_code == 200


def test_a_logout_in_one_tab_leaves_whoever_is_logged_in_in_another(product, alice, bob) -> None:
    mine, other = log_in(product, alice.name), log_in(product, bob.name, cookie=True)
    cookie = with_cookie(cookie_of(other), OWN_PAGE)
    cookie["headers"]["Authorization"] = f"Bearer {mine.json()['access_token']}"
    left = product.anyone.post("/auth/logout", **cookie)
    assert "set-cookie" not in left.headers
    assert (is_in(product, mine), is_in(product, other)) == (False, True)


def test_who_is_not_logged_in_is_logged_out(product) -> None:
    for body in (None, {"refresh_token": "x"}):
        assert product.anyone.post("/auth/logout", json=body).status_code == 204


def test_logins_are_listed_and_ended_one_by_one(product, alice, bob) -> None:
    other = log_in(product, alice.name)
    items = alice.client.get("/me/logins").json()["items"]
    assert sorted(one["is_this_one"] for one in items) == [False, True]
    (there,) = [one["login_id"] for one in items if not one["is_this_one"]]
    assert bob.client.delete(f"/me/logins/{there}").status_code == 404
    assert alice.client.delete(f"/me/logins/{there}").status_code == 204
    assert not is_in(product, other)
    assert refresh(product, other.json()["refresh_token"]).status_code == 401
    assert alice.client.delete(f"/me/logins/{there}").status_code == 404
    assert alice.client.get("/me").status_code == 200


def test_a_logout_everywhere_ends_all_of_them_and_leaves_keys(product, alice) -> None:
    other = log_in(product, alice.name)
    bot = product.key_client(alice, ["read"])
    assert alice.client.delete("/me/logins").status_code == 204
    assert alice.client.get("/me").status_code == 401
    assert not is_in(product, other)
    assert refresh(product, other.json()["refresh_token"]).status_code == 401
    assert bot.get("/me").status_code == 200
    assert is_in(product, log_in(product, alice.name))

"""Passwords, second factors, and the log of what happened to them."""

import smtplib
from email.message import EmailMessage
from queue import SimpleQueue

import httpx
import pyotp
import pytest

from papertape.server.auth.resets import VALID_NS
from papertape.server.auth.store import DEMO_PASSWORD, Role
from papertape.server.mail import Mailer, MailServer

PASSWORD = "correct horse"
NEW = "battery staple"


def log_in(product, name: str, password: str = PASSWORD, **fields) -> httpx.Response:
    body = {"username": name, "password": password} | fields
    return product.anyone.post("/auth/login", json=body)


def reason_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["reason"]


# --- passwords -----------------------------------------------------------------------------------


def test_a_changed_password_ends_all_other_logins(product, alice) -> None:
    other = log_in(product, alice.name).json()
    changed = alice.client.post(
        "/me/password", json={"current_password": PASSWORD, "new_password": NEW}
    )
    assert changed.status_code == 200
    assert product.client(changed.json()["access_token"]).get("/me").status_code == 200
    assert alice.client.get("/me").status_code == 401
    refreshed = product.anyone.post("/auth/refresh", json={"refresh_token": other["refresh_token"]})
    assert refreshed.status_code == 401
    assert log_in(product, alice.name).status_code == 401
    assert log_in(product, alice.name, NEW).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"current_password": "wrong horse!", "new_password": NEW}, 403, "wrong_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, 422, "malformed"),
        ({"current_password": PASSWORD}, 422, "malformed"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one(
    product, alice, body, status, reason
) -> None:
    refused = alice.client.post("/me/password", json=body)
    assert reason_of(refused) == (status, reason)
    assert "horse" not in refused.text
    assert log_in(product, alice.name).status_code == 200


def test_a_token_sets_a_new_password_once(product, alice) -> None:
    token = product.auth.reset_token(alice.name)
    second = product.auth.reset_token(alice.name)
    answers = [
        product.anyone.post("/auth/password-reset", json={"token": one, "new_password": NEW})
        for one in (token, second, second)
    ]
    assert [answer.status_code for answer in answers] == [403, 204, 403]
    assert reason_of(answers[0]) == (403, "bad_token")
    assert alice.client.get("/me").status_code == 401
    assert log_in(product, alice.name, NEW).status_code == 200


def test_a_token_lasts_an_hour(product, alice) -> None:
    user_id = alice.client.get("/me").json()["id"]
    token = product.auth.resets.create(user_id, 1)
    assert product.auth.resets.user_of(token, VALID_NS) == user_id
    assert product.auth.resets.take(token, VALID_NS + 1) is None


def test_without_a_mail_server_nobody_is_promised_mail(product, alice) -> None:
    answer = product.anyone.post("/auth/password-reset/begin", json={"username": alice.name})
    assert reason_of(answer) == (503, "no_mail")


class Outbox(Mailer):
    """Keeps what would be sent; the connection to a server is what is replaced."""

    def __init__(self) -> None:
        super().__init__(MailServer("127.0.0.1", 25, "papertape@host.example"), "https://p.example")
        self.sent: SimpleQueue[EmailMessage] = SimpleQueue()

    def _connect(self) -> smtplib.SMTP:
        outbox = self

        class Connection:
            def __enter__(self):
                return self

            def __exit__(self, *_: object) -> None:
                return None

            def send_message(self, message: EmailMessage) -> None:
                outbox.sent.put(message)

        return Connection()


def test_mail_brings_the_token_and_tells_nobody_who_exists(serve) -> None:
    outbox = Outbox()
    product = serve(mailer=outbox)
    alice, bob = product.trader("alice"), product.trader("bob")
    alice.client.patch("/me", json={"email": "alice@host.example"})
    answers = [
        product.anyone.post("/auth/password-reset/begin", json={"username": name})
        for name in ("nobody", "bob", "ALICE")
    ]
    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 3
    mail = outbox.sent.get(timeout=5)
    assert (mail["To"], mail["From"]) == ("alice@host.example", "papertape@host.example")
    (token,) = [line.strip() for line in mail.get_content().splitlines() if line[:4] == "    "]
    body = {"token": token, "new_password": NEW}
    assert product.anyone.post("/auth/password-reset", json=body).status_code == 204
    assert log_in(product, "alice", NEW).status_code == 200
    assert bob.client.get("/me").status_code == 200
    assert outbox.sent.empty(), "bob has no address"


# --- the second factor ---------------------------------------------------------------------------


def switch_on(trader) -> tuple[pyotp.TOTP, list[str], str]:
    """The app, the recovery codes, and the code that was used."""
    begun = trader.client.post("/me/two-factor", json={"password": PASSWORD})
    assert begun.status_code == 200, begun.text
    assert pyotp.parse_uri(begun.json()["uri"]).secret == begun.json()["secret"]
    app = pyotp.TOTP(begun.json()["secret"])
    code = app.now()
    confirmed = trader.client.post("/me/two-factor/confirm", json={"code": code})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"], code


def test_a_login_takes_a_code_once_the_second_factor_is_on(product, alice) -> None:
    off = {"enabled": False, "recovery_codes_left": 0}
    assert alice.client.get("/me/two-factor").json() == off
    app, codes, used = switch_on(alice)
    assert alice.client.get("/me/two-factor").json() == {"enabled": True, "recovery_codes_left": 10}
    assert len(set(codes)) == 10
    assert reason_of(log_in(product, alice.name)) == (401, "code_needed")
    assert reason_of(log_in(product, alice.name, "wrong horse!", code=codes[0])) == (
        401,
        "wrong_login",
    )
    assert reason_of(log_in(product, alice.name, code="000000x")) == (401, "wrong_code")
    assert reason_of(log_in(product, alice.name, code=used)) == (401, "wrong_code"), "used before"
    step = product.auth.two_factor
    user_id = alice.client.get("/me").json()["id"]
    later = 4_000_000_000
    code = app.at(later)
    assert [step.check(user_id, code, later) for _ in range(2)] == [True, False]
    assert step.check(user_id, app.at(later - 30), later) is False, "older than a used one"
    assert step.check(user_id, app.at(later + 30), later) is True, "a clock that is fast"
    assert step.check(user_id, app.at(later + 90), later) is False


def test_a_recovery_code_is_good_once(product, alice) -> None:
    _, codes, _ = switch_on(alice)
    assert log_in(product, alice.name, code=codes[3].upper()).status_code == 200
    assert reason_of(log_in(product, alice.name, code=codes[3])) == (401, "wrong_code")
    assert alice.client.get("/me/two-factor").json()["recovery_codes_left"] == 9
    proof = {"password": PASSWORD, "code": codes[4]}
    fresh = alice.client.post("/me/two-factor/recovery-codes", json=proof)
    assert len(fresh.json()["recovery_codes"]) == 10
    assert reason_of(log_in(product, alice.name, code=codes[5])) == (401, "wrong_code")
    assert log_in(product, alice.name, code=fresh.json()["recovery_codes"][0]).status_code == 200


def test_what_changes_the_login_takes_both_factors(product, alice) -> None:
    _, codes, _ = switch_on(alice)
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert reason_of(alice.client.post("/me/password", json=change)) == (403, "code_needed")
    for path in ("/me/two-factor", "/me/two-factor/off", "/me/two-factor/recovery-codes"):
        refused = alice.client.post(path, json={"password": PASSWORD})
        assert reason_of(refused) == (403, "code_needed")
        refused = alice.client.post(path, json={"password": "wrong horse!", "code": codes[0]})
        assert reason_of(refused) == (403, "wrong_password")
    again = alice.client.post("/me/two-factor", json={"password": PASSWORD, "code": codes[0]})
    assert reason_of(again) == (409, "two_factor_on")
    off = alice.client.post("/me/two-factor/off", json={"password": PASSWORD, "code": codes[1]})
    assert off.status_code == 204
    assert log_in(product, alice.name).status_code == 200
    refused = alice.client.post("/me/two-factor/off", json={"password": PASSWORD})
    assert reason_of(refused) == (409, "two_factor_off")


def test_a_secret_that_was_not_confirmed_shuts_nobody_out(product, alice) -> None:
    for _ in range(2):
        begun = alice.client.post("/me/two-factor", json={"password": PASSWORD})
        assert begun.status_code == 200
    wrong = alice.client.post("/me/two-factor/confirm", json={"code": "000000x"})
    assert reason_of(wrong) == (403, "wrong_code")
    assert log_in(product, alice.name).status_code == 200


def test_the_operator_lets_somebody_in_who_lost_everything(product, alice) -> None:
    switch_on(alice)
    assert product.auth.end_two_factor(alice.name) is True
    assert product.auth.end_two_factor(alice.name) is False
    assert log_in(product, alice.name).status_code == 200


def test_proofs_are_limited_like_logins(serve) -> None:
    product = serve(attempts_per_minute=3)
    trader = product.trader()
    body = {"password": "wrong horse!"}
    answers = [trader.client.post("/me/two-factor", json=body).status_code for _ in range(4)]
    assert answers == [403, 403, 403, 429]


def test_the_demo_user_is_everybodys_and_stays_as_it_is(serve) -> None:
    product = serve(demo_login=("demo", DEMO_PASSWORD))
    product.auth.ensure_demo()
    demo = product.login("demo", DEMO_PASSWORD)
    change = {"current_password": DEMO_PASSWORD, "new_password": NEW}
    assert reason_of(demo.client.post("/me/password", json=change)) == (409, "public_user")
    begun = demo.client.post("/me/two-factor", json={"password": DEMO_PASSWORD})
    assert reason_of(begun) == (409, "public_user")
    left = demo.client.request("DELETE", "/me", json={"password": DEMO_PASSWORD})
    assert reason_of(left) == (409, "cannot_leave")


# --- the log -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(product):
    product.auth.create_user("keeper", PASSWORD, role=Role.ADMIN)
    return product.login("keeper")


def test_an_admin_reads_what_happened_to_whom(product, root) -> None:
    alice = product.trader()
    user_id = alice.client.get("/me").json()["id"]
    log_in(product, alice.name, "wrong horse!")
    key = product.key(alice, ["read"])["key_id"]
    alice.client.delete(f"/keys/{key}")
    alice.client.post("/me/consents", json={"version": 1})
    alice.client.delete("/me/logins")
    page = root.client.get("/security-events", params={"user_id": user_id, "limit": 3}).json()
    rest = root.client.get(
        "/security-events", params={"user_id": user_id, "cursor": page["next_cursor"]}
    ).json()
    events = [*page["items"], *rest["items"]]
    assert [one["event"] for one in reversed(events)] == [
        "registered",
        "logged_in",
        "login_refused",
        "key_created",
        "key_revoked",
        "notice_accepted",
        "logged_out_everywhere",
    ]
    assert rest["next_cursor"] is None
    assert {one["address"] for one in events} == {"127.0.0.1"}
    assert events[2]["subject"] == key
    filtered = root.client.get(
        "/security-events", params={"user_id": user_id, "event": "key_revoked"}
    )
    assert [one["event"] for one in filtered.json()["items"]] == ["key_revoked"]


def test_a_name_that_nobody_has_is_not_written_down(product, root) -> None:
    log_in(product, "my-password-by-mistake")
    newest = root.client.get("/security-events", params={"limit": 1})
    (event,) = newest.json()["items"]
    assert (event["event"], event["user_id"]) == ("login_refused", None)
    assert "mistake" not in newest.text


def test_only_an_admin_reads_the_log(product, alice) -> None:
    assert reason_of(alice.client.get("/security-events")) == (403, "not_permitted")

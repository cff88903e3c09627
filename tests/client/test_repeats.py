"""What is sent again, and what never is: a table of answers against a scripted connection."""

import json
from typing import Any

import httpx
import pytest

from papertape.client import (
    AsyncClient,
    Client,
    NotAcceptedError,
    NotAuthenticatedError,
    OutcomeUnknownError,
    PapertapeError,
    ServerFaultError,
    TooManyRequestsError,
    UnreachableError,
)

ORDER = {
    "id": "6e340b9c-ffb3-8001-8000-000000000001",
    "account_id": "a",
    "client_order_id": "c",
    "symbol": "AAPL",
    "side": "buy",
    "type": "market",
    "time_in_force": "day",
    "qty": "1",
    "filled_qty": "0",
    "filled_avg_price": None,
    "limit_price": None,
    "stop_price": None,
    "status": "new",
    "reason": None,
    "created_at": "2026-11-20T10:46:00.000000000Z",
    "updated_at": "2026-11-20T10:46:00.000000000Z",
    "as_of_seq": 1,
    "something_new": {"of": "a newer server"},
}
USER = {
    "id": "u",
    "username": "alice",
    "email": None,
    "role": "user",
    "created_at": "2026-11-20T10:46:00Z",
}

Answer = httpx.Response | Exception


class Script:
    """Answers one request after the other, and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def is_over(self) -> bool:
        return not self._answers


def ok(body: Any = ORDER) -> httpx.Response:
    return httpx.Response(200, json=body)


def problem(status: int, reason: str, after: str | None = "0") -> httpx.Response:
    headers = {} if after is None else {"Retry-After": after}
    body = {"status": status, "reason": reason, "detail": "as it says"}
    return httpx.Response(status, json=body, headers=headers)


def buying(client: Client) -> Any:
    return client.orders.buy("AAPL", 1)


def registering(client: Client) -> Any:
    return client.users.register("alice", "correct horse")


def asking(client: Client) -> Any:
    return client.orders.get("6e34")


CONNECT = httpx.ConnectError("refused")
BROKEN = httpx.RemoteProtocolError("broke off")
SLOW = httpx.ReadTimeout("too slow")

TABLE = [
    # what is called, the answers, what comes of it
    (buying, [problem(503, "not_accepted"), ok()], "done"),
    (buying, [problem(503, "not_accepted", None), ok()], "done"),
    (buying, [problem(429, "too_many_requests"), problem(429, "too_many"), ok()], "done"),
    (buying, [problem(503, "outcome_unknown"), ok()], "done"),
    (buying, [CONNECT, ok()], "done"),
    (buying, [BROKEN, SLOW, ok()], "done"),
    (buying, [problem(500, "internal_error")], ServerFaultError),
    (buying, [problem(503, "not_accepted", "100")], NotAcceptedError),
    (buying, [problem(429, "too_many_requests", "100")], TooManyRequestsError),
    (asking, [BROKEN, problem(503, "outcome_unknown"), ok()], "done"),
    (registering, [problem(503, "busy"), ok(USER)], "done"),
    (registering, [CONNECT, ok(USER)], "done"),
    (registering, [problem(503, "outcome_unknown")], OutcomeUnknownError),
    (registering, [BROKEN], UnreachableError),
    (registering, [SLOW], UnreachableError),
    (registering, [problem(429, "too_many_attempts", "1")], TooManyRequestsError),
    (asking, [httpx.Response(502, text="<html>a proxy</html>")], PapertapeError),
]


@pytest.mark.parametrize(("call", "answers", "outcome"), TABLE)
def test_only_what_can_do_no_harm_is_sent_again(call, answers, outcome):
    script = Script(*answers)
    with client_of(script) as client:
        if outcome == "done":
            assert call(client) is not None
        else:
            with pytest.raises(outcome):
                call(client)
    assert script.is_over, "it was not sent often enough"


async def test_both_clients_repeat_alike():
    script = Script(problem(503, "not_accepted"), BROKEN, ok())
    async with AsyncClient(
        "http://test", token="t", account_id="a", transport=httpx.MockTransport(script)
    ) as client:
        assert (await client.orders.buy("AAPL", 1)).symbol == "AAPL"
    assert script.is_over


def test_a_repeated_order_has_the_same_id_each_time():
    script = Script(problem(503, "outcome_unknown"), BROKEN, ok())
    with client_of(script) as client:
        buying(client)
    bodies = [json.loads(request.content) for request in script.requests]
    assert len({body["client_order_id"] for body in bodies}) == 1
    assert bodies[0]["account_id"] == "a"


def test_patience_ends():
    script = Script(*(problem(503, "not_accepted", "1") for _ in range(3)))
    with client_of(script, patience_s=0.5) as client, pytest.raises(NotAcceptedError) as error:
        buying(client)
    assert error.value.retry_after_s == 1
    assert len(script.requests) == 1


def test_a_login_that_ran_out_is_renewed_once():
    renewed = {
        "access_token": "t2",
        "token_type": "bearer",
        "expires_in": 60,
        "refresh_token": "r2",
    }
    script = Script(
        ok(renewed | {"access_token": "t1", "refresh_token": "r1"}),
        problem(401, "not_authenticated", None),
        ok(renewed),
        ok(USER),
        problem(401, "not_authenticated", None),
        problem(401, "not_authenticated", None),
    )
    with Client.login(
        "http://test", "alice", "secret", transport=httpx.MockTransport(script)
    ) as client:
        assert client.users.me().username == "alice"
        with pytest.raises(NotAuthenticatedError):
            client.users.me()
    shown = [request.headers.get("authorization") for request in script.requests]
    assert shown == [None, "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2", "Bearer t2"]
    assert json.loads(script.requests[2].content) == {"refresh_token": "r1"}


def client_of(script: Script, **options: Any) -> Client:
    return Client(
        "http://test",
        token="t",
        account_id="a",
        transport=httpx.MockTransport(script),
        **{"patience_s": 2.0} | options,
    )

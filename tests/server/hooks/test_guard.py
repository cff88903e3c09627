"""Deliveries go out into the internet, and nowhere else; signatures as the specification says."""

import ipaddress

import httpx
import pytest

from papertape.server.hooks import guard
from papertape.server.hooks.guard import (
    ForbiddenTargetError,
    GuardedTransport,
    check_url,
    is_public,
)
from papertape.server.hooks.sender import DISABLE_AFTER_S, WAITS_S, Outcome, next_of
from papertape.server.hooks.signing import headers, new_secret
from papertape.server.hooks.store import Delivery, Endpoint
from papertape.storage.news import Spot

INSIDE = [
    *("127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1"),
    *("2002:7f00:1::1", "64:ff9b::7f00:1", "2001:0:1::1"),
]
OUTSIDE = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_told_from(address) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_those_of_the_internet(address) -> None:
    assert is_public(ipaddress.ip_address(address))


BAD_URLS = [
    "http://example.com/",
    "ftp://example.com/",
    "https://",
    "https:///path",
    "https://user@example.com/",
    "https://example.com/#part",
    "https://example.com:99999/",
    "https://example.com:0/",
    "https://exa mple.com/",
    "https://example.com/\r\nX-Evil: 1",
    "https://ex\u00e4mple.com/",
    "https://" + "x" * 1_000 + ".com/",
    "https://localhost/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "javascript:alert(1)",
    "",
]


@pytest.mark.parametrize("url", BAD_URLS, ids=lambda url: url[:40])
def test_an_address_that_no_endpoint_can_have_is_refused(url) -> None:
    with pytest.raises(ValueError, match=r"give|no address"):
        check_url(url, allow_private=False)


def test_inside_is_allowed_where_a_setting_says_so() -> None:
    check_url("http://127.0.0.1:9000/x", allow_private=True)
    check_url("https://example.com:8443/x?y=1", allow_private=False)
    with pytest.raises(ValueError, match="give"):
        check_url("ftp://127.0.0.1/", allow_private=True)


class Seen(httpx.AsyncBaseTransport):
    """Where a request was sent."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(204)


def resolve(monkeypatch, *addresses: str) -> None:
    async def look_up(_host: str, _port: int):
        return [ipaddress.ip_address(one) for one in addresses]

    monkeypatch.setattr(guard, "_look_up", look_up)


async def test_a_name_that_leads_inside_is_refused_when_it_is_called(monkeypatch) -> None:
    for addresses in (["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:169.254.169.254"]):
        resolve(monkeypatch, *addresses)
        seen = Seen()
        async with httpx.AsyncClient(
            transport=GuardedTransport(seen, allow_private=False)
        ) as client:
            with pytest.raises(ForbiddenTargetError):
                await client.post("https://rebinding.example/")
        assert seen.requests == []


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch) -> None:
    resolve(monkeypatch, "1.1.1.1")
    seen = Seen()
    async with httpx.AsyncClient(transport=GuardedTransport(seen, allow_private=False)) as client:
        await client.post("https://example.com/x?y=1", content=b"body")
    (request,) = seen.requests
    assert str(request.url) == "https://1.1.1.1/x?y=1"
    assert request.headers["host"] == "example.com"
    assert request.extensions["sni_hostname"] == "example.com"


async def test_a_real_name_of_this_machine_is_looked_up_and_refused() -> None:
    transport = GuardedTransport(Seen(), allow_private=False)
    with pytest.raises((ForbiddenTargetError, httpx.ConnectError)):
        await transport.handle_async_request(httpx.Request("POST", "https://localhost/"))


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the reference libraries of Standard Webhooks."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    told = headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    both = headers([secret, new_secret()], "msg_x", 1, body)["webhook-signature"].split()
    assert len(set(both)) == 2


SECOND = 1_000_000_000
NOW = 10**18


def endpoint(failing_s: float | None = None) -> Endpoint:
    since = None if failing_s is None else NOW - int(failing_s * SECOND)
    return Endpoint("e", "u", "https://x", "", (), None, True, None, since, Spot(0, 0), 0)


def delivery(tries: int = 0) -> Delivery:
    return Delivery("msg_1", "e", "fill", "{}", "pending", tries, [], NOW, 0)


FAILED = Outcome(False, 500, "answered 500", 0.1)
NEXT = [
    (0, None, Outcome(True, 200, None, 0.1), ("delivered", None)),
    (0, None, FAILED, ("pending", None)),
    (9, None, FAILED, ("pending", None)),
    (10, None, FAILED, ("failed", None)),
    (0, None, Outcome(False, 410, "answered 410", 0.1), ("failed", "gone")),
    (3, DISABLE_AFTER_S - 1, FAILED, ("pending", None)),
    (3, DISABLE_AFTER_S, FAILED, ("pending", "failing")),
    (10, DISABLE_AFTER_S, FAILED, ("failed", "failing")),
]


@pytest.mark.parametrize(("tries", "failing_s", "outcome", "wanted"), NEXT)
def test_what_follows_an_attempt(tries, failing_s, outcome, wanted) -> None:
    then = next_of(endpoint(failing_s), delivery(tries), outcome, NOW)
    assert (then.status, then.disable) == wanted


def test_waits_grow_and_the_other_side_may_ask_for_longer_ones() -> None:
    waits = [
        (next_of(endpoint(), delivery(tries), FAILED, NOW).next_ns - NOW) / SECOND
        for tries in range(len(WAITS_S))
    ]
    for wait, least in zip(waits, WAITS_S, strict=True):
        assert least <= wait <= 1.2 * least
    asked = Outcome(False, 429, "answered 429", 0.1, retry_after_s=77.0)
    assert next_of(endpoint(), delivery(), asked, NOW).next_ns == NOW + 77 * SECOND

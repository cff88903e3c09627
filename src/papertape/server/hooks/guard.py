"""Keeps deliveries out of the networks that this server can reach and a user cannot.

A name is looked up here and the connection goes to that very address, so no second answer of a
name server can lead elsewhere. TLS still checks the name.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_LENGTH_MAX = 1_000
_PORTS = {"http": 80, "https": 443}
_WITH_IPV4_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48", "::/96")
)
"""Addresses that carry another one, which a gateway may unpack."""


class ForbiddenTargetError(Exception):
    """The address is not one that deliveries go to."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet at large."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _WITH_IPV4_INSIDE):
            return False
    return address.is_global and not address.is_multicast


def check_url(url: str, *, allow_private: bool) -> None:
    """ValueError for an address that no endpoint can have; names are looked up when sending."""
    if len(url) > URL_LENGTH_MAX or not url.isascii() or any(ord(one) <= 32 for one in url):
        raise ValueError(f"give an address of at most {URL_LENGTH_MAX} ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"this is no address: {error}") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise ValueError("give an https:// address")
    if not parts.hostname or parts.username is not None or parts.fragment or port == 0:
        raise ValueError("give an address with a host, without a user and a fragment")
    literal = _literal(parts.hostname)
    inside = literal is not None and not is_public(literal)
    if not allow_private and (inside or parts.hostname.rstrip(".") == "localhost"):
        raise ValueError("the address lies inside this network; give a public one")


class GuardedTransport(httpx.AsyncBaseTransport):
    """Looks a name up, refuses what lies inside, connects to what was looked up."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *, allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises `ForbiddenTargetError` besides what httpx raises."""
        url = request.url
        address = await self._address(url.host, url.port or _PORTS[url.scheme])
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _address(self, host: str, port: int) -> Address:
        addresses = await _look_up(host, port)
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise ForbiddenTargetError(f"{host} leads to {address}, inside this network")
        return addresses[0]


async def _look_up(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{host} is not found: {error}") from error
    # An address of a link has its interface behind a percent sign.
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses:
        raise httpx.ConnectError(f"{host} is not found")
    return addresses


def _literal(host: str) -> Address | None:
    """The address that a host is, in any notation that a resolver would take for one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None

"""Receivers that mean harm: an attempt ends in time, takes no memory and goes nowhere else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from papertape.server.hooks import sender as sender_module
from papertape.server.hooks.sender import Outcome, Sender
from server.hooks.test_guard import delivery, endpoint

Answer = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
WITHIN_S = 0.6


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    """A server that answers every request so; gives its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A header that never ends, a letter at a time, each within any limit on reading."""
    writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(WITHIN_S / 6)


async def never(writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.sleep(60)


async def headers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"a" * 8_000 + b"\r\n")
        await writer.drain()


async def body_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
        await writer.drain()


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff SSH-2.0 \r\n\r\n")


def inward(writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
    async def redirect() -> None:
        writer.write(
            b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\n"
            b"content-length: 0\r\n\r\n"
        )

    return redirect()


HOSTILE: list[tuple[Answer, bool, str]] = [
    (drip, False, "no answer within"),
    (never, False, "Timeout"),
    (headers_without_end, False, "ProtocolError"),
    (body_without_end, True, ""),  # the status is all that counts; the body is left unread
    (nonsense, False, "ProtocolError"),
    (inward, False, "redirects are not followed"),
]


@pytest.mark.parametrize(("answer", "arrives", "error"), HOSTILE, ids=lambda it: str(it)[:22])
async def test_an_attempt_ends_in_time_whatever_the_other_side_does(
    monkeypatch, answer, arrives, error
) -> None:
    monkeypatch.setattr(sender_module, "WITHIN_S", WITHIN_S)
    sender = Sender(allow_private=True)
    async with listening(answer) as url:
        started = time.monotonic()
        outcome: Outcome = await asyncio.wait_for(
            sender.send(replace(endpoint(), url=url), ["whsec_c2VjcmV0"], delivery()), 20
        )
        took_s = time.monotonic() - started
        await sender.close()
    assert outcome.is_delivered is arrives
    assert error in (outcome.error or "")
    assert took_s < 10

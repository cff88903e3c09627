"""Streams of a whole server, on lines that are cut."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from papertape.client import (
    AsyncClient,
    Client,
    NotAuthenticatedError,
    RefusedError,
    UnreachableError,
)
from papertape.client.replies.accounts import Account, Fill, Position
from papertape.client.replies.market import Book, Print, Quote
from papertape.client.replies.orders import Order


class Line:
    """A TCP line to a port that can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=_carry, args=(one, other)))
                    self._threads[-1].start()

    def cut(self) -> None:
        """Break what is connected now."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(product) -> Iterator[Line]:
    line = Line(product.port)
    yield line
    line.close()


@pytest.fixture
def on_the_line(line, client) -> Iterator[Client]:
    """The client's login, on the line that is cut."""
    url, token = f"http://127.0.0.1:{line.port}", client.talk.credentials.token
    with Client(url, token=token) as on_the_line:
        yield on_the_line


def test_news_are_typed_by_their_channel(product, client, stock):
    channels = [f"quotes:{stock}", f"book:{stock}", f"trades:{stock}", f"bars:{stock}:1m"]
    private = ["orders", "fills", "account", "positions"]
    with client.stream(*private, *channels) as stream:
        news = iter(stream)
        states = {message.channel: message for message in (next(news) for _ in range(8))}
        assert all(message.is_state for message in states.values())
        assert isinstance(states["account"].data, Account)
        assert isinstance(states[channels[0]].data, Quote)
        assert isinstance(states[channels[1]].data, Book)
        assert states["orders"].data == states[channels[3]].data == []
        order = client.orders.buy(stock, 10)
        seen = {}
        while len(seen) < 5:
            message = next(news)
            seen[message.channel] = message.data
            if message.channel in {f"quotes:{stock}", f"book:{stock}", f"bars:{stock}:1m"}:
                del seen[message.channel]
        assert isinstance(seen["orders"], Order)
        assert seen["orders"].id == order.id
        assert isinstance(seen["fills"], Fill)
        assert isinstance(seen["positions"], Position)
        assert isinstance(seen[f"trades:{stock}"], Print)


def test_nothing_is_lost_and_nothing_comes_twice_over_cut_lines(line, on_the_line, client, stock):
    with on_the_line.stream("orders") as stream:
        news = iter(stream)
        assert next(news).data == []
        sent, seen = [], []
        for turn in range(4):
            sent += [client.orders.buy(stock, 1, limit_price="9").id for _ in range(3)]
            seen += [next(news).data.id for _ in range(2)]
            line.cut()
            sent.append(client.orders.buy(stock, 1, limit_price="9").id)
            seen += [next(news).data.id for _ in range(2)]
            assert len(seen) == 4 * (turn + 1)
        assert seen == sent


def test_what_the_floor_lost_comes_as_the_state_anew(product, client, stock):
    with client.stream("orders") as stream:
        news = iter(stream)
        next(news)
        product.lose_messages()
        assert next(news).type == "resync"


def test_channels_are_added_and_taken_away_while_it_runs(client, product, stock):
    with client.stream("orders") as stream:
        news = iter(stream)
        next(news)
        stream.subscribe(f"quotes:{stock}")
        assert next(news).channel == f"quotes:{stock}"
        stream.unsubscribe("orders")
        client.orders.buy(stock, 1, limit_price="9")
        product.quote(stock, "9.98", "10.02")
        assert next(news).data.bid == Decimal("9.98")


def test_a_stream_ends_when_another_thread_closes_it(client):
    stream = client.stream("orders")
    news = iter(stream)
    next(news)
    closing = threading.Thread(target=stream.close)
    closing.start()
    assert list(news) == []
    closing.join()


def test_bad_channels_and_credentials_are_raised(product, client):
    with pytest.raises(RefusedError, match="unknown_channel"):
        next(iter(client.stream("gossip")))
    with (
        Client(product.url(""), token="none") as stranger,
        pytest.raises(NotAuthenticatedError),
    ):
        next(iter(stranger.stream("orders")))
    with (
        Client("http://127.0.0.1:1", token="t", patience_s=0) as nowhere,
        pytest.raises(UnreachableError),
    ):
        next(iter(nowhere.stream("orders")))


async def test_an_event_loop_hears_the_same(line, async_client: AsyncClient, stock):
    url, token = f"http://127.0.0.1:{line.port}", async_client.talk.credentials.token
    async with AsyncClient(url, token=token) as on_the_line, on_the_line.stream("orders") as stream:
        news = aiter(stream)
        assert (await anext(news)).data == []
        sent, seen = [], []
        for _ in range(2):
            sent.append((await async_client.orders.buy(stock, 1, limit_price="9")).id)
            seen.append((await anext(news)).data.id)
            line.cut()
            sent.append((await async_client.orders.buy(stock, 1, limit_price="9")).id)
            seen.append((await anext(news)).data.id)
        assert seen == sent
        await stream.subscribe(f"quotes:{stock}")
        assert (await anext(news)).channel == f"quotes:{stock}"
        await news.aclose()
    with pytest.raises(NotAuthenticatedError):
        async with AsyncClient(url, token="none") as stranger:
            await anext(aiter(stranger.stream("orders")))

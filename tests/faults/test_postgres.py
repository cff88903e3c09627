"""PostgreSQL goes away, is cut off, or is given to another floor: nothing told is lost."""

import asyncio
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from faults.cutting_wire import BEGIN, COMMIT, CuttingWire
from faults.product import Product
from faults.product import verify as verify_product
from faults.traders import Trader
from floor.floor_process import floor_process, wait_ready
from floor.small_exchange import SmallExchange, buy, open_account
from papertape.floor.process import EXIT_FINAL
from papertape.floor.verify import verify
from papertape.storage.place import PostgresSchema
from postgres_server import PostgresServer, reason_to_skip, schema

SEED = 20261127
ROUNDS = 5  # each blow once
TRADERS = 4
LOAD_SECONDS = (0.1, 0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own, since it is stopped and killed here."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    made = PostgresServer()
    try:
        made.start()
        yield made
    finally:
        made.remove()


# --- a connection that is cut ---------------------------------------------------------------------


@pytest.fixture
def wire(server: PostgresServer) -> Iterator[CuttingWire]:
    made = CuttingWire(server.folder)
    yield made
    made.close()


@pytest.fixture
def place(server: PostgresServer, wire: CuttingWire) -> PostgresSchema:
    """A new database behind the wire."""
    database = server.new_database().split("/")[3].split("?")[0]
    return schema(server.url(database, wire.folder))


@pytest.fixture
def exchange(place: PostgresSchema, tmp_path: Path) -> Iterator[SmallExchange]:
    made = SmallExchange(tmp_path, place=place)
    made.ask(open_account())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("how", "then"), [("before", "created"), ("after", "existing"), ("stuck", "created")]
)
def test_a_commit_that_is_cut_off_is_unknown_and_its_repeat_tells_the_truth_once(
    exchange: SmallExchange,
    wire: CuttingWire,
    place: PostgresSchema,
    tmp_path: Path,
    how: str,
    then: str,
) -> None:
    wire.cut(COMMIT, how)
    outcome, body = exchange.ask_one(buy("a"))
    assert (outcome, body["reason"], wire.was_cut) == ("outcome_unknown", "outcome_unknown", True)
    assert exchange.ask_one(buy("a"))[0] == then
    assert exchange.ask_one(buy("a"))[0] == "existing"
    assert exchange.seqs() == list(range(1, exchange.status()["seq"] + 1))
    assert exchange.storage.order_count("main", exchange_account(exchange), 10) == 1
    assert exchange.status()["unknown_commits"] == 1
    exchange.loop.end()
    exchange.close()
    assert verify(tmp_path, place) == []


def exchange_account(exchange: SmallExchange) -> str:
    """The account that `buy` buys for."""
    ((_, body),) = exchange.ask(buy("a"))
    return str(body["account_id"])


def test_what_is_cut_off_before_it_was_written_is_surely_not_there(
    exchange: SmallExchange, wire: CuttingWire
) -> None:
    for name in ("a", "b"):
        wire.cut(BEGIN, "before")
        assert exchange.ask_one(buy(name))[0] == "not_accepted"
        assert exchange.ask_one(buy(name))[0] == "created"
    assert exchange.status()["failed_commits"] == 2
    assert exchange.status()["unknown_commits"] == 0


def test_while_the_server_is_stopped_all_is_refused_and_then_goes_on_by_itself(
    exchange: SmallExchange, server: PostgresServer
) -> None:
    exchange.ask(buy("a"))
    server.stop()
    assert [exchange.ask_one(buy("b"))[0] for _ in range(5)] == ["not_accepted"] * 5
    assert exchange.status()["writing"] is False
    server.start()
    exchange.clock.pass_seconds(3)  # the longest rest between two tries
    assert exchange.ask_one(buy("b"))[0] == "created"
    assert exchange.ask_one(buy("a"))[0] == "existing"


# --- two writers ----------------------------------------------------------------------------------


def test_a_sleeping_floor_is_in_the_way_until_its_connection_ends_and_then_it_is_fenced(
    server: PostgresServer, tmp_path: Path
) -> None:
    url = server.new_database()
    first = floor_process(tmp_path / "first", url)
    try:
        wait_ready(first)
        first.send_signal(signal.SIGSTOP)
        refused = floor_process(tmp_path / "second", url)
        _, errors = refused.communicate(timeout=60)
        assert refused.returncode == EXIT_FINAL
        assert "world 'main' on schema exchange of" in errors
        assert "in use by another process: stop it first" in errors
        end_connections(server, url)
        second = floor_process(tmp_path / "second", url)
        wait_ready(second)
        first.send_signal(signal.SIGCONT)
        _, errors = first.communicate(timeout=60)
        assert first.returncode == EXIT_FINAL
        assert "another writer took over" in errors
        second.terminate()
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 0, errors
    finally:
        end_all(first)
    assert verify(tmp_path / "second", schema(url)) == []
    assert heads(server, url) == [["main", 2]]


def end_connections(server: PostgresServer, url: str) -> None:
    """What a lease that runs out, or an operator, does to a floor that does not answer."""
    server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE application_name = 'papertape floor' AND datname = '{database_of(url)}'"
    )


def heads(server: PostgresServer, url: str) -> list[list[object]]:
    return server.run("SELECT world, epoch FROM exchange.world_head", database_of(url))


def database_of(url: str) -> str:
    return url.split("/")[3].split("?", maxsplit=1)[0]


def end_all(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


# --- a whole product under load -------------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_nothing_told_is_lost_or_doubled_whoever_is_killed(
    server: PostgresServer, tmp_path: Path, fault_rounds: int | None
) -> None:
    rounds = fault_rounds or ROUNDS
    draw = random.Random(SEED)
    url = server.new_database()
    product = Product(tmp_path / "data", url)
    product.start()
    traders = [Trader(f"trader{number}") for number in range(TRADERS)]
    blows = (
        lambda: product.kill_child("floor"),
        lambda: server.stop(signal.SIGQUIT),
        lambda: end_connections(server, url),
        lambda: server.stop(signal.SIGKILL),
        lambda: product.kill_child("server"),
    )
    try:
        async with httpx.AsyncClient(base_url=product.url, timeout=30) as client:
            await asyncio.gather(*[trader.join(client) for trader in traders])
            for number in range(rounds):
                await load_and_strike(product, server, traders, draw, blows[number % len(blows)])
            await asyncio.gather(*[trader.learn(client, draw) for trader in traders])
            counts = await asyncio.gather(*[trader.check(client) for trader in traders])
    finally:
        code = product.stop()
    assert code == 0, product.log()[-3_000:]
    assert sum(counts) > 3 * rounds
    verified = verify_product(product.data_dir, url)
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout


async def load_and_strike(
    product: Product,
    server: PostgresServer,
    traders: list[Trader],
    draw: random.Random,
    blow: object,
) -> None:
    """Load for a random moment, strike, bring back what is gone, let all learn the truth."""
    async with httpx.AsyncClient(base_url=product.url, timeout=30) as client:
        await asyncio.gather(*[trader.stay_logged_in(client) for trader in traders])
        struck = asyncio.Event()
        working = [asyncio.create_task(trader.trade(client, draw, struck)) for trader in traders]
        await asyncio.sleep(draw.uniform(*LOAD_SECONDS))
        await asyncio.to_thread(blow)  # type: ignore[arg-type]
        await asyncio.sleep(draw.uniform(0.0, 0.3))
        if not server.is_running:
            await asyncio.to_thread(server.start)
        struck.set()
        await asyncio.gather(*working)
    async with httpx.AsyncClient(base_url=product.url, timeout=30) as client:
        await asyncio.gather(*[trader.learn(client, draw) for trader in traders])

"""Every scenario table, played through REST (the Rust runner plays the same files)."""

import asyncio
import gc
import weakref

import pytest

from papertape.floor.verify import verify
from papertape.storage.sqlite import connection
from postgres_server import PostgresServer
from scenarios.language import Scenario, scenarios
from scenarios.stage import Stage

ON_POSTGRES_TOO = {"restarts"}


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch):
    """Waits for no disk: nothing here is about a loss of power (tests/faults is)."""
    kept = [pragma for pragma in connection.PRAGMAS if not pragma.startswith("synchronous")]
    monkeypatch.setattr(connection, "PRAGMAS", (*kept, "synchronous = OFF"))


@pytest.mark.parametrize("scenario", scenarios(), ids=str)
async def test_the_table_holds_through_rest(scenario: Scenario, tmp_path):
    async with Stage(tmp_path) as stage:
        await play(stage, scenario)
    assert verify(tmp_path) == []


@pytest.mark.parametrize(
    "scenario", [one for one in scenarios() if one.file in ON_POSTGRES_TOO], ids=str
)
async def test_the_table_holds_on_postgresql_too(
    scenario: Scenario, tmp_path, postgres: PostgresServer
):
    async with Stage(tmp_path, postgres.new_schema) as stage:
        await play(stage, scenario)
    assert await asyncio.to_thread(verify, tmp_path, stage.place) == []


async def test_a_stage_that_ended_is_let_go(tmp_path):
    async def played() -> weakref.ref[Stage]:
        async with Stage(tmp_path) as stage:
            await play(stage, scenarios()[0])
        return weakref.ref(stage)

    ended = await played()
    gc.collect()
    assert ended() is None, "its application, its threads and its floor stay for the whole run"


async def play(stage: Stage, scenario: Scenario) -> None:
    for statement in scenario.statements:
        try:
            await stage.play(statement)
        except AssertionError as error:
            said = " ".join(statement.words)
            pytest.fail(f"{scenario.file}.txt:{statement.line}: {said}\n{error}")
    assert stage.unbalanced() == {}

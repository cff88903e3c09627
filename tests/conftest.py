"""What all tests may need: real market data, a PostgreSQL server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from papertape.storage.place import Place
from postgres_server import PostgresServer, reason_to_skip

pytest_plugins = ["generated_requests"]

DATA_FOLDERS = (
    Path(os.environ.get("PAPERTAPE_MARKET_DATA", "")),
    Path(__file__).parents[2] / "shared" / "data",
)


LONGEST_FILES = (
    "test_app.py",  # waits for starts of products, while the next keeps a processor
    "scenarios/test_through_rest.py",
    "faults/test_kill.py",
    "e2e/test_desk.py",
    "twin/test_twin.py",
)
"""They go first: a worker that has one to itself at the end leaves a processor idle for minutes."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files go first; who asks for many faults waits for them without a limit."""
    items.sort(key=_turn)
    if config.getoption("--fault-rounds"):
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


def _turn(item: pytest.Item) -> int:
    """The place of its file among the longest; all others come behind, in their order."""
    file = item.path.relative_to(Path(__file__).parent).as_posix()
    return LONGEST_FILES.index(file) if file in LONGEST_FILES else len(LONGEST_FILES)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres", action="store_true", help="let the server's tests keep all in PostgreSQL"
    )
    parser.addoption(
        "--fault-rounds", type=int, help="how often a test of faults strikes (else: a few times)"
    )


@pytest.fixture
def market_data():
    """Give the path of a real market file; skip, by the file's name, when it is absent."""

    def path_of(name: str) -> Path:
        for folder in DATA_FOLDERS:
            if folder != Path() and (folder / name).is_file():
                return folder / name
        pytest.skip(f"{name} is not on this machine (set PAPERTAPE_MARKET_DATA to its folder)")

    return path_of


@pytest.fixture
def fault_rounds(request: pytest.FixtureRequest) -> int | None:
    """How often faults strike, where somebody asks for more of them than a test does by itself."""
    rounds: int | None = request.config.getoption("--fault-rounds")
    return rounds


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run; skipped where there is none."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for a tape that nobody has used yet: a file, and a schema of PostgreSQL."""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_schema()
    return tmp_path / "exchange.db"

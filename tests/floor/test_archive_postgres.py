"""Old turns of a tape in PostgreSQL move into sealed segments, and nothing is lost."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults.stopped_product import build, copy
from floor.small_exchange import SmallExchange, buy, quote
from papertape.cli import app
from papertape.domain.errors import DataFolderBusyError
from papertape.floor.archive import archive
from papertape.floor.loading import load_world
from papertape.floor.verify import verify
from papertape.storage.bodies import open_storage, open_tape_reader
from papertape.storage.lives import Lives
from papertape.storage.place import PostgresSchema
from papertape.storage.reads import Reads
from papertape.storage.segments import SegmentFolder, read_segment
from papertape.storage.snapshots import SnapshotFolder
from papertape.storage.tape_search import TapeSearch
from postgres_server import PostgresServer, schema

PER_SEGMENT = 20


@pytest.fixture(scope="module")
def before(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, PostgresSchema]:
    """A product that traded, ended, and was not archived."""
    folder = tmp_path_factory.mktemp("before")
    place = replace(schema(postgres.new_database()), data_dir=folder)
    build(folder, place)
    return folder, place


@pytest.fixture
def archived(
    postgres: PostgresServer, before: tuple[Path, PostgresSchema], tmp_path: Path
) -> tuple[Path, PostgresSchema]:
    folder = copy(before[0], tmp_path / "data")
    url = postgres.new_database(before[1].url.database)
    place = replace(schema(url), data_dir=folder)
    done = CliRunner().invoke(app, ["verify", "--data-dir", str(folder), "--database-url", url])
    assert done.exit_code == 0, done.output
    archive(folder, PER_SEGMENT, place)
    return folder, place


def segments(folder: Path) -> list[Path]:
    return [path for _, _, path in SegmentFolder(folder / "segments").files("main")]


def left(postgres: PostgresServer, place: PostgresSchema) -> list[int]:
    rows = postgres.run("SELECT seq FROM exchange.tape ORDER BY seq", place.url.database)
    return [int(str(seq)) for (seq,) in rows]


def test_old_turns_leave_the_table_and_the_product_is_the_same(postgres, before, archived) -> None:
    folder, place = archived
    turns = left(postgres, before[1])
    sealed = [read_segment(path)[0] for path in segments(folder)]
    assert left(postgres, place) == [1, *range(sealed[-1].last + 1, turns[-1] + 1)]
    assert len(sealed) > 1
    assert verify(folder, place) == []
    with (
        closing(open_tape_reader(before[1])) as one,
        closing(open_tape_reader(place)) as other,
    ):
        assert [*one.tail("main", 0)] == [*other.tail("main", 0)]
        assert [*one.tail("main", 30)] == [*other.tail("main", 30)]
        assert one.row("main", 25) == other.row("main", 25)


@pytest.mark.parametrize("snapshots", ["snapshots", "none"])
def test_a_start_comes_to_the_same_state(before, archived, snapshots: str) -> None:
    states = []
    for folder, place in (before, archived):
        with closing(open_storage(place)) as storage:
            head = storage.head("main")
            assert head is not None
            loaded = load_world("main", head, storage, SnapshotFolder(folder / snapshots))
            states.append((loaded.world.seq, loaded.hash, loaded.world.state_hash()))
    assert states[0] == states[1]


def test_what_the_server_asks_of_the_tape_is_answered_as_before(before, archived) -> None:
    with closing(open_tape_reader(before[1])) as reader:
        times = [row.time_ns for row in reader.tail("main", 0)]
    moments = [0, *(time_ns + shift for time_ns in times for shift in (-1, 0))]
    answers = []
    for _, place in (before, archived):
        with Reads(place, "main") as reads:
            search = TapeSearch(reads, ("accepted", "filled", "account_opened"))
            lives = Lives(reads)
            answers.append((search.events(), [lives.seq_at(at) for at in moments]))
    assert answers[0] == answers[1]
    assert answers[0][0]


def test_an_archived_product_goes_on_and_is_archived_again(archived) -> None:
    folder, place = archived
    first = segments(folder)
    for day in ("one", "two"):  # the snapshot before the last is kept, with all that is behind it
        exchange = SmallExchange(folder, place=place)
        exchange.say(quote())
        for number in range(10):
            exchange.ask(buy(f"{day}{number}"))
        exchange.loop.end()
        exchange.close()
        assert verify(folder, place) == []
        [again] = archive(folder, PER_SEGMENT, place)
    assert again.turns > 0
    assert segments(folder)[: len(first)] == first
    assert verify(folder, place) == []
    [nothing] = archive(folder, PER_SEGMENT, place)
    assert nothing.turns == 0


def test_a_damaged_and_a_missing_segment_are_found(archived) -> None:
    folder, place = archived
    gone = segments(folder)[1]
    whole = gone.read_bytes()
    gone.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert [one.table for one in verify(folder, place)] == ["segments"]
    gone.unlink()
    first = int(gone.name.split("-")[1])
    assert ("tape", first) in {(one.table, one.seq) for one in verify(folder, place)}


def test_a_floor_at_work_elsewhere_is_in_the_way(archived) -> None:
    folder, place = archived
    with closing(open_storage(place)) as storage:
        storage.hold("main")
        with pytest.raises(DataFolderBusyError, match="in use by another process"):
            archive(folder, PER_SEGMENT, place)


def test_a_backup_of_it_has_both_halves_of_the_tape(postgres, archived, tmp_path: Path) -> None:
    folder, place = archived
    postgres.run("CREATE SCHEMA auth; CREATE TABLE auth.nobody (n INTEGER)", place.url.database)
    urls = {"backup": postgres.url(place.url.database), "restore": postgres.new_database()}
    for word, to in (("backup", folder), ("restore", tmp_path / "c")):
        words = [word, str(tmp_path / "b"), "--data-dir", str(to), "--database-url", urls[word]]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    assert "no findings" in done.output
    assert len(segments(tmp_path / "c")) == len(segments(folder))

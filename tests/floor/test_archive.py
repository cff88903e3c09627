"""Old turns move into sealed segments: nothing is lost, and whatever is changed there is found."""

import itertools
import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults.stopped_product import ask, build, change, copy
from floor.small_exchange import SmallExchange, buy, quote
from papertape.cli import app
from papertape.domain.errors import DataFolderBusyError, TapeBrokenError
from papertape.domain.tape import chain
from papertape.floor import archive as archiving
from papertape.floor.archive import archive
from papertape.floor.loading import load_world
from papertape.floor.verify import verify
from papertape.storage.bodies import open_tape_reader
from papertape.storage.lives import Lives
from papertape.storage.lock import DataFolderLock
from papertape.storage.reads import Reads
from papertape.storage.segments import SegmentFolder, read_segment
from papertape.storage.snapshots import SnapshotFolder
from papertape.storage.sqlite.tape_cutter import TapeCutter
from papertape.storage.tape_search import TapeSearch

PER_SEGMENT = 20


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product that traded, ended, and was not archived."""
    return build(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def template(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy(before, tmp_path_factory.mktemp("archived"))
    archive(folder, PER_SEGMENT)
    return folder


@pytest.fixture
def archived(template: Path, tmp_path: Path) -> Path:
    return copy(template, tmp_path / "data")


def segments(folder: Path) -> list[Path]:
    return [path for _, _, path in SegmentFolder(folder / "segments").files("main")]


def state_of(folder: Path, *, snapshots: bool) -> tuple[int, str, str]:
    """Where a start comes to, from snapshots or from the tape alone."""
    kept = SnapshotFolder(folder / ("snapshots" if snapshots else "none"))
    with closing(open_tape_reader(folder / "exchange.db")) as reader:
        head = reader.head("main")
        assert head is not None
        loaded = load_world("main", head, reader, kept)
        return loaded.world.seq, loaded.hash, loaded.world.state_hash()


def test_old_turns_leave_the_tape_and_the_product_is_the_same(before: Path, archived: Path) -> None:
    ((turns,),) = ask(before, "SELECT count(*) FROM tape")
    left = [seq for (seq,) in ask(archived, "SELECT seq FROM tape ORDER BY seq")]
    files = segments(archived)
    sealed = sum(read_segment(path)[0].last - read_segment(path)[0].first + 1 for path in files)
    assert left[0] == 1
    assert len(left) + sealed == turns
    assert len(files) > 1
    assert sealed > turns // 2
    assert verify(archived) == []
    whole = state_of(before, snapshots=False)
    assert state_of(archived, snapshots=False) == whole == state_of(archived, snapshots=True)
    with (
        closing(open_tape_reader(before / "exchange.db")) as one,
        closing(open_tape_reader(archived / "exchange.db")) as other,
    ):
        assert [*one.tail("main", 0)] == [*other.tail("main", 0)]
        assert [*one.tail("main", 30)] == [*other.tail("main", 30)]
        assert one.row("main", 25) == other.row("main", 25)


def test_what_is_asked_of_the_tape_by_the_server_is_answered_as_before(
    before: Path, archived: Path
) -> None:
    times = [time_ns for (time_ns,) in ask(before, "SELECT time_ns FROM tape ORDER BY seq")]
    moments = [0, *(time_ns + shift for time_ns in times for shift in (-1, 0))]
    answers = []
    for folder in (before, archived):
        with Reads(folder / "exchange.db", "main") as reads:
            search = TapeSearch(reads, ("accepted", "filled", "account_opened"))
            lives = Lives(reads)
            answers.append((reads.sharing(), search.events(), [lives.seq_at(at) for at in moments]))
            assert search.events() == answers[-1][1]
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_segments_are_smaller_than_the_turns_in_them(archived: Path) -> None:
    for path in segments(archived):
        assert path.stat().st_size < read_segment(path)[0].bytes / 2


def test_an_archived_product_goes_on_and_is_archived_again(archived: Path) -> None:
    first = segments(archived)
    for day in ("one", "two"):  # the snapshot before the last is kept, with all that is behind it
        exchange = SmallExchange(archived)
        exchange.say(quote())
        for number in range(10):
            exchange.ask(buy(f"{day}{number}"))
        exchange.loop.end()
        exchange.close()
        assert verify(archived) == []
        [again] = archive(archived, PER_SEGMENT)
    assert again.turns > 0
    assert segments(archived)[: len(first)] == first
    assert verify(archived) == []
    [nothing] = archive(archived, PER_SEGMENT)
    assert nothing.turns == 0


def test_a_changed_byte_is_found_in_every_part_of_every_segment(archived: Path) -> None:
    for path in segments(archived):
        whole = path.read_bytes()
        for place in (5, len(whole) // 3, len(whole) // 2, len(whole) - 1):
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(changed)
            findings = verify(archived)
            assert [(one.table, path.name in one.detail) for one in findings] == [
                ("segments", True)
            ], place
        path.write_bytes(whole)
    assert verify(archived) == []


def test_a_missing_segment_is_found_and_no_start_without_snapshot_passes_it(archived: Path) -> None:
    gone = segments(archived)[1]
    first = read_segment(gone)[0].first
    gone.unlink()
    assert ("tape", first) in {(one.table, one.seq) for one in verify(archived)}
    with pytest.raises(TapeBrokenError, match="the next row is"):
        state_of(archived, snapshots=False)
    state_of(archived, snapshots=True)


def test_a_segment_that_was_made_anew_does_not_fit_the_tape(archived: Path) -> None:
    last = segments(archived)[-1]
    segment, rows = read_segment(last)
    forged = [row._replace(body=row.body.replace('"v":1', '"v": 1')).turn for row in rows]
    made = SegmentFolder(archived / "segments").write(
        chain(segment.previous, "main", forged), segment.previous
    )
    assert (made.name, made.hash == segment.hash) == (segment.name, False)
    assert any(one.table == "tape" and one.seq == segment.last + 1 for one in verify(archived))


@pytest.mark.parametrize("step", ["write", "drop_from", "cut"])
def test_cut_off_at_any_step_it_is_clean_and_does_it_again(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = copy(before, tmp_path / "data")
    room = TapeCutter if step == "cut" else archiving.SegmentFolder
    works, calls = getattr(room, step), itertools.count(1)

    def sometimes(*arguments: object) -> object:
        if step != "write" or next(calls) > 1:
            raise OSError("no space left on device")
        return works(*arguments)

    monkeypatch.setattr(room, step, sometimes)
    with pytest.raises(OSError, match="no space"):
        archive(folder, PER_SEGMENT)
    monkeypatch.undo()
    assert verify(folder) == []
    [done] = archive(folder, PER_SEGMENT + 3)
    assert done.turns > 0
    assert verify(folder) == []
    assert state_of(folder, snapshots=False) == state_of(before, snapshots=False)
    ranges = [read_segment(path)[0] for path in segments(folder)]
    assert all(one.last + 1 == other.first for one, other in itertools.pairwise(ranges))


def test_a_tape_that_contradicts_itself_is_not_archived(before: Path, tmp_path: Path) -> None:
    folder = copy(before, tmp_path / "data")
    shutil.rmtree(folder / "snapshots")
    assert change(folder, "UPDATE tape SET body = body || ' ' WHERE seq = 9") == 1
    with pytest.raises(TapeBrokenError):
        archive(folder, PER_SEGMENT)
    assert segments(folder) == []
    done = CliRunner().invoke(app, ["tape", "archive", "--data-dir", str(folder)])
    assert (done.exit_code, "seq 9" in done.output) == (1, True)


def test_a_running_product_and_a_folder_of_none_are_refused(archived: Path, tmp_path: Path) -> None:
    with DataFolderLock(archived), pytest.raises(DataFolderBusyError):
        archive(archived)
    done = CliRunner().invoke(app, ["tape", "archive", "--data-dir", str(tmp_path)])
    assert (done.exit_code, "there is no exchange.db" in done.output) == (2, True)
    url = ["--database-url", "postgresql://somebody@127.0.0.1:1/papertape"]
    done = CliRunner().invoke(app, ["tape", "archive", *url, "--data-dir", str(archived)])
    assert (done.exit_code, "cannot reach the schema exchange" in done.output) == (2, True)


def test_a_backup_has_the_segments(archived: Path, tmp_path: Path) -> None:
    for words in (
        ["backup", str(tmp_path / "b"), "--data-dir", str(archived)],
        ["restore", str(tmp_path / "b"), "--data-dir", str(tmp_path / "c")],
    ):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    assert len(segments(tmp_path / "c")) == len(segments(archived))
    said = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert any(path.startswith("segments/") for path in said["files"])

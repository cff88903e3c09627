import logging
from pathlib import Path

import pytest

from papertape.storage.snapshots import KEPT, Snapshot, SnapshotError, SnapshotFolder, read_snapshot


def snapshot(seq: int, world: str = "main", data: bytes = b"state\nwith lines\x00") -> Snapshot:
    return Snapshot(world, seq, "a" * 64, "b" * 64, data)


def test_a_written_snapshot_is_read_back(tmp_path: Path) -> None:
    path = SnapshotFolder(tmp_path / "snapshots").write(snapshot(12))
    assert path.name == "main-000000000012.snapshot"
    assert read_snapshot(path) == snapshot(12)


def test_the_newest_comes_first_and_old_ones_go(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    for seq in (5, 100, 20, 3_000):
        folder.write(snapshot(seq))
    folder.write(snapshot(7, world="main-two"))
    assert [found.seq for found in folder.good("main")] == [3_000, 100][:KEPT]
    assert [found.seq for found in folder.good("main-two")] == [7]
    assert len(folder.files()) == KEPT + 1


def test_a_flip_of_any_byte_is_noticed(tmp_path: Path) -> None:
    path = SnapshotFolder(tmp_path).write(snapshot(12))
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotError):
            read_snapshot(path)


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
def test_a_cut_off_file_is_noticed(tmp_path: Path, kept: int) -> None:
    path = SnapshotFolder(tmp_path).write(snapshot(12))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SnapshotError):
        read_snapshot(path)


def test_a_renamed_snapshot_is_noticed(tmp_path: Path) -> None:
    path = SnapshotFolder(tmp_path).write(snapshot(12))
    with pytest.raises(SnapshotError, match="holds world main at 12"):
        read_snapshot(path.rename(tmp_path / "main-000000000013.snapshot"))


def test_a_damaged_snapshot_is_passed_over_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = SnapshotFolder(tmp_path)
    folder.write(snapshot(5))
    folder.write(snapshot(9)).write_bytes(b"rubbish")
    with caplog.at_level(logging.WARNING):
        assert [found.seq for found in folder.good("main")] == [5]
    assert "main-000000000009.snapshot is passed over" in caplog.text


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    (tmp_path / "main-12.snapshot").write_bytes(b"not ours")
    (tmp_path / "main-000000000012.unfinished").write_bytes(b"half")
    assert folder.files() == []
    assert list(SnapshotFolder(tmp_path / "missing").good("main")) == []

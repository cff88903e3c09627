"""Tapes of the past rebuild what they did: every version's golden tapes are replayed."""

from pathlib import Path

import pytest

from golden.tapes import FOLDER, SUMS, differences, read, replay, sums

VERSIONS = sorted(path for path in FOLDER.iterdir() if (path / SUMS).is_file())
FILES = [path for version in VERSIONS for path in sorted(version.glob("*.jsonl"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_tape_of_the_past_rebuilds_what_it_did(path: Path):
    for tape in read(path):
        assert differences(tape.end, replay(tape.turns)) == [], tape.title


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_golden_tapes_are_never_rewritten(version: Path):
    assert sums(version) == (version / SUMS).read_text("utf-8")


def test_there_are_golden_tapes():
    assert len(FILES) >= 15

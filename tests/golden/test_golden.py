"""Tapes of the past rebuild what they did: every version's golden tapes are replayed."""

from pathlib import Path

import pytest

from golden.tapes import FOLDER, KINDS, SUMS, differences, golden, kinds, read, replay, sums

VERSIONS = sorted(path for path in FOLDER.glob("[0-9]*") if (path / SUMS).is_file())
FILES = golden()


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.name.split('.')[0]}"
)
def test_a_tape_of_the_past_rebuilds_what_it_did(path: Path):
    for tape in read(path):
        assert differences(tape.end, replay(tape.turns)) == [], tape.title


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_golden_tapes_are_never_rewritten(version: Path):
    assert sums(version) == (version / SUMS).read_text("utf-8")


def test_there_are_golden_tapes():
    assert len(FILES) >= 15


def test_every_kind_of_event_stands_on_a_golden_tape():
    """`kinds.txt` is the vocabulary of the tape; the engine is held to it by its own `fuzz.rs`."""
    recorded = {kind for path in FILES for tape in read(path) for kind in kinds(tape)}
    assert sorted(recorded) == KINDS.read_text("utf-8").split()

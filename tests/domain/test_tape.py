import subprocess
from hashlib import sha256

import pytest

from papertape.domain.tape import GENESIS_HASH, chain, turn_hash

TURN = (17, 1_700_000_000_000_000_000, 3, '{"v":1,"kind":"submit","events":[]}')


def test_the_hash_is_the_sha256_of_the_columns_joined_by_bars() -> None:
    text = f"{GENESIS_HASH}|main|17|1700000000000000000|3|{TURN[3]}"
    assert turn_hash(GENESIS_HASH, "main", TURN) == sha256(text.encode()).hexdigest()


def test_anyone_can_recompute_a_hash_with_a_shell() -> None:
    command = 'printf \'%s|%s|%s|%s|%s|%s\' "$0" main 17 1700000000000000000 3 "$1" | sha256sum'
    ran = subprocess.run(
        ["sh", "-c", command, GENESIS_HASH, TURN[3]], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split()[0] == turn_hash(GENESIS_HASH, "main", TURN)


@pytest.mark.parametrize(
    ("previous", "world", "turn"),
    [
        ("1" + GENESIS_HASH[1:], "main", TURN),
        (GENESIS_HASH, "mail", TURN),
        (GENESIS_HASH, "main", (18, *TURN[1:])),
        (GENESIS_HASH, "main", (17, TURN[1] + 1, *TURN[2:])),
        (GENESIS_HASH, "main", (17, TURN[1], 4, TURN[3])),
        (GENESIS_HASH, "main", (*TURN[:3], TURN[3] + " ")),
    ],
)
def test_every_column_and_the_row_before_change_the_hash(
    previous: str, world: str, turn: tuple[int, int, int, str]
) -> None:
    assert turn_hash(previous, world, turn) != turn_hash(GENESIS_HASH, "main", TURN)


def test_moving_a_bar_between_columns_changes_the_hash() -> None:
    left = turn_hash(GENESIS_HASH, "main", (1, 2, 3, "4|5"))
    right = turn_hash(GENESIS_HASH, "main", (1, 2, 34, "5"))
    assert left != right


def test_a_chain_hashes_each_row_over_the_one_before() -> None:
    first, second = chain(GENESIS_HASH, "main", [(1, 10, 0, "{}"), (2, 11, 0, "{}")])
    assert first.hash == turn_hash(GENESIS_HASH, "main", first.turn)
    assert second.hash == turn_hash(first.hash, "main", second.turn)
    assert second.turn == (2, 11, 0, "{}")

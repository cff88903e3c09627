"""What a client that was away can still catch up on."""

import pytest

from papertape.floor.ports import PrivateMessage
from papertape.server.stream.kept import KeptMessages


def keep(kept: KeptMessages, seq: int, prev: int | None, account="a", channel="orders") -> None:
    kept.add(PrivateMessage(seq, prev, "main", account, channel, "order", b"{}"))


def since(kept: KeptMessages, account: str, channel: str, seq: int) -> list[str] | None:
    """The messages behind a seq, named by channel and seq."""
    found = kept.since(account, channel, seq)
    return None if found is None else [f"{one.channel}{one.seq}" for one in found]


@pytest.fixture
def kept() -> KeptMessages:
    """Room for four messages of an account; orders 12, 14, 15 and fill 14 of account a."""
    kept = KeptMessages(of_account_max=4, of_all_max=8)
    keep(kept, 12, 9)
    keep(kept, 14, 12)
    keep(kept, 14, 8, channel="fills")
    keep(kept, 15, 14)
    return kept


@pytest.mark.parametrize(
    ("channel", "seq", "expected"),
    [
        ("orders", 14, ["orders15"]),
        ("orders", 12, ["orders14", "orders15"]),
        ("orders", 9, ["orders12", "orders14", "orders15"]),
        ("orders", 8, None),
        ("orders", 0, None),
        ("orders", 15, []),
        ("orders", 99, []),
        ("fills", 8, ["fills14"]),
        ("fills", 7, None),
        ("account", 14, None),
    ],
)
def test_it_knows_whether_it_has_everything_since(kept, channel, seq, expected) -> None:
    assert since(kept, "a", channel, seq) == expected


def test_an_account_that_was_never_seen_is_not_known_to_have_none(kept) -> None:
    assert since(kept, "b", "orders", 10) is None


def test_the_first_message_ever_can_be_caught_up_on_from_nothing() -> None:
    kept = KeptMessages()
    keep(kept, 3, None)
    assert since(kept, "a", "orders", 0) == ["orders3"]


def test_the_oldest_of_an_account_go_first(kept) -> None:
    keep(kept, 17, 15)
    assert since(kept, "a", "orders", 12) == ["orders14", "orders15", "orders17"]
    assert since(kept, "a", "orders", 11) is None


def test_a_channel_whose_kept_messages_are_gone_is_still_known_to_be_quiet(kept) -> None:
    for seq in (17, 18, 19, 20):
        keep(kept, seq, seq - 1)
    assert since(kept, "a", "fills", 14) == []
    assert since(kept, "a", "fills", 13) is None


def test_the_accounts_without_news_are_forgotten_first(kept) -> None:
    for seq in range(20, 24):
        keep(kept, seq, seq - 1, account="b")
    assert since(kept, "a", "orders", 14) is not None
    keep(kept, 24, None, account="c")
    assert since(kept, "a", "orders", 14) is None
    assert since(kept, "b", "orders", 22) == ["orders23"]


def test_it_knows_the_newest_seq_of_all_accounts(kept) -> None:
    assert kept.newest_seq == 15
    keep(kept, 17, None, account="b")
    assert kept.newest_seq == 17
    kept.clear()
    assert kept.newest_seq == 0


def test_after_a_gap_nothing_is_known(kept) -> None:
    kept.clear()
    assert since(kept, "a", "orders", 15) is None

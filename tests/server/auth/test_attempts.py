"""The limit on logins and registrations."""

from papertape.server.auth.attempts import Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_holds_for_each_key_in_any_minute() -> None:
    clock = Clock()
    attempts = Attempts(2, clock)
    table = [
        # (seconds later, key, seconds to wait or None)
        (0, "alice", None),
        (10, "alice", None),
        (10, "alice", 40),
        (0, "bob", None),
        (39, "alice", 1),
        (1, "alice", None),
        (0, "alice", 10),
    ]
    for row, (later, key, expected) in enumerate(table):
        clock.now += later
        assert attempts.wait_s(key) == expected, f"row {row}"


def test_zero_switches_the_limit_off() -> None:
    attempts = Attempts(0)
    assert all(attempts.wait_s("alice") is None for _ in range(1000))

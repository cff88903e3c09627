"""The limit on logins and registrations."""

from papertape.server.auth.attempts import Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_holds_for_each_key_and_who_goes_on_waits_longer() -> None:
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
        (0, "alice", 120),
        (119, "alice", 1),
        (1, "alice", None),
        (0, "alice", None),
        (0, "alice", 240),
        (241, "alice", None),
        (1, "alice", None),
        (0, "alice", 480),
        (900, "alice", None),
        (0, "alice", None),
        (0, "alice", 60),
    ]
    for row, (later, key, expected) in enumerate(table):
        clock.now += later
        assert attempts.wait_s(key) == expected, f"row {row}"


def test_zero_switches_the_limit_off() -> None:
    attempts = Attempts(0)
    assert all(attempts.wait_s("alice") is None for _ in range(1000))


def test_a_good_attempt_is_a_new_start() -> None:
    clock = Clock()
    attempts = Attempts(2, clock)
    assert [attempts.wait_s("alice") for _ in range(3)] == [None, None, 60]
    attempts.forget("alice")
    attempts.forget("nobody")
    assert [attempts.wait_s("alice") for _ in range(3)] == [None, None, 60]


def test_nobody_waits_longer_than_a_quarter_of_an_hour() -> None:
    clock = Clock()
    attempts = Attempts(1, clock)
    waits = []
    for _ in range(8):
        assert attempts.wait_s("alice") is None
        waits.append(attempts.wait_s("alice"))
        clock.now += waits[-1] - 1
        assert attempts.wait_s("alice") == 1
        clock.now += 1
    assert waits == [60, 120, 240, 480, 900, 900, 900, 900]

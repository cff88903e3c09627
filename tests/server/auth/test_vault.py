"""Personal data at rest: sealed, sealed anew, destroyed."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from papertape.server.auth.logins import Origin
from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import AuthStore
from papertape.server.auth.vault import WrongVaultKeyError

QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "correct horse"
EMAIL = "alice@host.example"


@pytest.fixture
def open_store(tmp_path):
    """Opens the same users again and again, as one process after another does."""
    opened: list[AuthStore] = []

    def start() -> AuthStore:
        opened.append(AuthStore(tmp_path / "auth.db", QUICK))
        return opened[-1]

    yield start
    for store in opened:
        store.close()


def everything_on_disk(folder) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("auth.db*"))


def test_nothing_personal_lies_in_the_database_in_plain_text(open_store, tmp_path) -> None:
    store = open_store()
    user = store.create_user("alice", PASSWORD, email=EMAIL)
    store.change_profile(user.user_id, {"display_name": "Alice in Chains"})
    store.change_preferences(user.user_id, {"time_zone": "Europe/Berlin"})
    store.logins.start(user.user_id, Origin("192.0.2.77", "Netscape/4"), 1)
    for plain in (EMAIL, "Chains", "Berlin", "192.0.2.77", "Netscape"):
        assert plain.encode() not in everything_on_disk(tmp_path)
    found = open_store().user(user.user_id)
    assert (found.email, found.display_name) == (EMAIL, "Alice in Chains")
    key_file = tmp_path / "secrets" / "personal.key"
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_the_plain_emails_of_an_older_version_are_sealed_at_the_next_start(
    open_store, tmp_path
) -> None:
    store = open_store()
    user = store.create_user("alice", PASSWORD)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE users SET profile = NULL, email = :e"), {"e": EMAIL})
        connection.execute(text("DELETE FROM personal_keys"))
    store.close()
    assert EMAIL.encode() in everything_on_disk(tmp_path)
    upgraded = open_store()
    assert upgraded.user(user.user_id).email == EMAIL
    upgraded.close()
    assert EMAIL.encode() not in everything_on_disk(tmp_path)


def test_another_key_file_is_refused_before_anything_is_changed(open_store, tmp_path) -> None:
    open_store().create_user("alice", PASSWORD, email=EMAIL)
    key_file = tmp_path / "secrets" / "personal.key"
    right = key_file.read_bytes()
    for wrong in (b"", b"damaged"):
        key_file.write_bytes(wrong)
        with pytest.raises(WrongVaultKeyError, match=r"personal\.key"):
            open_store()
    key_file.unlink()
    with pytest.raises(WrongVaultKeyError, match="put the right file in its place"):
        open_store()
    key_file.write_bytes(right)
    assert open_store().user_named("alice").email == EMAIL


def test_a_rotation_loses_nothing_also_not_for_a_process_that_runs(open_store, tmp_path) -> None:
    running, operator = open_store(), open_store()
    key_file = tmp_path / "secrets" / "personal.key"
    users = [running.create_user(f"user{n}", PASSWORD, email=EMAIL) for n in range(3)]
    first = key_file.read_bytes().split()
    assert operator.rotate_personal_key() == 3
    assert [running.user(user.user_id).email for user in users] == [EMAIL] * 3
    late = running.create_user("late", PASSWORD, email=EMAIL)
    second = key_file.read_bytes().split()
    assert second[1:] == first
    assert second[:1] != first
    assert operator.rotate_personal_key() == 4
    third = key_file.read_bytes().split()
    assert third[1:] == second[:1]
    assert [open_store().user(user.user_id).email for user in (*users, late)] == [EMAIL] * 4


def test_what_a_destroyed_key_sealed_is_gone(open_store) -> None:
    store = open_store()
    user = store.create_user("alice", PASSWORD, email=EMAIL)
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM personal_keys"))
    assert store.user(user.user_id).email is None
    # A key that is made later does not open it either.
    store.change_preferences(user.user_id, {"theme": "dark"})
    assert store.user(user.user_id).email is None

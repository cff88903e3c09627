"""Users and accounts in auth.db."""

import threading
import time

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from papertape.server.auth.account_store import account_id_of
from papertape.server.auth.names import ReservedNameError
from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import (
    DEMO_PASSWORD,
    AuthStore,
    DemoPasswordError,
    DemoRoleError,
    Role,
    UnknownUserError,
    UsernameTakenError,
)
from papertape.server.auth.tables import NewerSchemaError
from papertape.storage.engines import open_engine

QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "correct horse"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where users are kept: in a file, and in a schema of PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "auth.db"
    return request.getfixturevalue("postgres").new_schema("auth")


@pytest.fixture
def open_store(place, tmp_path):
    """Opens the users, as each process does."""
    return lambda: AuthStore(place, QUICK, key_file=tmp_path / "secrets" / "personal.key")


@pytest.fixture
def store(open_store):
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture
def change(place):
    """Runs a statement on the tables behind the store's back; returns rows if there are any."""

    def run(statement: str, **values: object) -> list:
        engine = open_engine(place)
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            rows = result.all() if result.returns_rows else []
        engine.dispose()
        return rows

    return run


def test_a_user_logs_in_with_the_password_and_in_any_case_of_the_name(store) -> None:
    user = store.create_user("Alice", PASSWORD, email="a@b.example")
    assert user.role is Role.USER
    assert store.check_login("Alice", PASSWORD) == user
    assert store.check_login("aLICE", PASSWORD) == user


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("Alice", "wrong horse!"),
        ("Alice", ""),
        ("bob", PASSWORD),
        ("", ""),
        ("Alice", PASSWORD + " "),
    ],
)
def test_anything_wrong_is_no_login(store, username: str, password: str) -> None:
    store.create_user("Alice", PASSWORD)
    assert store.check_login(username, password) is None


@pytest.mark.parametrize("twin", ["Alice", "alice", "ALICE", "\uff21lice"])
def test_a_name_is_given_once_whatever_its_case_or_width(store, twin: str) -> None:
    store.create_user("Alice", PASSWORD)
    with pytest.raises(UsernameTakenError):
        store.create_user(twin, PASSWORD)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 257])
def test_a_password_out_of_bounds_is_refused(store, password: str) -> None:
    with pytest.raises(ValueError, match="10 to 256"):
        store.create_user("alice", password)


def test_of_many_registrations_at_once_one_wins(store) -> None:
    won: list[str] = []

    def register() -> None:
        try:
            won.append(store.create_user("alice", PASSWORD).user_id)
        except UsernameTakenError:
            return

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_passwords_are_argon2id_and_nowhere_in_the_file(store, change, tmp_path) -> None:
    store.create_user("alice", PASSWORD)
    store.close()
    ((stored,),) = change("SELECT password_hash FROM users")
    assert stored.startswith("$argon2id$")
    assert PASSWORD.encode() not in b"".join(f.read_bytes() for f in tmp_path.glob("auth.db*"))


def test_an_unknown_name_takes_as_long_as_a_wrong_password(tmp_path) -> None:
    store = AuthStore(tmp_path / "auth.db")
    store.create_user("alice", PASSWORD)
    store.check_login("nobody", PASSWORD)

    def seconds(username: str) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            store.check_login(username, "wrong horse")
            times.append(time.perf_counter() - started)
        return min(times)

    known, unknown = seconds("alice"), seconds("nobody")
    store.close()
    assert 0.3 < unknown / known < 3


def test_a_reset_ends_the_password_and_raises_the_generation(store) -> None:
    before = store.create_user("alice", PASSWORD)
    chosen = store.reset_password("alice")
    after = store.check_login("alice", chosen)
    assert store.check_login("alice", PASSWORD) is None
    assert after.generation == before.generation + 1
    assert store.reset_password("ALICE", "my own choice") == "my own choice"


def test_roles_are_given_by_name(store) -> None:
    store.create_user("alice", PASSWORD)
    store.set_role("alice", Role.INSTRUCTOR)
    assert store.user_named("alice").role is Role.INSTRUCTOR
    with pytest.raises(UnknownUserError):
        store.set_role("bob", Role.ADMIN)
    with pytest.raises(UnknownUserError):
        store.reset_password("bob")


def test_the_first_start_makes_an_admin_whose_password_is_told_once(store) -> None:
    password = store.ensure_admin()
    assert store.check_login("admin", password).role is Role.ADMIN
    assert store.ensure_admin() is None
    assert len(password) >= 20


def test_the_demo_user_is_never_admin(store) -> None:
    assert store.ensure_demo() == ("demo", DEMO_PASSWORD)
    assert store.ensure_demo() == ("demo", DEMO_PASSWORD)
    assert store.check_login("demo", DEMO_PASSWORD).is_demo
    with pytest.raises(DemoRoleError):
        store.set_role("demo", Role.ADMIN)
    assert store.user_named("demo").role is Role.USER


def rename(store, change, username: str, name: str) -> None:
    """Give a user a name that the store would refuse: what an older file may hold."""
    store.create_user(username, PASSWORD)
    statement = "UPDATE users SET username=:new, username_key=:new WHERE username=:old"
    change(statement, new=name, old=username)


def test_somebody_who_took_the_demos_name_does_not_become_the_demo(store, change) -> None:
    rename(store, change, "someone", "demo")
    with pytest.raises(UsernameTakenError):
        store.ensure_demo()
    assert not store.user_named("demo").is_demo
    assert store.reset_password("demo", "my own choice") == "my own choice"


@pytest.mark.parametrize("name", ["admin", "Admin", "demo", "DEMO", "\uff24emo"])
def test_the_names_of_the_products_own_users_are_given_to_nobody(store, name: str) -> None:
    with pytest.raises(ReservedNameError, match="choose another"):
        store.create_user(name, PASSWORD)
    assert store.user_named(name) is None


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "a\0b", "x" * 65])
def test_a_name_that_cannot_be_registered_is_refused_here_too(store, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 letters"):
        store.create_user(name, PASSWORD)


@pytest.mark.parametrize(
    "name", ["a", "ada.l+1@host-x", "\u00e9va", "\u0939\u093f\u0928", "x" * 64]
)
def test_names_of_all_scripts_are_good(store, name: str) -> None:
    assert store.create_user(name, PASSWORD).username == name


def test_the_demos_public_password_stays_what_it_is(store) -> None:
    store.ensure_demo()
    with pytest.raises(DemoPasswordError):
        store.reset_password("Demo")
    assert store.check_login("demo", DEMO_PASSWORD) is not None


def test_where_somebody_is_admin_no_other_admin_is_made(store) -> None:
    store.create_user("boss", PASSWORD, role=Role.ADMIN)
    assert store.ensure_admin() is None
    assert store.user_named("admin") is None
    assert store.has_admin()


def test_somebody_called_admin_is_not_made_admin(store, change) -> None:
    rename(store, change, "someone", "admin")
    assert store.ensure_admin() is None
    assert not store.has_admin()
    store.set_role("admin", Role.ADMIN)
    assert store.has_admin()


def test_a_user_has_one_account_in_each_world_with_the_same_id_for_ever(store) -> None:
    user = store.create_user("alice", PASSWORD)
    (first,) = store.accounts.of_user(user.user_id, "main")
    (again,) = store.accounts.of_user(user.user_id, "main")
    (other,) = store.accounts.of_user(user.user_id, "replay-aapl-00000000")
    assert first == again
    assert first.account_id == account_id_of(user.user_id, "main") != other.account_id
    assert not first.opened
    store.accounts.mark_opened(first.account_id)
    assert store.accounts.of_user(user.user_id, "main")[0].opened


def test_users_outlive_a_restart(store, open_store) -> None:
    user = store.create_user("alice", PASSWORD)
    store.close()
    again = open_store()
    assert again.user(user.user_id) == user
    assert again.user("nobody") is None
    again.close()


def test_a_file_of_a_newer_version_is_refused_with_what_to_do(store, open_store, change) -> None:
    store.close()
    change("UPDATE auth_schema SET version = 99")
    with pytest.raises(NewerSchemaError, match="newer version"):
        open_store()

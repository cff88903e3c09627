"""From a token to a user: remembered, but not for long."""

import pytest
from argon2 import PasswordHasher

from papertape.server import callers as callers_module
from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import DEMO_USERNAME, AuthStore, Role
from papertape.server.auth.tokens import Tokens
from papertape.server.callers import CHECK_AGAIN_S, KEY_CHECK_AGAIN_S, Callers
from papertape.server.problems import Problem

PASSWORD = "correct horse"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path):
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    opened = AuthStore(tmp_path / "auth.db", passwords)
    yield opened
    opened.close()


@pytest.fixture
def tokens(clock) -> Tokens:
    return Tokens(b"k" * 32, lifetime_s=100, clock=clock)


@pytest.fixture
def callers(store, tokens, clock) -> Callers:
    return Callers(store, tokens, demo_enabled=False, clock=clock)


@pytest.fixture
def token(store, tokens) -> str:
    user = store.create_user("alice", PASSWORD)
    return tokens.issue(user.user_id, user.generation)


async def is_let_in(callers: Callers, token: str) -> bool:
    try:
        await callers.of_token(token)
    except Problem as problem:
        return problem.status != 401
    return True


async def test_a_token_is_checked_once_for_a_while(callers, store, token) -> None:
    first = await callers.of_token(token)
    store.close()
    assert await callers.of_token(token) is first


async def test_a_remembered_token_still_expires(callers, clock, token) -> None:
    assert (await callers.of_token(token)).expires_at == clock.now + 100
    for later, let_in in ((0, True), (99, True), (1, False)):
        clock.now += later
        assert await is_let_in(callers, token) == let_in


async def test_a_reset_is_noticed_at_the_next_check(callers, store, clock, token) -> None:
    assert await is_let_in(callers, token)
    store.reset_password("alice")
    assert await is_let_in(callers, token)
    clock.now += CHECK_AGAIN_S
    assert not await is_let_in(callers, token)


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_demo_is_let_in_only_where_it_is_enabled(store, tokens, clock, enabled) -> None:
    store.ensure_demo()
    user = store.user_named(DEMO_USERNAME)
    callers = Callers(store, tokens, demo_enabled=enabled, clock=clock)
    assert await is_let_in(callers, tokens.issue(user.user_id, user.generation)) == enabled


async def test_what_is_remembered_is_bounded(callers, store, tokens, monkeypatch) -> None:
    monkeypatch.setattr(callers_module, "_KNOWN_MAX", 3)
    for number in range(10):
        user = store.create_user(f"user{number}", PASSWORD)
        await callers.of_token(tokens.issue(user.user_id, 1))
        assert len(callers._known) <= 3


async def test_refused_tokens_are_not_remembered(callers) -> None:
    for number in range(10):
        assert not await is_let_in(callers, f"forged{number}")
    assert callers._known == {}


# --- API keys ------------------------------------------------------------------------------------


@pytest.fixture
def key(store, clock) -> tuple[str, str]:
    """Id and secret of a key for reading and for an admin's work."""
    user = store.create_user("alice", PASSWORD, role=Role.ADMIN)
    made, secret = store.keys.create(
        user.user_id, name="k", scopes=["read", "admin"], now_ns=int(clock.now * 1e9)
    )
    return made.key_id, secret


async def test_a_key_is_checked_once_for_a_while_by_either_way(callers, store, key) -> None:
    first = await callers.of_key(*key, None)
    store.close()
    assert await callers.of_token(":".join(key)) is first
    assert await is_let_in(callers, f"{key[0]}:guess") is False


async def test_a_key_that_another_process_revokes_ends_within_seconds(
    callers, store, clock, key
) -> None:
    caller = await callers.of_key(*key, None)
    assert store.keys.revoke(caller.user.user_id, key[0])
    assert await is_let_in(callers, ":".join(key))
    clock.now += KEY_CHECK_AGAIN_S
    assert not await is_let_in(callers, ":".join(key))


async def test_an_admins_key_is_one_only_as_long_as_its_owner(callers, store, clock, key) -> None:
    (await callers.of_key(*key, None)).require("admin")
    store.set_role("alice", Role.USER)
    clock.now += KEY_CHECK_AGAIN_S
    caller = await callers.of_key(*key, None)
    assert (caller.may("read"), caller.may("admin"), caller.may("login")) == (True, False, False)
    with pytest.raises(Problem) as refused:
        caller.require("admin")
    assert (refused.value.status, refused.value.reason) == (403, "not_permitted")


async def test_when_a_key_was_used_is_noted_once_a_minute(callers, store, clock, key) -> None:
    def used() -> int | None:
        (found,) = store.keys.of_user(user_id)
        return found.last_used_ns

    user_id = (await callers.of_key(*key, None)).user.user_id
    first = used()
    assert first == int(clock.now * 1e9)
    for later, is_noted in ((30, False), (40, True)):
        clock.now += later
        await callers.of_key(*key, None)
        assert (used() != first) == is_noted

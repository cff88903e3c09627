"""Settings: what wins, what is refused, what travels to a child."""

from pathlib import Path

import pytest

from papertape.config import Settings
from papertape.config.reading import SettingsError, read_settings
from papertape.storage.place import PostgresSchema, PostgresUrl


def test_defaults_are_those_of_the_documentation(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    assert (settings.host, settings.port, settings.seed) == ("127.0.0.1", 8000, 42)
    assert settings.data_dir == tmp_path / "data"
    assert (settings.hours, settings.speed, settings.log_level) == ("open", 1.0, "warning")
    assert settings.sharing == "shared"
    assert settings.ticks_kept == 100_000


def test_an_option_wins_over_a_variable_and_that_over_the_default(monkeypatch):
    monkeypatch.setenv("PAPERTAPE_PORT", "9001")
    monkeypatch.setenv("PAPERTAPE_SEED", "7")
    monkeypatch.setenv("PAPERTAPE_SHARING", "isolated")
    settings = read_settings({"port": 9000})
    assert (settings.port, settings.seed, settings.sharing) == (9000, 7, "isolated")


def test_settings_travel_to_a_child_unchanged(tmp_path):
    settings = read_settings({"data_dir": tmp_path, "replay": tmp_path / "x.csv", "symbol": "X"})
    assert Settings.from_json(settings.to_json()) == settings
    assert isinstance(Settings.from_json(settings.to_json()).data_dir, Path)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"port": -1}, "--port: Input should be greater than or equal to 0 (got -1)"),
        ({"speed": "nan"}, "--speed: Input should be less than or equal to 1000000 (got 'nan')"),
        ({"speed": 1_001}, "--speed: a simulated market runs at most 1000 times as fast"),
        ({"hours": "never"}, "--hours: Input should be 'open' or 'real' (got 'never')"),
        ({"sharing": "none"}, "--sharing: Input should be 'shared' or 'isolated' (got 'none')"),
        ({"log_level": "loud"}, "--log-level: Input should be"),
        ({"symbol": "x y", "replay": "f.csv"}, "--symbol: String should match"),
        ({"symbol": "X"}, "--symbol names the instrument of a --replay FILE; give both"),
        ({"requests_per_second": -1}, "--requests-per-second: Input should be greater than"),
        ({"ticks_kept": -1}, "--ticks-kept: Input should be greater than or equal to 0"),
        ({"trusted_proxies": "proxy"}, "--trusted-proxies: Value error, 'proxy' does not appear"),
        ({"smtp_url": "smtp://u:p@mail.example"}, "--smtp-url: Value error, the password has a"),
        ({"smtp_url": "http://mail.example"}, "--smtp-url: Value error, give smtp://user@host"),
        ({"smtp_url": "smtp://u@mail.example"}, "--smtp-url needs --mail-from"),
        ({"prot": 1}, "--prot: Extra inputs are not permitted (got 1)"),
    ],
)
def test_what_is_wrong_is_a_sentence_that_names_the_option(given, problem):
    with pytest.raises(SettingsError) as refused:
        read_settings(given)
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("papertape.example", False),
    ],
)
def test_only_loopback_hosts_have_a_demo(host, loopback):
    assert read_settings({"host": host}).loopback is loopback


def test_behind_a_trusted_proxy_anybody_may_be_calling(monkeypatch):
    settings = read_settings({"trusted_proxies": "127.0.0.1, 10.0.0.0/8,"})
    assert settings.trusted_proxies == "127.0.0.1/32,10.0.0.0/8"
    assert settings.loopback is False


# --- the database ---------------------------------------------------------------------------------

SECRET_URL = "postgresql://ann:hunter%40two@db.example:6543/papertape?sslmode=require"


def test_the_databases_address_is_read_with_its_password() -> None:
    url = PostgresUrl.read(SECRET_URL)
    assert (url.user, url.password, url.host, url.port) == ("ann", "hunter@two", "db.example", 6543)
    assert (url.database, url.ssl_mode, url.socket_path) == ("papertape", "require", None)


def test_a_host_may_be_a_folder_of_sockets() -> None:
    url = PostgresUrl.read("postgresql://ann@/papertape?host=/run/postgresql")
    assert url.socket_path == "/run/postgresql/.s.PGSQL.5432"
    assert (url.ssl_mode, url.password) == ("disable", None)


def test_the_password_travels_to_a_child_where_nobody_else_can_read_it(monkeypatch, tmp_path):
    settings = read_settings({"data_dir": tmp_path, "database_url": SECRET_URL})
    assert "hunter" not in settings.to_json() + repr(settings) + repr(PostgresUrl.read(SECRET_URL))
    shown = str(PostgresSchema(PostgresUrl.read(SECRET_URL), "auth"))
    assert shown == "schema auth of ann@db.example:6543/papertape"
    monkeypatch.setattr("os.environ", settings.environment())
    assert Settings.from_json(settings.to_json()) == settings


def test_without_a_database_a_child_is_told_of_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERTAPE_DATABASE_URL", "")
    settings = read_settings({"data_dir": tmp_path})
    assert settings.database_url is None
    assert "PAPERTAPE_DATABASE_URL" not in settings.environment()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://ann:hunter2@h/d", "begins with mysql://, not postgresql://"),
        ("papertape", "begins with nothing://, not postgresql://"),
        ("postgresql://h/d", "names a user and a database"),
        ("postgresql://ann:hunter2@h", "names a user and a database"),
        ("postgresql://ann:hunter2@h/a/b", "names a user and a database"),
        ("postgresql://ann:hunter2@h:0x/d", "Port could not be cast"),
        ("postgresql://ann:hunter2@h:99999/d", "Port out of range"),
        ("postgresql://ann:hunter2@[h/d", "Invalid IPv6 URL"),
        ("postgresql://ann:hunter2@h/d?sslmode=maybe", "has sslmode maybe, not one of disable"),
        ("postgresql://ann:hunter2@h/d?options=x", "has options options; known are"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url, problem):
    with pytest.raises(SettingsError) as refused:
        read_settings({"database_url": url})
    (told,) = refused.value.problems
    assert told.startswith(f"--database-url {problem}")
    assert "hunter2" not in told

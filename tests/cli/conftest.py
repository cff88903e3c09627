"""The command line against a whole server, as somebody with a configuration folder of their own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from papertape.cli import app
from server.conftest import PASSWORD, Product, alice, product, serve, stock

__all__ = ["alice", "product", "serve", "stock"]

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    """The configuration folder of whoever types."""
    for name in ("PAPERTAPE_URL", "PAPERTAPE_KEY_ID", "PAPERTAPE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "40")
    return tmp_path / "papertape"


@pytest.fixture
def run(home: Path) -> Run:
    """Types a command; what it said, and its exit code."""

    def type_in(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=answer)

    return type_in


@pytest.fixture
def logged_in(run: Run, product: Product, alice) -> Run:
    """The same, logged in as somebody new."""
    done = run(
        *("login", "--url", product.url(""), "--username", alice.name, "--password-stdin"),
        answer=PASSWORD + "\n",
    )
    assert done.exit_code == 0, done.output
    return run


@pytest.fixture
def told(logged_in: Run) -> Callable[..., Any]:
    """What a command prints with `--json`."""

    def read(*words: str) -> Any:
        done = logged_in(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return read

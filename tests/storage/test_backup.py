"""Backups of a product that trades meanwhile, and what is restored from them."""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from papertape.cli import app
from papertape.floor.verify import verify
from papertape.storage.backup import (
    MANIFEST,
    BackupError,
    _write_manifest,
    back_up,
    check_backup,
    read_manifest,
    restore,
)
from server.conftest import Product, serve

__all__ = ["serve"]

MOMENT = {"release": "0.1.0", "made_at": "2026-11-20T10:46:00.000000000Z"}


def papertape(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def product(serve) -> Product:
    product = serve()
    product.trader("alice").order(symbol=product.stock())
    bars = product.folder / "bars" / "main" / "AAPL"
    bars.mkdir(parents=True)
    (bars / "2026-11-19.parquet").write_bytes(b"sealed")
    (bars / "2026-11-20.tail").write_text("a line\n")
    (product.folder / "snapshots").mkdir(exist_ok=True)
    return product


@pytest.fixture(scope="module")
def taken(product, tmp_path_factory) -> Path:
    """A backup that nobody changes."""
    target = tmp_path_factory.mktemp("backups") / "one"
    back_up(product.folder, target, **MOMENT)
    return target


@pytest.fixture
def copied(taken, tmp_path) -> Path:
    """A backup to be spoilt."""
    return Path(shutil.copytree(taken, tmp_path / "copied"))


def test_a_product_that_trades_is_backed_up_and_what_is_restored_is_clean(product, tmp_path):
    trader, stock, ended = product.trader(), product.stock(), threading.Event()
    sent: list[str] = []

    def trade() -> None:
        while not ended.is_set():
            sent.append(trader.order(symbol=stock, type="market", limit_price=None).json()["id"])

    trading = threading.Thread(target=trade)
    trading.start()
    try:
        first = papertape("backup", tmp_path / "1", "--data-dir", product.folder)
        before = [*sent]
        second = papertape("backup", tmp_path / "2", "--data-dir", product.folder)
    finally:
        ended.set()
        trading.join()
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert before, "nothing was traded meanwhile"
    restored = tmp_path / "restored"
    back = papertape("restore", tmp_path / "2", "--data-dir", restored)
    assert back.exit_code == 0, back.output
    assert "no findings" in back.output
    assert verify(restored) == []
    with closing(sqlite3.connect(restored / "auth.db")) as users:
        assert ("alice",) in users.execute("SELECT username FROM users").fetchall()
    with closing(sqlite3.connect(restored / "exchange.db")) as exchange:
        kept = {row[0] for row in exchange.execute("SELECT order_id FROM orders")}
    assert set(before) <= kept


def test_what_is_verified_is_what_was_restored_wherever_a_running_product_keeps_its_tape(
    taken, tmp_path, monkeypatch
):
    monkeypatch.setenv("PAPERTAPE_DATABASE_URL", "postgresql://somebody@127.0.0.1:1/papertape")
    back = papertape("restore", taken, "--data-dir", tmp_path / "data")
    assert (back.exit_code, "no findings" in back.output) == (0, True), back.output


def test_all_files_come_back_with_their_modes(product, taken, tmp_path):
    restore(taken, tmp_path / "data")
    for name in ("secrets/jwt.key", "bars/main/AAPL/2026-11-20.tail", "exchange.db"):
        was, is_now = product.folder / name, tmp_path / "data" / name
        assert stat.S_IMODE(is_now.stat().st_mode) == stat.S_IMODE(was.stat().st_mode), name
        if not name.endswith(".db"):
            assert is_now.read_bytes() == was.read_bytes()
    assert not (tmp_path / "data" / MANIFEST).exists()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_ticks_that_come_all_the_time_do_not_keep_a_backup_from_its_end(copied, tmp_path):
    data, target = tmp_path / "data", tmp_path / "target"
    restore(copied, data)
    tail = data / "ticks" / "main" / "AAPL" / "trades" / "000000000000.tail"
    tail.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()

    def write() -> None:
        with tail.open("ab", buffering=0) as file:
            while not ended.wait(0.001):
                file.write(b'{"id":1}\n')

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(data, target, **MOMENT)
    finally:
        ended.set()
        writer.join()
    check_backup(target)
    assert tail.read_bytes().startswith((target / tail.relative_to(data)).read_bytes())


def test_a_restored_product_starts_and_goes_on(serve, taken, tmp_path):
    restore(taken, tmp_path / "data")
    again = serve(tmp_path / "data")
    alice = again.login("alice")
    [order] = alice.client.get("/orders").json()["items"]
    assert alice.order(symbol=order["symbol"]).status_code == 201


@pytest.mark.parametrize("name", ["exchange.db", "auth.db", "secrets/jwt.key", MANIFEST])
def test_a_changed_byte_is_found_and_nothing_is_restored(copied, tmp_path, name):
    file = copied / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = papertape("restore", copied, "--data-dir", tmp_path / "data")
    assert done.exit_code == 2
    assert name in done.output
    assert [*tmp_path.iterdir()] == [copied]


def test_a_missing_and_a_foreign_file_are_found(copied):
    (copied / "secrets" / "jwt.key").rename(copied / "secrets" / "other.key")
    with pytest.raises(BackupError, match=r"jwt\.key is missing"):
        check_backup(copied)
    shutil.copy(copied / "secrets" / "other.key", copied / "secrets" / "jwt.key")
    with pytest.raises(BackupError, match=r"other\.key is in no manifest"):
        check_backup(copied)


def test_a_manifest_cannot_lead_outside(copied, tmp_path):
    manifest = read_manifest(copied)
    manifest.files["../jwt.key"] = manifest.files.pop("secrets/jwt.key")
    _write_manifest(copied, manifest)
    with pytest.raises(BackupError, match="outside"):
        restore(copied, tmp_path / "data")


REFUSED = [
    # backup or restore, from, to, what is said
    ("backup", "{data}", "{full}", "is not empty"),
    ("backup", "{data}", "{data}/inside", "lie in each other"),
    ("backup", "{nowhere}", "{new}", "there is no data folder"),
    ("backup", "{full}", "{new}", "has no exchange.db"),
    ("restore", "{taken}", "{data}", "is not empty; a product may run on it"),
    ("restore", "{full}", "{new}", "is no complete backup"),
    ("restore", "{nowhere}", "{new}", "is no complete backup"),
]


@pytest.mark.parametrize(("verb", "source", "target", "said"), REFUSED)
def test_what_would_lose_something_is_refused(product, taken, tmp_path, verb, source, target, said):
    full = tmp_path / "full"
    full.mkdir()
    (full / "a file").touch()
    places = {"data": product.folder, "full": full, "taken": taken, "nowhere": tmp_path / "nowhere"}
    source, target = (one.format(new=tmp_path / "new", **places) for one in (source, target))
    words = (
        ("backup", target, "--data-dir", source)
        if verb == "backup"
        else ("restore", source, "--data-dir", target)
    )
    done = papertape(*words)
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not (tmp_path / "new" / MANIFEST).exists()

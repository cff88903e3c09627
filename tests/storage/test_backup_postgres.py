"""Backups of a product whose tables are in PostgreSQL, and what is restored from them."""

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from papertape.cli import app
from papertape.floor.verify import verify
from papertape.storage.backup import MANIFEST, BackupError, back_up, check_backup, restore
from papertape.storage.place import PostgresSchema
from postgres_server import PostgresServer, schema
from server.conftest import PASSWORD, Product, serve

__all__ = ["serve"]

MOMENT = {"release": "0.2.0", "made_at": "2026-11-27T15:00:00.000000000Z"}


def papertape(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def schemas(url: str) -> list[PostgresSchema]:
    return [schema(url, "exchange"), schema(url, "auth")]


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def product(serve, url) -> Product:
    product = serve(places=tuple(schemas(url)))
    alice = product.trader("alice")
    note = alice.order(symbol=product.stock(), strategy='a "quoted", one', tags=["x,y"])
    assert note.status_code == 201, note.text
    return product


@pytest.fixture(scope="module")
def taken(product, url, tmp_path_factory) -> Path:
    """A backup that nobody changes."""
    target = tmp_path_factory.mktemp("backups") / "one"
    back_up(product.folder, target, schemas=schemas(url), **MOMENT)
    return target


def test_a_product_that_trades_is_backed_up_and_what_is_restored_is_clean(
    postgres, product, url, tmp_path
):
    trader, stock, ended = product.trader(), product.stock(), threading.Event()
    sent: list[str] = []

    def trade() -> None:
        while not ended.is_set():
            sent.append(trader.order(symbol=stock, type="market", limit_price=None).json()["id"])

    trading = threading.Thread(target=trade)
    trading.start()
    try:
        where = ("--data-dir", product.folder, "--database-url", url)
        papertape("backup", tmp_path / "1", *where)
        before = [*sent]
        second = papertape("backup", tmp_path / "2", *where)
    finally:
        ended.set()
        trading.join()
    assert second.exit_code == 0, second.output
    assert before, "nothing was traded meanwhile"
    empty = postgres.new_database()
    back = papertape(
        "restore", tmp_path / "2", "--data-dir", tmp_path / "back", "--database-url", empty
    )
    assert (back.exit_code, "no findings" in back.output) == (0, True), back.output
    kept = postgres.run("SELECT order_id FROM exchange.orders", schema(empty).url.database)
    assert set(before) <= {str(row[0]) for row in kept}
    assert not (tmp_path / "back" / "postgres").exists()


def test_every_row_and_every_definition_comes_back(postgres, product, url, taken, tmp_path):
    empty = postgres.new_database()
    restore(taken, tmp_path / "data", schemas(empty))
    back_up(tmp_path / "data", tmp_path / "again", schemas=schemas(empty), **MOMENT)
    files = {path: file for path, file in check_backup(taken).files.items() if "postgres/" in path}
    again = check_backup(tmp_path / "again").files
    assert len(files) > 30
    assert {path for path, file in files.items() if file.bytes != again[path].bytes} == set()
    definitions = (taken / "postgres" / "schemas.json").read_text()
    assert definitions == (tmp_path / "again" / "postgres" / "schemas.json").read_text()
    for word in (
        "PRIMARY KEY",
        "FOREIGN KEY",
        "CREATE UNIQUE INDEX",
        'COLLATE \\"C\\"',
        "NOT NULL",
    ):
        assert word in definitions


def test_a_restored_product_starts_and_goes_on(serve, postgres, taken, tmp_path):
    empty = postgres.new_database()
    restore(taken, tmp_path / "data", schemas(empty))
    assert verify(tmp_path / "data", schema(empty)) == []
    again = serve(tmp_path / "data", places=tuple(schemas(empty)))
    alice = again.login("alice", PASSWORD)
    [order] = alice.client.get("/orders").json()["items"]
    assert (order["strategy"], order["tags"]) == ('a "quoted", one', ["x,y"])
    assert alice.order(symbol=order["symbol"]).status_code == 201


def test_a_release_that_knows_no_schemas_refuses_such_a_backup(taken):
    said = json.loads((taken / MANIFEST).read_text())
    assert said["v"] == 2
    assert said["worlds"]["main"]["seq"] > 3


def test_a_changed_row_is_found_and_nothing_is_loaded(postgres, taken, tmp_path):
    empty = postgres.new_database()
    changed = tmp_path / "changed"
    for path in taken.rglob("*"):
        to = changed / path.relative_to(taken)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            to.write_bytes(path.read_bytes())
    rows = changed / "postgres" / "exchange" / "orders.csv"
    rows.write_text(rows.read_text().replace("ACME0", "ACME1"))
    with pytest.raises(BackupError, match=r"orders\.csv is damaged"):
        restore(changed, tmp_path / "data", schemas(empty))
    assert postgres.run("SELECT to_regnamespace('exchange')", schema(empty).url.database) == [
        [None]
    ]


def test_a_database_with_a_product_or_none_is_refused_and_stays(postgres, url, taken, tmp_path):
    to = ("--data-dir", tmp_path / "data")
    without = papertape("restore", taken, *to)
    assert (without.exit_code, "--database-url" in without.output) == (2, True)
    full = papertape("restore", taken, *to, "--database-url", url)
    assert (full.exit_code, "has tables already" in full.output) == (2, True), full.output
    away = papertape(
        "restore", taken, *to, "--database-url", "postgresql://somebody@127.0.0.1:1/papertape"
    )
    assert (away.exit_code, "schema exchange" in away.output) == (2, True), away.output
    assert [*tmp_path.iterdir()] == []


def test_a_database_that_is_away_or_has_no_product_is_not_backed_up(postgres, product, tmp_path):
    away = "postgresql://somebody@127.0.0.1:1/papertape"
    for where, said in ((away, "not complete"), (postgres.new_database(), "has no tables")):
        done = papertape(
            "backup", tmp_path / said, "--data-dir", product.folder, "--database-url", where
        )
        assert (done.exit_code, said in done.output) == (2, True), done.output
        assert not (tmp_path / said / MANIFEST).exists()


def test_a_head_that_is_not_its_tapes_end_is_told(postgres, product, taken, tmp_path):
    empty = postgres.new_database()
    restore(taken, tmp_path / "data", schemas(empty))
    postgres.run("UPDATE exchange.world_head SET seq = seq + 1", schema(empty).url.database)
    with pytest.raises(BackupError, match="the tape ends at"):
        back_up(tmp_path / "data", tmp_path / "b", schemas=schemas(empty), **MOMENT)

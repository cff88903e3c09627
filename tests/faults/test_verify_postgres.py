"""Whatever is changed in PostgreSQL behind the back of a stopped product is found by `verify`."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from faults.stopped_product import build, copy
from papertape.domain.errors import DataFolderBusyError
from papertape.floor.verify import Finding, VerifyRefusedError, verify
from papertape.storage.bodies import open_storage
from papertape.storage.place import PostgresSchema
from papertape.storage.tables import PROJECTIONS, metadata
from postgres_server import PostgresServer, schema

TABLES = [table.name for table in PROJECTIONS]
Change = Callable[[str], list[list[object]]]


@pytest.fixture(scope="module")
def template(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A stopped product: its data folder, and the name of its database."""
    place = schema(postgres.new_database())
    folder = build(tmp_path_factory.mktemp("product"), place)
    return folder, place.url.database


@pytest.fixture
def product(
    postgres: PostgresServer, template: tuple[Path, str], tmp_path: Path
) -> tuple[Path, PostgresSchema]:
    folder, database = template
    return copy(folder, tmp_path / "data"), schema(postgres.new_database(database))


@pytest.fixture
def change(postgres: PostgresServer, product: tuple[Path, PostgresSchema]) -> Change:
    """Runs a statement on the product's tables, by the name that they have in `exchange`."""
    database = product[1].url.database
    return lambda statement: postgres.run(f"SET search_path = exchange; {statement}", database)


def places(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.world, finding.table) for finding in findings}


def test_an_untouched_product_is_clean_and_no_table_is_empty(product, change: Change) -> None:
    assert all(change(f"SELECT count(*) FROM {table}") != [[0]] for table in TABLES)
    assert verify(*product) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_cell_an_added_and_a_removed_row_are_found(
    product, change: Change, table: str
) -> None:
    columns = [column.name for column in metadata.tables[table].columns]
    text = next(
        name
        for name in reversed(columns)
        if str(metadata.tables[table].c[name].type).startswith("TEXT")
        and not metadata.tables[table].c[name].primary_key
    )
    names = ", ".join(columns[1:])
    change(f"UPDATE {table} SET {text} = 'other' WHERE ctid = (SELECT max(ctid) FROM {table})")
    (changed,) = verify(*product)
    assert (changed.world, changed.table) == ("main", table)
    assert f"{text} is 'other', the tape says" in changed.detail
    change(f"INSERT INTO {table} (world, {names}) SELECT 'ghost', {names} FROM {table}")
    assert ("ghost", table) in places(verify(*product))
    change(f"DELETE FROM {table}")
    found = verify(*product)
    assert places(found) == {("main", table)}
    assert all("missing" in finding.detail or "more" in finding.detail for finding in found)


def test_a_removed_tail_and_a_changed_body_are_found(product, change: Change) -> None:
    change("UPDATE tape SET body = replace(body, 'ACME', 'ACMF') WHERE seq = 9")
    assert ("main", 9, "tape") in {(one.world, one.seq, one.table) for one in verify(*product)}
    change("DELETE FROM tape WHERE seq = (SELECT max(seq) FROM tape)")
    assert ("main", "world_head") in places(verify(*product))


def test_a_floor_at_work_is_in_the_way_of_verify(product) -> None:
    with closing(open_storage(product[1])) as storage:
        storage.hold("main")
        with pytest.raises(DataFolderBusyError, match="in use by another process"):
            verify(*product)
    assert verify(*product) == []


def test_a_database_without_a_product_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(VerifyRefusedError, match="start the product of this release on it once"):
        verify(tmp_path, postgres.new_schema())

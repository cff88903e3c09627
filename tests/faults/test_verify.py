"""Whatever is changed in a stopped product is found by `verify`, which names where it is."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faults.stopped_product import ask, build, change, copy
from papertape.domain.errors import DataFolderBusyError
from papertape.domain.tape import GENESIS_HASH, turn_hash
from papertape.floor.verify import Finding, VerifyRefusedError, verify
from papertape.storage.lock import DataFolderLock
from papertape.storage.tables import PROJECTIONS, metadata, tape

FLIPS = 30
CELLS = [(table.name, column.name) for table in PROJECTIONS for column in table.columns]
TABLES = [table.name for table in PROJECTIONS]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("product"))


@pytest.fixture
def product(template: Path, tmp_path: Path) -> Path:
    return copy(template, tmp_path / "data")


def places(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.world, finding.table) for finding in findings}


def flipped(value: object) -> object:
    """The same kind of value with one bit changed."""
    if isinstance(value, int):
        return value ^ (1 << 20)
    if isinstance(value, str) and value:
        middle = len(value) // 2
        return value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]
    return "x"


def test_an_untouched_product_is_clean(product: Path) -> None:
    assert all(ask(product, f"SELECT count(*) FROM {table}") != [(0,)] for table in TABLES)
    assert list((product / "snapshots").iterdir())
    assert verify(product) == []


# --- the tape ---------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [column.name for column in tape.columns])
def test_a_flipped_bit_in_any_column_of_the_tape_is_found_at_its_turn(
    product: Path, column: str
) -> None:
    seq = 9
    ((value,),) = ask(product, f"SELECT {column} FROM tape WHERE seq = ?", (seq,))
    if column == "seq":
        change(product, "UPDATE tape SET seq = 10009 WHERE seq = ?", (seq,))
    else:
        change(product, f"UPDATE tape SET {column} = ? WHERE seq = ?", (flipped(value), seq))
    findings = [finding for finding in verify(product) if finding.table == "tape"]
    assert ("main", seq) in {(finding.world, finding.seq) for finding in findings}


@pytest.mark.parametrize("byte", [0, 1, 5, 30, -2, -1])
def test_a_flipped_byte_anywhere_in_a_body_is_found(product: Path, byte: int) -> None:
    ((body,),) = ask(product, "SELECT body FROM tape WHERE seq = 12")
    data = bytearray(str(body).encode())
    data[byte] ^= 0x40
    change(product, "UPDATE tape SET body = CAST(? AS TEXT) WHERE seq = 12", (bytes(data),))
    assert ("main", "tape") in places(verify(product))


@pytest.mark.parametrize("table", ["tape", "world_head"])
def test_a_world_whose_name_is_no_text_is_found(product: Path, table: str) -> None:
    change(product, f"UPDATE {table} SET world = CAST(world AS BLOB)")
    assert ("b'main'", "tape") in places(verify(product))


@pytest.mark.parametrize("removed", [1, 3])
def test_a_removed_tail_is_found(product: Path, removed: int) -> None:
    change(product, "DELETE FROM tape WHERE seq > (SELECT max(seq) FROM tape) - ?", (removed,))
    assert ("main", "world_head") in places(verify(product))


def test_a_removed_tail_is_found_even_when_the_head_was_moved_too(product: Path) -> None:
    change(product, "DELETE FROM tape WHERE seq > 20")
    ((last,),) = ask(product, "SELECT hash FROM tape WHERE seq = 20")
    change(product, "UPDATE world_head SET seq = 20, hash = ?", (last,))
    found = places(verify(product))
    assert ("main", "orders") in found
    assert ("main", "snapshots") in found


def test_a_removed_turn_in_the_middle_is_found(product: Path) -> None:
    change(product, "DELETE FROM tape WHERE seq = 10")
    assert Finding("main", 10, "tape", "missing: the next row is 11") in verify(product)


def test_swapped_turns_are_found(product: Path) -> None:
    change(product, "UPDATE tape SET seq = -1 WHERE seq = 10")
    change(product, "UPDATE tape SET seq = 10 WHERE seq = 11")
    change(product, "UPDATE tape SET seq = 11 WHERE seq = -1")
    found = {(finding.table, finding.seq) for finding in verify(product)}
    assert {("tape", 10), ("tape", 11)} <= found


def test_a_turn_before_the_first_is_found(product: Path) -> None:
    change(product, "INSERT INTO tape SELECT world, 0, time_ns, 0, body, hash FROM tape LIMIT 1")
    assert ("main", "tape") in places(verify(product))


def test_a_tape_rewritten_with_new_hashes_still_contradicts_its_read_models(product: Path) -> None:
    rewrite_hashes(product, lambda body: body.replace("10050000", "10040000"))
    found = places(verify(product))
    assert ("main", "tape") in found or ("main", "orders") in found


def rewrite_hashes(product: Path, change_body: object) -> None:
    previous = GENESIS_HASH
    for world, seq, time_ns, market_seq, body, _ in ask(product, "SELECT * FROM tape ORDER BY seq"):
        changed = change_body(str(body))  # type: ignore[operator]
        previous = turn_hash(previous, str(world), (seq, time_ns, market_seq, changed))  # type: ignore[arg-type]
        change(
            product, "UPDATE tape SET body = ?, hash = ? WHERE seq = ?", (changed, previous, seq)
        )
    change(product, "UPDATE world_head SET hash = ?", (previous,))


# --- head and read models -----------------------------------------------------------------------


@pytest.mark.parametrize("column", ["world", "seq", "hash"])
def test_a_changed_head_is_found(product: Path, column: str) -> None:
    ((value,),) = ask(product, f"SELECT {column} FROM world_head")
    change(product, f"UPDATE world_head SET {column} = ?", (flipped(value),))
    assert "world_head" in {table for _, table in places(verify(product))}


def test_a_removed_head_is_found(product: Path) -> None:
    change(product, "DELETE FROM world_head")
    assert ("main", "world_head") in places(verify(product))


@pytest.mark.parametrize(("table", "column"), CELLS)
def test_a_changed_cell_of_any_read_model_is_found_in_its_table(
    product: Path, table: str, column: str
) -> None:
    keys = [key.name for key in metadata.tables[table].primary_key.columns]
    named = ", ".join(keys)
    (*key, value) = ask(product, f"SELECT {named}, {column} FROM {table} ORDER BY {named}")[-1]
    same = " AND ".join(f"{name} = ?" for name in keys)
    changed = change(
        product, f"UPDATE {table} SET {column} = ? WHERE {same}", (flipped(value), *key)
    )
    assert changed == 1
    findings = verify(product)
    assert {finding.table for finding in findings} == {table}
    if column not in {*keys, "seq"}:
        assert any(column in finding.detail for finding in findings)


@pytest.mark.parametrize("table", TABLES)
def test_a_removed_row_of_any_read_model_is_found(product: Path, table: str) -> None:
    first = f"SELECT min(seq) FROM {table}"
    assert change(product, f"DELETE FROM {table} WHERE seq = ({first})") >= 1
    findings = verify(product)
    assert places(findings) == {("main", table)}
    assert all("missing" in finding.detail for finding in findings)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_of_a_world_that_never_was_is_found(product: Path, table: str) -> None:
    columns = [column.name for column in metadata.tables[table].columns if column.name != "world"]
    names = ", ".join(columns)
    change(product, f"INSERT INTO {table} (world, {names}) SELECT 'ghost', {names} FROM {table}")
    findings = verify(product)
    assert places(findings) == {("ghost", table)}


def test_a_world_whose_name_no_world_can_have_is_found(product: Path) -> None:
    change(product, "UPDATE world_head SET world = 'Main!'")
    assert ("Main!", "tape") in places(verify(product))


def test_a_number_of_another_type_is_found(product: Path) -> None:
    change(product, "UPDATE orders SET seq = seq + 0.5")
    assert places(verify(product)) == {("main", "orders")}


# --- snapshots and files ------------------------------------------------------------------------


def test_a_damaged_snapshot_is_found(product: Path) -> None:
    (path,) = (product / "snapshots").iterdir()
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(bytes(data))
    (finding,) = verify(product)
    assert (finding.world, finding.table) == ("main", "snapshots")
    assert str(finding.seq) in path.name


def test_random_byte_flips_in_the_file_are_found_unless_they_change_nothing(
    product: Path, template: Path, fault_rounds: int | None
) -> None:
    draw = random.Random(20)
    whole = (product / "exchange.db").read_bytes()
    unnoticed = []
    for _ in range(fault_rounds or FLIPS):
        place = draw.randrange(len(whole))
        flips = bytearray(whole)
        flips[place] ^= 1 << draw.randrange(8)
        put_back(product, bytes(flips))
        if not noticed(product) and content(product) != content(template):
            unnoticed.append(place)
    assert unnoticed == []


def test_random_changes_of_tape_and_tables_are_found(
    product: Path, fault_rounds: int | None
) -> None:
    """Tails removed, turns swapped, bytes of bodies and cells changed, rows taken: one a round."""
    draw = random.Random(21)
    whole = (product / "exchange.db").read_bytes()
    kinds = (tail_removed, turns_swapped, body_changed, cell_changed, row_removed)
    for number in range(fault_rounds or len(kinds)):
        put_back(product, whole)
        done = kinds[number % len(kinds)](product, draw)
        assert noticed(product), done
    put_back(product, whole)
    assert not noticed(product)


def put_back(product: Path, whole: bytes) -> None:
    (product / "exchange.db").write_bytes(whole)
    for leftover in product.glob("exchange.db-*"):
        leftover.unlink()


def turns(product: Path) -> int:
    ((last,),) = ask(product, "SELECT max(seq) FROM tape")
    return int(str(last))


def any_row(product: Path, table: str, draw: random.Random) -> tuple[str, tuple[object, ...]]:
    """The condition that one row of a table fulfils, and its values."""
    keys = [column.name for column in metadata.tables[table].primary_key.columns]
    rows = ask(product, f"SELECT {', '.join(keys)} FROM {table}")
    return " AND ".join(f"{key} = ?" for key in keys), draw.choice(rows)


def tail_removed(product: Path, draw: random.Random) -> str:
    first = draw.randint(1, turns(product))
    change(product, "DELETE FROM tape WHERE seq >= ?", (first,))
    return f"the tail from turn {first} on"


def turns_swapped(product: Path, draw: random.Random) -> str:
    one, other = draw.sample(range(1, turns(product) + 1), 2)
    for before, after in ((one, -1), (other, one), (-1, other)):
        change(product, "UPDATE tape SET seq = ? WHERE seq = ?", (after, before))
    return f"turns {one} and {other}"


def body_changed(product: Path, draw: random.Random) -> str:
    seq = draw.randint(1, turns(product))
    ((body,),) = ask(product, "SELECT body FROM tape WHERE seq = ?", (seq,))
    data = bytearray(str(body).encode())
    place = draw.randrange(len(data))
    data[place] ^= 1 << draw.randrange(7)
    change(product, "UPDATE tape SET body = CAST(? AS TEXT) WHERE seq = ?", (bytes(data), seq))
    return f"byte {place} of turn {seq}"


def cell_changed(product: Path, draw: random.Random) -> str:
    table, column = draw.choice(CELLS)
    same, key = any_row(product, table, draw)
    ((value,),) = ask(product, f"SELECT {column} FROM {table} WHERE {same}", key)
    statement = f"UPDATE {table} SET {column} = ? WHERE {same}"
    assert change(product, statement, (flipped(value), *key)) == 1
    return f"{column} of {key} of {table}"


def row_removed(product: Path, draw: random.Random) -> str:
    table = draw.choice(TABLES)
    same, key = any_row(product, table, draw)
    assert change(product, f"DELETE FROM {table} WHERE {same}", key) == 1
    return f"{key} of {table}"


def noticed(product: Path) -> bool:
    try:
        return bool(verify(product))
    except VerifyRefusedError:
        return True


def content(product: Path) -> list[object]:
    """Every value that verify vouches for."""
    kept: list[object] = []
    with closing(sqlite3.connect(product / "exchange.db")) as connection:
        for table in ("tape", *TABLES):
            kept += connection.execute(f"SELECT * FROM {table}").fetchall()
        kept += connection.execute("SELECT world, seq, hash FROM world_head").fetchall()
    return kept


# --- when verify refuses --------------------------------------------------------------------------


def test_a_running_product_is_refused(product: Path) -> None:
    with DataFolderLock(product), pytest.raises(DataFolderBusyError, match="stop it first"):
        verify(product)


def test_a_folder_without_a_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerifyRefusedError, match="there is no exchange"):
        verify(tmp_path)


def test_findings_read_as_a_line_that_names_world_turn_and_table() -> None:
    text = str(Finding("main", 12, "orders", "(id) qty is '1', the tape says '2'"))
    assert text == "world main, seq 12, table orders: (id) qty is '1', the tape says '2'"

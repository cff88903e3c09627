"""Data folders of releases before this one: the product starts on them and nothing is lost."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from papertape.floor.verify import verify
from papertape.storage.backup import back_up, restore
from server.conftest import serve

__all__ = ["serve"]

FOLDERS = Path(__file__).parent / "folders"
RELEASES = sorted(path.name.removesuffix(".tar.gz") for path in FOLDERS.glob("*.tar.gz"))


def test_no_folder_of_the_past_was_ever_written_again():
    sums = dict(line.split()[::-1] for line in (FOLDERS / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDERS.glob("*.tar.gz")
    }


@pytest.mark.parametrize("release", RELEASES)
def test_the_folder_of_an_older_release_is_upgraded_in_place_and_goes_on(serve, tmp_path, release):
    with tarfile.open(FOLDERS / f"{release}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / "data"
    expected = json.loads((folder / "expected.json").read_text())
    product = serve(folder)
    alice = product.login("alice")
    assert product.login("bob").account_id != alice.account_id
    assert _told_of(alice.account(), expected["account"]) == _still(expected["account"])
    now = {order["id"]: order for order in _orders(alice)}
    for order in map(_by_now, expected["orders"]):
        assert _told_of(now[order["id"]], order) == _still(order), order["client_order_id"]

    stock = expected["symbol"]
    product.quote(stock, "10.20", "10.22")
    rests = next(order for order in expected["orders"] if order["client_order_id"] == "rests")
    is_open = rests["time_in_force"] == "gtc"
    assert alice.client.delete(f"/orders/{rests['id']}").status_code == (204 if is_open else 409)
    again = alice.order(symbol=stock, client_order_id="rests")
    assert (again.status_code, again.json()["reason"]) == (409, "id_reused") or (
        again.status_code == 200 and again.json()["id"] == rests["id"]
    )
    sold = alice.order(symbol=stock, side="sell", type="market", limit_price=None, qty="7")
    assert (sold.status_code, sold.json()["status"]) == (201, "filled")
    assert alice.client.get("/positions").json()["items"] == []

    back_up(folder, tmp_path / "backup", release="now", made_at="now")
    restore(tmp_path / "backup", tmp_path / "restored")
    assert verify(tmp_path / "restored") == []


def _orders(trader):
    return trader.client.get("/orders", params={"status": "all", "limit": 1000}).json()["items"]


def _by_now(order):
    """The order as it must stand: its day is over since long."""
    if order["status"] == "new" and order["time_in_force"] == "day":
        over = {name: value for name, value in order.items() if name != "updated_at"}
        return over | {"status": "expired", "reason": "expired"}
    return order


MOVING = {"as_of_seq", "equity", "unrealized_pl", "long_market_value", "buying_power"}
"""What hangs on the present market or the present turn."""


def _told_of(now, before):
    return {name: now.get(name) for name in before if name not in MOVING}


def _still(before):
    return {name: value for name, value in before.items() if name not in MOVING}

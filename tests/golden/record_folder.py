"""Records a small data folder of the present release, for later ones to be started on.

    PYTHONPATH=src:tests python -m golden.record_folder 0.3.0

It has users, filled, working, bracketed, canceled and rejected orders, a snapshot, and
`expected.json`: what the API said about it in the end. A folder that stands already is never
written again.
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from papertape.floor.follower import Follower
from papertape.storage.bodies import open_tape_reader
from papertape.storage.snapshots import SnapshotFolder
from server import conftest as served

FOLDERS = Path(__file__).parent / "folders"


def record(release: str) -> Path:
    """Trade, stop, take a snapshot, pack."""
    path = FOLDERS / f"{release}.tar.gz"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        folder.mkdir()
        expected = _trade(folder)
        reader = open_tape_reader(folder / "exchange.db")
        Follower("main", reader, SnapshotFolder(folder / "snapshots"), 1).catch_up()
        reader.close()
        (folder / "expected.json").write_text(json.dumps(expected, indent=1))
        with tarfile.open(path, "x:gz") as packed:
            packed.add(folder, arcname="data", filter=_of_nobody)
    return path


def _trade(folder: Path) -> dict[str, object]:
    served.STOCKS[:] = served.STOCKS[:4]
    running = served._Running(folder, served.HandMarket(), None, **served.UNLIMITED)
    product = served.Product(
        running.port,
        running._market,
        running.auth,
        running.tokens,
        folder,
        anyone=None,
        running=running,
    )
    product.anyone = product.client()
    try:
        alice, bob, stock = product.trader("alice"), product.trader("bob"), product.stock()
        market = {"symbol": stock, "type": "market", "limit_price": None}
        alice.order(**market)
        alice.order(symbol=stock, client_order_id="rests", time_in_force="gtc")
        alice.order(
            symbol=stock,
            client_order_id="bracket",
            qty="4",
            limit_price="9.50",
            time_in_force="gtc",
            order_class="bracket",
            take_profit={"limit_price": "12"},
            stop_loss={"stop_price": "8"},
        )
        bob.order(**market | {"qty": None, "notional": "50"})
        alice.order(symbol=stock, qty="1000000", limit_price="10")
        canceled = alice.order(symbol=stock, client_order_id="canceled").json()["id"]
        alice.client.delete(f"/orders/{canceled}")
        product.quote(stock, "10.10", "10.12")
        alice.order(**market | {"side": "sell", "qty": "3"})
        orders = alice.client.get("/orders", params={"status": "all"}).json()["items"]
        return {"symbol": stock, "account": alice.account(), "orders": orders}
    finally:
        for client in product.clients:
            client.close()
        running.stop()


def _of_nobody(file: tarfile.TarInfo) -> tarfile.TarInfo:
    file.uid = file.gid = file.mtime = 0
    file.uname = file.gname = ""
    return file


if __name__ == "__main__":
    print(record(sys.argv[1]))

"""A stopped product's data folder with something in every table, made once and copied."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from floor.small_exchange import BOB, SmallExchange, buy, command, open_account, quote
from papertape.floor.follower import Follower
from papertape.storage.bodies import open_tape_reader
from papertape.storage.place import Place

Change = Callable[[sqlite3.Connection], object]


def build(folder: Path, place: Place | None = None) -> Path:
    """Trade a little over some minutes, end cleanly, and leave one snapshot."""
    exchange = SmallExchange(folder, place=place)
    exchange.ask(open_account(), open_account(BOB, "500.00"))
    soon = {"measure": "position_value", "per": "user", "limit": "1000", "alert_at": "0.3"}
    exchange.ask(command("set_policy", policy={"rules": [soon]}))
    for number in range(12):
        exchange.say(quote(ask=f"10.{number:02d}", size="40"))
        exchange.ask(
            buy(f"a{number}", qty="7", limit_price=None),
            buy(f"rests{number}", limit_price="1.00"),
            buy(f"b{number}", account_id=BOB, qty="30", limit_price="10.05"),
        )
        exchange.step(30)
    exchange.loop.end()
    exchange.close()
    with closing(open_tape_reader(place or folder / "exchange.db")) as reader:
        Follower("main", reader, exchange.snapshots, turns_between=1).catch_up()
    return folder


def copy(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to


def change(folder: Path, statement: str, values: tuple[object, ...] = ()) -> int:
    """Change a stopped product's database behind its back; returns the number of rows hit."""
    with closing(sqlite3.connect(folder / "exchange.db", isolation_level=None)) as connection:
        return connection.execute(statement, values).rowcount


def ask(folder: Path, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "exchange.db", isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()

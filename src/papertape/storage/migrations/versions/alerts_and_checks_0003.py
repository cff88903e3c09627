"""Alerts, and what orders were checked for, with those that stand on the tape already.

The engine makes the rows out of the tape, as it does for every commit, so that a database that was
brought here is the same as one that was written here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from papertape.engine import World

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TURNS_AT_ONCE = 5_000

Turn = tuple[int, int, int, str]


def upgrade() -> None:
    """Make the tables and fill them from the tape."""
    alerts, checks = _make_alerts(), _make_checks()
    op.create_index("alerts_by_account", "alerts", ["world", "account_id", "seq", "i"])
    op.create_index("checks_by_account", "checks", ["world", "account_id", "seq", "i"])
    op.create_index("checks_by_order", "checks", ["world", "order_id"])
    connection = op.get_bind()
    for world in connection.scalars(sa.text("SELECT DISTINCT world FROM tape")).all():
        evolving = World(world)
        for turns in _turns(connection, world):
            rows = evolving.evolve(turns)
            _write(connection, alerts, world, rows.alerts)
            _write(connection, checks, world, rows.checks)


def _make_alerts() -> sa.Table:
    return op.create_table(
        "alerts",
        _text("world", key=True),
        _number("seq", key=True),
        _number("i", key=True),
        _text("account_id"),
        _text("kind"),
        _text("level"),
        _text("measure", optional=True),
        _text("value", optional=True),
        _text("bound", optional=True),
        _text("order_id", optional=True),
        _text("symbol", optional=True),
        sa.Column("details", TEXT, nullable=False, server_default=""),
        _number("time_ns"),
        sqlite_with_rowid=False,
    )


def _make_checks() -> sa.Table:
    return op.create_table(
        "checks",
        _text("world", key=True),
        _number("seq", key=True),
        _number("i", key=True),
        _text("order_id"),
        _text("account_id"),
        _text("outcome"),
        _number("policy"),
        _number("checks"),
        _text("reason", optional=True),
        _text("value", optional=True),
        _text("bound", optional=True),
        _number("time_ns"),
        sqlite_with_rowid=False,
    )


def _turns(connection: sa.Connection, world: str) -> Iterator[list[Turn]]:
    """The tape of a world in pieces that fit into memory."""
    query = sa.text(
        "SELECT seq, time_ns, market_seq, body FROM tape "
        "WHERE world = :world AND seq > :after ORDER BY seq LIMIT :most"
    )
    given = {"world": world, "after": 0, "most": TURNS_AT_ONCE}
    while part := connection.execute(query, given).all():
        yield [(seq, time_ns, market_seq, body) for seq, time_ns, market_seq, body in part]
        given["after"] = part[-1].seq


def _write(
    connection: sa.Connection, table: sa.Table, world: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write rows of the engine; columns that are newer than this revision are not its own."""
    names = [column.name for column in table.columns][1:]
    values = [{"world": world} | dict(zip(names, row, strict=False)) for row in rows]
    if values:
        connection.execute(table.insert(), values)


def downgrade() -> None:
    """Take the tables away again."""
    op.drop_table("checks")
    op.drop_table("alerts")


def _text(name: str, *, key: bool = False, optional: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, primary_key=key, nullable=optional)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)

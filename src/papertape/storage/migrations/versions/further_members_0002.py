"""Further members of accounts, positions and orders, and the receipt of a fill.

They are JSON text beside the columns that are searched by, so that a new term of an order or a new
figure of an account needs no new column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ADDED = {"accounts": "details", "positions": "details", "orders": "details", "fills": "receipt"}


def upgrade() -> None:
    """Add the columns, empty for rows that are there already."""
    for table, name in ADDED.items():
        op.add_column(table, sa.Column(name, TEXT, nullable=False, server_default=""))


def downgrade() -> None:
    """Take the columns away again."""
    for table, name in ADDED.items():
        op.drop_column(table, name)

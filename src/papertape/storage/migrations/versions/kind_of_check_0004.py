"""Whether a check record is about a new order or about new terms of one.

Until now only new orders left records; tapes of before do not say what replaces were checked for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column: every record that is there is about a new order."""
    op.add_column("checks", sa.Column("kind", TEXT, nullable=False, server_default="new"))


def downgrade() -> None:
    """Take the column away again."""
    op.drop_column("checks", "kind")

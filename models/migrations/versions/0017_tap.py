"""Punches of which the clock does not tell whether somebody came or went.

The release before knows none: what it stores is none, by the default.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "punch",
        sa.Column("is_tap", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("punch", "is_tap")

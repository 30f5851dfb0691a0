"""Changes of the roster that are judged by themselves: shifts that a sweep left for later."""

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "roster_change",
        sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )


def downgrade() -> None:
    op.drop_column("roster_change", "alone")

"""Work that a sweep has taken, so that a judge that died is told from one that came back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("pending", "roster_change")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(
            table, sa.Column("taken", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "taken")

"""The moment for which a refused punch waits to have its tenant or site known."""

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("rejected", sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("rejected", "occurred_at")

"""Assignments of people who visit a site in between: supervisors on their rounds, patrols."""

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "assignment",
        sa.Column("roving", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )


def downgrade() -> None:
    op.drop_column("assignment", "roving")

"""Pulses: when sweeps last finished, and a task last came through."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pulse",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulse"),
    )
    # The first one after an update may have much to remove: it counts from now. The others are
    # done within seconds of beat's start, and until then nobody can say that they are.
    op.execute("INSERT INTO pulse (name, at) VALUES ('prune', clock_timestamp())")


def downgrade() -> None:
    op.drop_table("pulse")

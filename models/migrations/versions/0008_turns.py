"""Turns of tenants, live work before backfill, and how fast a backfill is judged."""

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "pending",
        sa.Column("backfill", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_table(
        "turn",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("of_sweep", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_turn"),
    )
    op.create_table(
        "backfill_pace",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "since", name="pk_backfill_pace"),
    )


def downgrade() -> None:
    op.drop_table("backfill_pace")
    op.drop_table("turn")
    op.drop_column("pending", "backfill")

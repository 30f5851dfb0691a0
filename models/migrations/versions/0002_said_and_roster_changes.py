"""Anomalies remember what was said; the roster's changes wait; substitutes are found by person."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "anomaly", sa.Column("said", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    # Until now everything was said at once but for what is in shadow or was backfilled.
    op.execute("UPDATE anomaly SET said = true WHERE NOT shadow AND NOT backfill")
    op.create_index("ix_message_site", "message", ["tenant_id", "site_id", "position"])
    op.create_table(
        "roster_change",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "change_id", name="pk_roster_change"),
    )
    op.create_table(
        "substitute",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shift_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "person_id", "starts_at", "shift_id", name="pk_substitute"
        ),
    )
    op.execute(
        """
        INSERT INTO substitute (tenant_id, person_id, starts_at, shift_id)
        SELECT DISTINCT tenant_id, unnest(substitutes), starts_at, shift_id
        FROM shift WHERE NOT deleted
        """
    )


def downgrade() -> None:
    op.drop_table("substitute")
    op.drop_table("roster_change")
    op.drop_index("ix_message_site", "message")
    op.drop_column("anomaly", "said")

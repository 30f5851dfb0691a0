"""Who submitted what, what a clock ahead claimed, and which correction withdrew an anomaly.

All new columns are without a default: no table is rewritten, and each lock lasts a moment.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROSTER = (
    "tenant",
    "site",
    "person",
    "device",
    "assignment",
    "shift",
    "policy_version",
    "roster_change",
)
SUBMITTED = ("punch", "punch_revision", "rejected", *ROSTER)


def upgrade() -> None:
    for table in SUBMITTED:
        op.add_column(table, sa.Column("submitted_by", postgresql.JSONB(), nullable=True))
    for table in ("punch", "punch_revision"):
        op.add_column(table, sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("punch", sa.Column("voided_by", postgresql.JSONB(), nullable=True))
    op.add_column("pending", sa.Column("cause", postgresql.JSONB(), nullable=True))
    op.add_column("rejected", sa.Column("confined", sa.Boolean(), nullable=True))
    op.create_table(
        "withdrawal_trail",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("anomaly_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("punch_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("other_sites", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "anomaly_id", "at", name="pk_withdrawal_trail"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawal_trail"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("withdrawal_trail")
    op.drop_column("rejected", "confined")
    op.drop_column("pending", "cause")
    op.drop_column("punch", "voided_by")
    for table in ("punch", "punch_revision"):
        op.drop_column(table, "claimed_at")
    for table in SUBMITTED:
        op.drop_column(table, "submitted_by")

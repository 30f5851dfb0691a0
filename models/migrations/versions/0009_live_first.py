"""An index by which live work is found before a backfill, however much of that waits."""

from models.migrations.expand import build_index, drop_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("ix_pending_backfill", "pending", ["tenant_id", "backfill", "pending_id"])


def downgrade() -> None:
    drop_index("ix_pending_backfill", "pending")

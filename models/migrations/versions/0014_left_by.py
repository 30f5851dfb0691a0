"""An index by which it is found what withdrew an anomaly of a punch that was left for later."""

from models.migrations.expand import build_index, drop_index

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("ix_pending_by", "pending", ["tenant_id", "punch_id"], where="cause ? 'by'")


def downgrade() -> None:
    drop_index("ix_pending_by", "pending")

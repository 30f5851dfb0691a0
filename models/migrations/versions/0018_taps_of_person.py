"""An index by which a person's taps are found, which make stays with each other."""

from models.migrations.expand import build_index, drop_index

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index(
        "ix_punch_tap",
        "punch",
        ["tenant_id", "person_id", "occurred_at"],
        where="is_tap AND voided_at IS NULL",
    )


def downgrade() -> None:
    drop_index("ix_punch_tap", "punch")

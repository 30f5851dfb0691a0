"""An index by which shifts that nobody came for are found at a site."""

from models.migrations.expand import build_index, drop_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index(
        "ix_anomaly_missed",
        "anomaly",
        ["tenant_id", "site_id", "occurred_at"],
        where="standing AND reason IN ('no_show', 'no_show_unheard', 'stood_in_for')",
    )


def downgrade() -> None:
    drop_index("ix_anomaly_missed", "anomaly")

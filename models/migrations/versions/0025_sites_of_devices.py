"""An index by which the sites are found that a device was used at."""

from models.migrations.expand import build_index, drop_index

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index(
        "ix_punch_device_site",
        "punch",
        ["tenant_id", "device_id", "site_id"],
        where="device_id IS NOT NULL",
    )


def downgrade() -> None:
    drop_index("ix_punch_device_site", "punch")

"""Narrower indexes: biometrics of somebody else only, and sites with a policy of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_punch_another",
        "punch",
        ["tenant_id", "biometric_person_id", "occurred_at"],
        postgresql_where=sa.text("biometric_person_id <> person_id"),
    )
    op.drop_index("ix_punch_biometric_occurred", "punch")
    op.create_index(
        "ix_site_policy", "site", ["tenant_id"], postgresql_where=sa.text("policy <> '{}'")
    )


def downgrade() -> None:
    op.drop_index("ix_site_policy", "site")
    op.create_index(
        "ix_punch_biometric_occurred",
        "punch",
        ["tenant_id", "biometric_person_id", "occurred_at"],
        postgresql_where=sa.text("biometric_person_id IS NOT NULL"),
    )
    op.drop_index("ix_punch_another", "punch")

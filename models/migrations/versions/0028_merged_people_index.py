"""An index of who is merged into whom: few people are, and each change of people asks for them."""

from models.migrations.expand import build_index, drop_index

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index(
        "ix_person_version_merged",
        "person_version",
        ["tenant_id"],
        where="merged_into IS NOT NULL",
    )


def downgrade() -> None:
    drop_index("ix_person_version_merged", "person_version")

"""The spells that people began, by which is counted who checks out at a site."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spell",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("punch_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "punch_id", name="pk_spell"),
    )
    op.create_index(
        "ix_spell_person_begun",
        "spell",
        ["tenant_id", "site_id", "person_id", "begun_at"],
        postgresql_include=["closed"],
    )
    op.create_index(
        "ix_spell_site_begun",
        "spell",
        ["tenant_id", "site_id", "begun_at"],
        postgresql_include=["closed"],
    )


def downgrade() -> None:
    op.drop_table("spell")

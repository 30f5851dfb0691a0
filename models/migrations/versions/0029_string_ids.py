"""String ids: a number for each, in a range that no integer id is in."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "string_id",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "text", name="pk_string_id"),
    )
    op.create_index("uq_string_id_number", "string_id", ["number"], unique=True)


def downgrade() -> None:
    op.drop_table("string_id")

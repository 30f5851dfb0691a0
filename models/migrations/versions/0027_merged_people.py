"""Two records of one person: who counts as whom, and what was said where that is another."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.expand import add_column

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_merge",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", "since", name="pk_person_merge"),
    )
    for table in ("person", "person_version"):
        add_column(table, sa.Column("merged_into", sa.BigInteger(), nullable=True))
    for name in ("said_person_id", "said_biometric_person_id"):
        add_column("punch", sa.Column(name, sa.BigInteger(), nullable=True))
    add_column("shift", sa.Column("said_person_id", sa.BigInteger(), nullable=True))
    add_column(
        "shift", sa.Column("said_substitutes", postgresql.ARRAY(sa.BigInteger()), nullable=True)
    )


def downgrade() -> None:
    for table, columns in (
        ("shift", ("said_substitutes", "said_person_id")),
        ("punch", ("said_biometric_person_id", "said_person_id")),
        ("person_version", ("merged_into",)),
        ("person", ("merged_into",)),
    ):
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("person_merge")

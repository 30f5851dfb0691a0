"""Absences of people, and holidays of sites."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Days of all time zones lie within 15 hours of that in UTC. As Postgres spells it, so that what is
# there compares as equal.
SINCE = (
    "coalesce(absent_from, (absent_from_date::timestamp without time zone"
    " - '15:00:00'::interval) AT TIME ZONE 'UTC'::text)"
)
UNTIL = (
    "coalesce(absent_to, (absent_to_date::timestamp without time zone"
    " + '39:00:00'::interval) AT TIME ZONE 'UTC'::text)"
)


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("absence_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("absent_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_from_date", sa.Date(), nullable=True),
        sa.Column("absent_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_to_date", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fields_said_at", postgresql.JSONB(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "covers_since",
            sa.DateTime(timezone=True),
            sa.Computed(SINCE, persisted=True),
            nullable=True,
        ),
        sa.Column(
            "covers_until",
            sa.DateTime(timezone=True),
            sa.Computed(UNTIL, persisted=True),
            nullable=True,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("extra", postgresql.JSONB(), nullable=True),
        sa.Column("submitted_by", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "absence_id", name="pk_absence"),
    )
    op.create_index(
        "ix_absence_person_covers", "absence", ["tenant_id", "person_id", "covers_until"]
    )
    op.create_index("ix_absence_site_covers", "absence", ["tenant_id", "site_id", "covers_until"])


def downgrade() -> None:
    op.drop_table("absence")

"""The calendars of recurring maintenance windows; upkeep works out those that are there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.expand import add_column

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quiet_day",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quiet_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts", postgresql.ARRAY(sa.Time()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "quiet_id", "day", name="pk_quiet_day"),
    )
    add_column("quiet", sa.Column("calendar_until", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("quiet", "calendar_until")
    op.drop_table("quiet_day")

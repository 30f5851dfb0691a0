"""When each chore of a tenant is due: all of them now, as the release before did them all."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Only tenants with a recurring maintenance window have a calendar to extend.
ALL_NOW = """
INSERT INTO due (tenant_id, chore, at)
SELECT tenant_id, chore, clock_timestamp()
FROM tenant CROSS JOIN unnest(ARRAY['sweep', 'prune']) AS chore
UNION
SELECT tenant_id, 'calendar', clock_timestamp() FROM quiet
WHERE rrule IS NOT NULL AND cancelled_at IS NULL GROUP BY tenant_id
"""


def upgrade() -> None:
    op.create_table(
        "due",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chore", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "chore", name="pk_due"),
    )
    op.create_index("ix_due_at", "due", ["chore", "at"])
    op.execute(ALL_NOW)


def downgrade() -> None:
    op.drop_table("due")

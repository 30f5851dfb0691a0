"""When any assignment was in the roster, whenever it is valid.

A column of its own: workers of the release before go on writing when any was valid.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.expand import add_column

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "tenant",
        sa.Column(
            "assigned_spans",
            postgresql.TSTZMULTIRANGE(),
            server_default=sa.text("'{}'::tstzmultirange"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("tenant", "assigned_spans")

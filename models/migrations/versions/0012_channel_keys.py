"""The keys of the channel, of which the first is made here; and what each message is known by."""

import secrets

import sqlalchemy as sa
from alembic import op

from models.migrations.expand import add_column

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keys = op.create_table(
        "channel_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_channel_key"),
    )
    op.execute(
        sa.insert(keys).values(
            key_id=secrets.token_hex(4),
            secret=secrets.token_bytes(32),
            made_at=sa.func.clock_timestamp(),
        )
    )
    add_column("message", sa.Column("mark", sa.Text(), nullable=True))
    add_column("tenant", sa.Column("floor_mark", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenant", "floor_mark")
    op.drop_column("message", "mark")
    op.drop_table("channel_key")

"""The table of the channel's keys."""

from sqlalchemy import Column, LargeBinary, Table, Text

from models.tables.base import instant, metadata

# These rows are the installation's, so their key does not start with tenant_id either. There are
# two at most, and models.channel_keys says what they are for.
channel_key = Table(
    "channel_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    instant("made_at", nullable=False),
)

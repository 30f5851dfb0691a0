"""The feed: what was said to each tenant's viewers, numbered 1, 2, 3 ... in commit order; and what
viewers filter by.
"""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from models.tables.base import instant, json_object, metadata, tenant_key

# `body` is the payload as JSON text without its position, which is given out by the commit:
# models.feed puts it in. The columns beside it are what filters look at; prior_severity is what was
# said of the same anomaly before.
message = Table(
    "message",
    metadata,
    tenant_key(),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("site_id", BigInteger),
    Column("anomaly_type", Text),
    Column("severity", Text),
    Column("prior_severity", Text),
    Column("body", Text, nullable=False),
    instant("said_at", nullable=False),
    Index("ix_message_said", "tenant_id", "said_at"),
    # What viewers of a few sites replay, without reading what the rest of the tenant was told.
    Index("ix_message_site", "tenant_id", "site_id", "position"),
)

# message_ids of noc.publish that were said, so that one said again is not.
published = Table(
    "published",
    metadata,
    tenant_key(),
    Column("message_id", Text, primary_key=True),
    instant("said_at", nullable=False),
    # fields of the envelope that Rollcall does not know, kept as they came
    json_object("extra", nullable=True),
)

# The filter in force of a connection that set one, by the pid it recovers with; any server can read
# it.
viewer_filter = Table(
    "viewer_filter",
    metadata,
    tenant_key(),
    Column("pid", Text, primary_key=True),
    Column("sub", Text, nullable=False),
    json_object("filter"),
    instant("seen_at", nullable=False),
)

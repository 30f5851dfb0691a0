"""The tables of the feed: each tenant's messages, numbered 1, 2, 3 ... in commit order.

The filters of viewers are beside them.
"""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from models.tables.base import instant, json_object, metadata, tenant_key

# `body` is the payload as JSON text without its position, which models.feed puts in. Filters look
# at the other columns; prior_severity is the one that viewers were told before of the same anomaly
# or alert.
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
    # What the message is told by from another at its position, in a history that was restored from
    # a backup. Null in what the first edition said: see MARK in models.feed.
    Column("mark", Text),
    instant("said_at", nullable=False),
    Index("ix_message_said", "tenant_id", "said_at"),
    # Viewers of a few sites replay by it, without reading the messages of the others.
    Index("ix_message_site", "tenant_id", "site_id", "position"),
)

# The message_ids of noc.publish that were said, so that none is said twice.
published = Table(
    "published",
    metadata,
    tenant_key(),
    Column("message_id", Text, primary_key=True),
    instant("said_at", nullable=False),
    # Fields of the envelope that Rollcall does not know, kept as they came.
    json_object("extra", nullable=True),
)

# The filters of connections that set one, by the pid with which they recover on any server.
viewer_filter = Table(
    "viewer_filter",
    metadata,
    tenant_key(),
    Column("pid", Text, primary_key=True),
    Column("sub", Text, nullable=False),
    json_object("filter"),
    instant("seen_at", nullable=False),
)

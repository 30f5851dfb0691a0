"""The table of submissions that were refused, with the reasons.

They are never lost: the tenant's admins see them in a list, and resubmit what they have mended.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from models.tables.base import instant, json_object, metadata, submitter, tenant_key

# tenant_id is 0 where none could be read. Those rows are for whoever runs the installation.
rejected = Table(
    "rejected",
    metadata,
    tenant_key(),
    Column("rejected_id", Uuid, primary_key=True),
    Column("door", Text, nullable=False),  # the task it came by: attendance.submit, roster.sync ...
    Column("punch_id", Text),
    Column("person_id", BigInteger),
    Column("site_id", BigInteger),
    # As it came, as text: it may hold what JSONB refuses (NUL, lone surrogates).
    Column("content", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    json_object("reasons"),  # [{code, field, message}]
    # What a roster.sync has to bring before it can be judged: 'tenant', 'site', or null.
    Column("waits_for", Text),
    # Of a punch that waits: when that has to have been there. Null of others, and of old rows.
    instant("occurred_at"),
    Column("backfill", Boolean, nullable=False, server_default=text("false")),
    Column("times", Integer, nullable=False, server_default=text("1")),
    instant("received_at", nullable=False),
    instant("resubmitted_at"),
    submitter("submitted_by"),
    # Whether its submitter may write to some sites only. Taken up again later by itself, it may
    # then touch no site but its own.
    Column("confined", Boolean),
    Index("uq_rejected_content", "tenant_id", "content_hash", unique=True),
    Index("ix_rejected_received", "tenant_id", "received_at", "rejected_id"),
    # For the rejections that a punch settles when it comes.
    Index(
        "ix_rejected_open", "tenant_id", "punch_id", postgresql_where=text("resubmitted_at IS NULL")
    ),
    Index(
        "ix_rejected_waiting",
        "tenant_id",
        "site_id",
        postgresql_where=text("waits_for IS NOT NULL AND resubmitted_at IS NULL"),
    ),
)

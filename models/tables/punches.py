"""What was reported: punches as they stand, the contents they had before, and what waits to be
judged.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from models.tables.base import instant, json_object, metadata, submitter, tenant_key

# A void that came before its punch is a row without content: person_id and site_id are 0,
# content_hash is empty, and voided_at is set, as it stays when the content comes. Whoever reads
# punches to judge or list leaves out voided ones.
punch = Table(
    "punch",
    metadata,
    tenant_key(),
    Column("punch_id", Text, primary_key=True),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("is_check_in", Boolean, nullable=False),
    instant("occurred_at", nullable=False),
    Column("person_name", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("accuracy_m", Double),
    Column("is_mock_location", Boolean),
    Column("device_id", Text),
    Column("biometric_method", Text),
    Column("biometric_score", Double),
    Column("biometric_liveness", Double),
    Column("biometric_person_id", BigInteger),  # matched_person_id
    # Fields Rollcall does not know, kept as they came; null where there were none.
    json_object("extra", nullable=True),
    # 16 bytes over the parsed content without sent_at: the same content again changes nothing.
    Column("content_hash", LargeBinary, nullable=False),
    Column("schema_version", SmallInteger, nullable=False, server_default=text("1")),
    instant("sent_at"),
    instant("received_at", nullable=False),
    Column("backfill", Boolean, nullable=False, server_default=text("false")),
    instant("voided_at"),
    Column("void_reason", Text),
    # The `sent_at` it came with, where that was ahead of its receipt: `sent_at` is then the
    # receipt.
    instant("claimed_at"),
    # Who handed in the content that stands, and who voided it: models.intake.submitter says how it
    # is written.
    submitter("submitted_by"),
    submitter("voided_by"),
    Index("ix_punch_person_occurred", "tenant_id", "person_id", "occurred_at"),
    Index("ix_punch_site_occurred", "tenant_id", "site_id", "occurred_at"),
    Index(
        "ix_punch_device_occurred",
        "tenant_id",
        "device_id",
        "occurred_at",
        postgresql_where=text("device_id IS NOT NULL"),
    ),
    # Readers that recognised somebody else: a person's own biometrics are found by the person.
    Index(
        "ix_punch_another",
        "tenant_id",
        "biometric_person_id",
        "occurred_at",
        postgresql_where=text("biometric_person_id <> person_id"),
    ),
)

# Contents a corrected punch has had, first one included. A punch that was never corrected has no
# row here.
punch_revision = Table(
    "punch_revision",
    metadata,
    tenant_key(),
    Column("punch_id", Text, primary_key=True),
    Column("content_hash", LargeBinary, primary_key=True),
    json_object("content"),
    instant("sent_at"),
    instant("received_at", nullable=False),
    instant("claimed_at"),
    submitter("submitted_by"),
)

# What changed and is not judged yet: one row for each version of a punch that came or went. The
# judge deletes what it judged in the transaction that records the outcome, so a crash leaves the
# row. `attempts` counts the sweeps that took it and did not come back, or came back because they
# failed of it; `taken` are those that a sweep is at.
pending = Table(
    "pending",
    metadata,
    tenant_key(),
    Column("pending_id", BigInteger, Identity(always=True), primary_key=True),
    Column("punch_id", Text, nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    instant("occurred_at", nullable=False),
    Column("device_id", Text),
    Column("biometric_person_id", BigInteger),
    instant("received_at", nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("taken", Boolean, nullable=False, server_default=text("false")),
    # Of a version that a correction or a void brought or took away: which, and whose
    # (models.intake.punches.cause). Null for a new punch.
    json_object("cause", nullable=True),
)

# What `pending` holds of a version of a punch, and of its receipt: the columns that both tables
# have.
VERSION = tuple(
    column.name for column in pending.c if column.name in punch.c and column.name != "received_at"
)

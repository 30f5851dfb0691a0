"""The tables of punches as they stand, of the contents they had, and of what waits to be judged."""

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
# content_hash is empty, and voided_at is set, which stays so when the content comes. Whoever reads
# punches to judge or list them leaves out voided ones.
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
    # The `sent_at` it came with, where that was ahead of its receipt, which `sent_at` then is.
    instant("claimed_at"),
    # Who submitted the content that stands, and who voided it, as models.intake.submitter has it.
    submitter("submitted_by"),
    submitter("voided_by"),
    # The clock did not tell a direction. `is_check_in` holds as well then.
    Column("is_tap", Boolean, nullable=False, server_default=text("false")),
    # `person_id` and `biometric_person_id` are as they count, merged people as who they are then:
    # from when the punch is judged on. These are what was submitted, null where that is the same.
    Column("said_person_id", BigInteger),
    Column("said_biometric_person_id", BigInteger),
    Index("ix_punch_person_occurred", "tenant_id", "person_id", "occurred_at"),
    Index("ix_punch_site_occurred", "tenant_id", "site_id", "occurred_at"),
    Index(
        "ix_punch_device_occurred",
        "tenant_id",
        "device_id",
        "occurred_at",
        postgresql_where=text("device_id IS NOT NULL"),
    ),
    # For the sites that a device was used at.
    Index(
        "ix_punch_device_site",
        "tenant_id",
        "device_id",
        "site_id",
        postgresql_where=text("device_id IS NOT NULL"),
    ),
    # For punches at which the reader recognised somebody else; a person's own are found by person.
    Index(
        "ix_punch_another",
        "tenant_id",
        "biometric_person_id",
        "occurred_at",
        postgresql_where=text("biometric_person_id <> person_id"),
    ),
    # For a person's taps, which make stays with each other.
    Index(
        "ix_punch_tap",
        "tenant_id",
        "person_id",
        "occurred_at",
        postgresql_where=text("is_tap AND voided_at IS NULL"),
    ),
)

# All contents that a corrected punch has had. A punch that was never corrected has no row here.
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

# The punches to judge: one row for each version of one that came or went. The judge deletes a row
# in the transaction that records the outcome, so a crash leaves it. `attempts` counts the sweeps
# that took it and died, or failed because of it; `taken` is set while a sweep is at it.
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
    # The correction or void that brought this version or took it away
    # (models.intake.punches.cause). Null for a new punch. `by` are others that concern it as well.
    json_object("cause", nullable=True),
    # Whether a backfill brought this version or took it away: live work is judged before it.
    Column("backfill", Boolean, nullable=False, server_default=text("false")),
    Index("ix_pending_backfill", "tenant_id", "backfill", "pending_id"),
    # For what withdrew an anomaly of a punch that was left to a later judgement.
    Index("ix_pending_by", "tenant_id", "punch_id", postgresql_where=text("cause ? 'by'")),
)

# The columns of a version of a punch, which both tables have.
VERSION = tuple(
    column.name
    for column in pending.c
    if column.name in punch.c and column.name not in ("received_at", "backfill")
)

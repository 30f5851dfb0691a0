"""The tables of alerts, of their anomalies and their trail, of reviews, and of quiet."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    Table,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from models.tables.base import instant, metadata, tenant_key
from models.vocabulary import ALERT_STATES

# Queries spell it as the index below, or the planner does not use that. So a further state that is
# not open takes a migration.
IS_OPEN = " AND ".join(
    f"status <> '{name}'" for name, state in ALERT_STATES.items() if not state.is_open
)

# The unique partial index allows one open alert per person, site and type, whoever writes. Whoever
# does holds the tenant's alerts_lock_key, so that nobody moves what somebody else has read.
alert = Table(
    "alert",
    metadata,
    tenant_key(),
    Column("alert_id", Uuid, primary_key=True),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("anomaly_type", Text, nullable=False),
    Column("person_name", Text),
    Column("site_name", Text),
    Column("device_id", Text),  # of its latest punch, for correlation
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("message", Text, nullable=False),
    instant("first_seen", nullable=False),
    instant("last_seen", nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("assigned_to", Text),
    Column("escalation_step", Integer, nullable=False, server_default=text("0")),
    Column("escalated_to", Text),
    instant("escalates_at"),  # when the next step of the chain is due, null where none is
    instant("relapses_at"),  # when it falls back to NEW for lack of progress, null where never
    Column("quiet_id", Uuid),  # the silence or maintenance window that hides it while SUPPRESSED
    instant("quiet_until"),
    Column("quiet_reason", Text),
    # Counts changes: a move names the version it saw, so that of two operators at once one gets
    # `conflict`.
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("acknowledged_at"),
    instant("resolved_at"),
    Column("seconds_to_acknowledge", Double),
    Column("seconds_to_resolve", Double),
    Index(
        "uq_alert_open",
        "tenant_id",
        "person_id",
        "site_id",
        "anomaly_type",
        unique=True,
        postgresql_where=text(IS_OPEN),
    ),
    Index("ix_alert_created", "tenant_id", "created_at", "alert_id"),
    Index("ix_alert_person_seen", "tenant_id", "person_id", "last_seen"),
    Index("ix_alert_site_seen", "tenant_id", "site_id", "last_seen"),
    Index(
        "ix_alert_device_seen",
        "tenant_id",
        "device_id",
        "last_seen",
        postgresql_where=text("device_id IS NOT NULL"),
    ),
    Index("ix_alert_correlation", "tenant_id", "correlation_id"),
    Index("ix_alert_escalates", "escalates_at", postgresql_where=text("escalates_at IS NOT NULL")),
    Index("ix_alert_relapses", "relapses_at", postgresql_where=text("relapses_at IS NOT NULL")),
    Index("ix_alert_quiet", "quiet_until", postgresql_where=text("quiet_until IS NOT NULL")),
)

alert_anomaly = Table(
    "alert_anomaly",
    metadata,
    tenant_key(),
    Column("alert_id", Uuid, primary_key=True),
    Column("anomaly_id", Uuid, primary_key=True),
    Index("ix_alert_anomaly_anomaly", "tenant_id", "anomaly_id"),
)

# Append-only: the migration puts a trigger on both trails that refuses to change or remove a row.
alert_trail = Table(
    "alert_trail",
    metadata,
    tenant_key(),
    Column("alert_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    instant("at", nullable=False),
    Column("actor", Text, nullable=False),  # the token's sub, or `system`
    Column("role", Text, nullable=False),
    # A move of models.alerts.moves, or `create`, `bump`, `wait` (a later end of quiet).
    Column("move", Text, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("note", Text),
    Column("assignee", Text),
    # How many anomalies came with this line. Over all lines of an alert they add up to its count,
    # and over all lines with a quiet_id to what that silence or maintenance window hid.
    Column("added", Integer, nullable=False),
    Column("quiet_id", Uuid),
    Index(
        "ix_alert_trail_quiet",
        "tenant_id",
        "quiet_id",
        postgresql_where=text("quiet_id IS NOT NULL"),
    ),
)

review_trail = Table(
    "review_trail",
    metadata,
    tenant_key(),
    Column("anomaly_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    instant("at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text),
    Column("policy_version", Integer, nullable=False),
)

# A silence has an end; a maintenance window has a start and a length and, where it recurs, an RFC
# 5545 rule in its sites' time. An empty list matches all.
quiet = Table(
    "quiet",
    metadata,
    tenant_key(),
    Column("quiet_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),  # silence | maintenance | recurring
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("severities", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("sites", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("people", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    instant("starts_at", nullable=False),
    instant("ends_at"),  # null for a recurring maintenance window without an end
    # The first start of a recurring maintenance window, in wall time at its sites.
    Column("starts_wall", DateTime(timezone=False)),
    Column("duration_seconds", Double),
    Column("rrule", Text),
    instant("created_at", nullable=False),
    instant("cancelled_at"),  # when it was ended before its time
    Column("cancelled_by", Text),
    # The calendar of one that recurs is in quiet_day up to this day, without it; null for none yet.
    Column("calendar_until", Date),
    Index("ix_quiet_starts", "tenant_id", "starts_at"),
)

# The days on which recurring maintenance windows start, in wall time at their sites, worked out
# some 400 days ahead by models.alerts.calendar.
quiet_day = Table(
    "quiet_day",
    metadata,
    tenant_key(),
    Column("quiet_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("starts", ARRAY(Time), nullable=False),
)

"""Alerts with their trail, reviews with theirs, silences and maintenance windows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TRAILS = ("alert_trail", "review_trail")
REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("anomaly_type", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), nullable=True),
        sa.Column("site_name", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("escalation_step", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("escalated_to", sa.Text(), nullable=True),
        sa.Column("escalates_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("relapses_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_id", sa.Uuid(), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds_to_acknowledge", sa.Double(), nullable=True),
        sa.Column("seconds_to_resolve", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "alert_id", name="pk_alert"),
    )
    op.create_index("ix_alert_correlation", "alert", ["tenant_id", "correlation_id"])
    op.create_index("ix_alert_created", "alert", ["tenant_id", "created_at", "alert_id"])
    op.create_index(
        "ix_alert_device_seen",
        "alert",
        ["tenant_id", "device_id", "last_seen"],
        postgresql_where=sa.text("device_id IS NOT NULL"),
    )
    op.create_index(
        "ix_alert_escalates",
        "alert",
        ["escalates_at"],
        postgresql_where=sa.text("escalates_at IS NOT NULL"),
    )
    op.create_index("ix_alert_person_seen", "alert", ["tenant_id", "person_id", "last_seen"])
    op.create_index(
        "ix_alert_quiet",
        "alert",
        ["quiet_until"],
        postgresql_where=sa.text("quiet_until IS NOT NULL"),
    )
    op.create_index(
        "ix_alert_relapses",
        "alert",
        ["relapses_at"],
        postgresql_where=sa.text("relapses_at IS NOT NULL"),
    )
    op.create_index("ix_alert_site_seen", "alert", ["tenant_id", "site_id", "last_seen"])
    op.create_index(
        "uq_alert_open",
        "alert",
        ["tenant_id", "person_id", "site_id", "anomaly_type"],
        unique=True,
        postgresql_where=sa.text("status <> 'RESOLVED'"),
    )
    op.create_table(
        "alert_anomaly",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("anomaly_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "alert_id", "anomaly_id", name="pk_alert_anomaly"),
    )
    op.create_index("ix_alert_anomaly_anomaly", "alert_anomaly", ["tenant_id", "anomaly_id"])
    op.create_table(
        "alert_trail",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("quiet_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "alert_id", "version", name="pk_alert_trail"),
    )
    op.create_index(
        "ix_alert_trail_quiet",
        "alert_trail",
        ["tenant_id", "quiet_id"],
        postgresql_where=sa.text("quiet_id IS NOT NULL"),
    )
    op.create_table(
        "quiet",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quiet_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "severities",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "sites",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "people",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_wall", sa.DateTime(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("rrule", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "quiet_id", name="pk_quiet"),
    )
    op.create_index("ix_quiet_starts", "quiet", ["tenant_id", "starts_at"])
    op.create_table(
        "review_trail",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("anomaly_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "anomaly_id", "number", name="pk_review_trail"),
    )
    op.add_column("anomaly", sa.Column("reviewed_version", sa.Integer(), nullable=True))
    op.create_index(
        "ix_anomaly_reviewed",
        "anomaly",
        ["tenant_id", "anomaly_type", "site_id", "reviewed_version", "review"],
        postgresql_where=sa.text("review IN ('CONFIRMED', 'FALSE_POSITIVE')"),
    )
    op.execute("UPDATE anomaly SET reviewed_version = policy_version WHERE review IS NOT NULL")
    op.execute(REFUSE)
    for trail in TRAILS:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {trail}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index("ix_anomaly_reviewed", "anomaly")
    op.drop_column("anomaly", "reviewed_version")
    for table in ("review_trail", "quiet", "alert_trail", "alert_anomaly", "alert"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")

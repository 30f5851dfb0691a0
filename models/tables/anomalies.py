"""What detection found: one row per subject (punch or shift), type, person and site, for ever.

`standing` says whether it still holds.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from models.tables.base import instant, json_object, metadata, submitter, tenant_key
from models.vocabulary import ANOMALY_STATES

_RIGHT_OR_WRONG = ", ".join(
    f"'{name}'" for name, state in ANOMALY_STATES.items() if state.is_right is not None
)
_MISSED = "'no_show', 'no_show_unheard', 'stood_in_for'"

anomaly = Table(
    "anomaly",
    metadata,
    tenant_key(),
    Column("anomaly_id", Uuid, primary_key=True),
    # One of the two is set; the other is ''. A shift and a punch may have the same id.
    Column("punch_id", Text, nullable=False, server_default=text("''")),
    Column("shift_id", Text, nullable=False, server_default=text("''")),
    Column("anomaly_type", Text, nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("person_name", Text),
    Column("site_name", Text),
    Column("severity", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    # `evidence` names only the anomaly's own site. `private_evidence` is what rests on
    # `other_sites`, for tokens that cover them.
    json_object("evidence"),
    json_object("private_evidence", nullable=True),
    Column("other_sites", Text, nullable=False, server_default=text("''")),
    Column("fraud_score", Double, nullable=False),
    Column("policy_version", Integer, nullable=False),
    instant("occurred_at", nullable=False),
    instant("detected_at", nullable=False),
    instant("updated_at", nullable=False),
    Column("standing", Boolean, nullable=False, server_default=text("true")),
    Column("shadow", Boolean, nullable=False, server_default=text("false")),
    Column("backfill", Boolean, nullable=False, server_default=text("false")),
    # Whether viewers were ever told of it: the first message is `anomaly_detected`, any later one
    # `anomaly_updated`.
    Column("said", Boolean, nullable=False, server_default=text("false")),
    # An operator's latest verdict, and the version of the policy that it judged.
    Column("review", Text),
    Column("reviewed_version", Integer),
    Index(
        "uq_anomaly_identity",
        "tenant_id",
        "punch_id",
        "shift_id",
        "anomaly_type",
        "person_id",
        "site_id",
        unique=True,
    ),
    Index("ix_anomaly_detected", "tenant_id", "detected_at", "anomaly_id"),
    Index("ix_anomaly_person", "tenant_id", "person_id", "occurred_at"),
    # For shifts that nobody came for, of which something may say another reason.
    Index(
        "ix_anomaly_missed",
        "tenant_id",
        "site_id",
        "occurred_at",
        postgresql_where=text(f"standing AND reason IN ({_MISSED})"),
    ),
    # Precision is counted from these.
    Index(
        "ix_anomaly_reviewed",
        "tenant_id",
        "anomaly_type",
        "site_id",
        "reviewed_version",
        "review",
        postgresql_where=text(f"review IN ({_RIGHT_OR_WRONG})"),
    ),
)

# The corrections and voids that had anomalies withdrawn, and whose they were. Append-only, as the
# other trails are.
withdrawal_trail = Table(
    "withdrawal_trail",
    metadata,
    tenant_key(),
    Column("anomaly_id", Uuid, primary_key=True),
    instant("at", nullable=False, primary_key=True),  # of the judgement
    Column("cause", Text, nullable=False),  # correction | void
    # The anomaly's own punch, or a neighbour on which it rested.
    Column("punch_id", Text, nullable=False),
    Column("content_hash", LargeBinary),  # of the content that a correction brought
    Column("other_sites", Text, nullable=False, server_default=text("''")),  # as of an anomaly
    instant("received_at", nullable=False),  # of the correction or void
    submitter("submitted_by"),
)

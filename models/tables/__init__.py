"""Every table of Rollcall.

Each primary key but those of `pulse` and `channel_key` starts with `tenant_id`; whatever works for
a tenant names it.
"""

from models.tables.alerts import alert, alert_anomaly, alert_trail, quiet, quiet_day, review_trail
from models.tables.anomalies import anomaly, withdrawal_trail
from models.tables.base import metadata
from models.tables.channel import channel_key
from models.tables.due import due
from models.tables.feed import message, published, viewer_filter
from models.tables.past import (
    device_version,
    person_version,
    site_version,
    statement,
    tenant_version,
)
from models.tables.pulse import pulse
from models.tables.punches import pending, punch, punch_revision
from models.tables.rejected import rejected
from models.tables.roster import (
    absence,
    assignment,
    device,
    person,
    person_merge,
    policy_version,
    roster_change,
    shift,
    site,
    substitute,
    tenant,
)
from models.tables.spells import spell
from models.tables.string_ids import string_id
from models.tables.turns import backfill_pace, turn

__all__ = [
    "absence",
    "alert",
    "alert_anomaly",
    "alert_trail",
    "anomaly",
    "assignment",
    "backfill_pace",
    "channel_key",
    "device",
    "device_version",
    "due",
    "message",
    "metadata",
    "pending",
    "person",
    "person_merge",
    "person_version",
    "policy_version",
    "published",
    "pulse",
    "punch",
    "punch_revision",
    "quiet",
    "quiet_day",
    "rejected",
    "review_trail",
    "roster_change",
    "shift",
    "site",
    "site_version",
    "spell",
    "statement",
    "string_id",
    "substitute",
    "tenant",
    "tenant_version",
    "turn",
    "viewer_filter",
    "withdrawal_trail",
]

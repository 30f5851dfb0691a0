"""What time does to alerts: they escalate, fall back to NEW, and come out of quiet. Each once, however many schedulers run.

The moments stand in the rows. Whoever takes them holds the alerts' lock, and the next to come finds them changed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models import feed
from models.alerts.move import POLICIES, WITH_POLICIES, apply, policy_of
from models.alerts.moves import SYSTEM
from models.alerts.quiet import Quiet, cover_of
from models.alerts.quiet_rows import read_quiet
from models.alerts.rows import Alert, Entry, lock_alerts, save
from models.database import transaction
from models.vocabulary import TAKEN_UP
from worker import metrics
from worker.alerts.follow import WITHDRAWN
from worker.alerts.quieting import keep_quiet
from worker.emit import Emit

BATCH = 500

_MOMENTS = ("escalates_at", "relapses_at", "quiet_until")
_TENANTS = " UNION ".join(f"SELECT tenant_id FROM alert WHERE {moment} <= clock_timestamp()" for moment in _MOMENTS)
_DUE = f"""
SELECT {POLICIES}, (
    SELECT count(*) FROM alert_anomaly AS part JOIN anomaly USING (tenant_id, anomaly_id)
    WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id AND standing AND NOT shadow
) AS standing
FROM {WITH_POLICIES}
WHERE alert.tenant_id = %(tenant_id)s AND alert_id IN (
    {" UNION ".join(f"SELECT alert_id FROM alert WHERE tenant_id = %(tenant_id)s AND {moment} <= %(at)s" for moment in _MOMENTS)}
)
ORDER BY alert_id LIMIT {BATCH}
"""


def tenants_due(cursor: Cursor) -> list[int]:
    return [tenant_id for (tenant_id,) in cursor.execute(_TENANTS)]


def keep_alerts(engine: Engine, tenant_id: int, emit: Emit) -> None:
    """Do what is due of the tenant's alerts, in batches of a constant number of statements, each said once it is committed."""
    taken = BATCH
    while taken == BATCH:
        with transaction(engine) as cursor:
            taken, messages, appended = _keep_some(cursor, tenant_id)
        if appended:
            for message in messages:
                metrics.SAID.labels(event=message.event, anomaly_type=message.anomaly_type or "").inc()
            emit(tenant_id, *appended, messages)


def _keep_some(cursor: Cursor, tenant_id: int) -> tuple[int, list[feed.Message], feed.Appended | None]:
    at = lock_alerts(cursor, tenant_id)
    due = _due(cursor, tenant_id, at)
    quiets = read_quiet(cursor, tenant_id, at)
    messages = save(cursor, [_entry(alert, quiets, at) for alert in due], at)
    return len(due), messages, feed.append(cursor, tenant_id, messages) if messages else None


def _due(cursor: Cursor, tenant_id: int, at: datetime) -> list[Alert]:
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(_DUE, {"tenant_id": tenant_id, "at": at}).fetchall()


def _entry(alert: dict[str, Any], quiets: Sequence[Quiet], at: datetime) -> Entry:
    """What its moment makes of an alert. Afterwards none of its moments is due any more."""
    if alert["status"] == "SUPPRESSED":
        return _end_of_quiet(alert, quiets, at)
    move = "relapse" if alert["status"] in TAKEN_UP else "escalate"
    before = apply(alert, move, SYSTEM, policy_of(alert), at, {})
    note = "No progress since it was taken up." if move == "relapse" else f"Nobody acknowledged it; {alert['escalated_to']} is asked."
    return Entry(alert, SYSTEM, SYSTEM, move, before, note)


def _end_of_quiet(alert: dict[str, Any], quiets: Sequence[Quiet], at: datetime) -> Entry:
    """Raised where it still stands, unless something else keeps it quiet."""
    reason = alert["quiet_reason"]
    if not alert["standing"]:
        before = apply(alert, "resolve", SYSTEM, policy_of(alert), at, {})
        return Entry(alert, SYSTEM, SYSTEM, "resolve", before, WITHDRAWN)
    if cover := cover_of(quiets, alert, at, ZoneInfo(alert["timezone"] or "UTC")):
        keep_quiet(alert, cover)
        return Entry(alert, SYSTEM, SYSTEM, "wait", "SUPPRESSED", cover.quiet.reason)
    before = apply(alert, "raise", SYSTEM, policy_of(alert), at, {})
    return Entry(alert, SYSTEM, SYSTEM, "raise", before, f"It stands still at the end of quiet: {reason}")

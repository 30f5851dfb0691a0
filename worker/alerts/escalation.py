"""Do what time does to alerts: they escalate, fall back to NEW, and come out of quiet.

They do so once, however many schedulers run: the moments stand in the rows. Whoever takes those
holds the alerts' lock, and the next to come finds them changed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models import feed
from models.alerts.alert import Alert
from models.alerts.move import POLICIES, WITH_POLICIES, apply, policy_in
from models.alerts.moves import SYSTEM
from models.alerts.quiet import Quiet, cover_of
from models.alerts.quiet_rows import read_quiet
from models.alerts.rows import Entry, alert_in, lock_alerts, messages_of, save
from models.database import transaction
from models.ids import Id
from models.policy import Policy
from models.vocabulary import TAKEN_UP
from worker import metrics
from worker.alerts.follow import WITHDRAWN
from worker.alerts.quieting import kept_quiet
from worker.emit import Emit

BATCH = 500  # alerts in one transaction
KEEP_SECONDS = 10.0

_MOMENTS = ("escalates_at", "relapses_at", "quiet_until")
# Each moment has an index, which clock_timestamp() would leave unused: it changes while it is read.
_TENANT = "SELECT tenant_id FROM alert WHERE {} <= statement_timestamp()"
_TENANTS = " UNION ".join(map(_TENANT.format, _MOMENTS))
_ALERT = "SELECT alert_id FROM alert WHERE tenant_id = %(tenant_id)s AND {} <= %(at)s"
_ALERTS = " UNION ".join(map(_ALERT.format, _MOMENTS))
_DUE = f"""
SELECT {POLICIES}, (
    SELECT count(*) FROM alert_anomaly AS part JOIN anomaly USING (tenant_id, anomaly_id)
    WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id
        AND standing AND NOT shadow
) AS standing
FROM {WITH_POLICIES}
WHERE alert.tenant_id = %(tenant_id)s AND alert_id IN ({_ALERTS})
ORDER BY alert_id LIMIT {BATCH}
"""


class Due(NamedTuple):
    """An alert of which a moment has come, and what decides what becomes of it.

    `standing` is how many of its anomalies still stand; policy and time zone are its site's.
    """

    alert: Alert
    standing: int
    policy: Policy
    zone: ZoneInfo


def tenants_due(cursor: Cursor) -> list[Id]:
    """Return the tenants with an alert of which a moment has come."""
    return [tenant_id for (tenant_id,) in cursor.execute(_TENANTS)]


def keep_alerts(
    engine: Engine, tenant_id: Id, emit: Emit, *, seconds: float = KEEP_SECONDS
) -> bool:
    """Do what is due for the tenant's alerts, in batches, and say each once it is committed.

    A batch takes a constant number of statements. Return whether more may be due: but for the
    first, none begins after so many `seconds`.
    """
    until = time.monotonic() + seconds
    while True:
        with transaction(engine) as cursor:
            taken, messages, appended = _keep_some(cursor, tenant_id)
        if appended:
            for message in messages:
                labels = {"event": message.event, "anomaly_type": message.anomaly_type or ""}
                metrics.MESSAGES.labels(**labels).inc()
            emit(tenant_id, *appended, messages)
        if taken < BATCH or time.monotonic() >= until:
            return taken == BATCH


def _keep_some(
    cursor: Cursor,
    tenant_id: Id,
) -> tuple[int, list[feed.Message], feed.Appended | None]:
    """Do one batch, and return how many alerts it had, and what was appended to the feed."""
    at = lock_alerts(cursor, tenant_id)
    due = _due(cursor, tenant_id, at)
    quiets = read_quiet(cursor, tenant_id, at)
    entries = [_entry(alert, quiets, at) for alert in due]
    messages = messages_of(save(cursor, entries, at))
    return len(due), messages, feed.append(cursor, tenant_id, messages) if messages else None


def _due(cursor: Cursor, tenant_id: Id, at: datetime) -> list[Due]:
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return [_due_in(row) for row in rows.execute(_DUE, {"tenant_id": tenant_id, "at": at})]


def _due_in(row: Mapping[str, Any]) -> Due:
    zone = ZoneInfo(row["timezone"] or "UTC")
    return Due(alert_in(row), row["standing"], policy_in(row), zone)


def _entry(due: Due, quiets: Sequence[Quiet], at: datetime) -> Entry:
    """Return what becomes of an alert. None of its moments is due any more afterwards."""
    status = due.alert.status
    if status == "SUPPRESSED":
        return _end_of_quiet(due, quiets, at)
    if status in TAKEN_UP:
        return _moved(due, "relapse", at, "No progress since it was taken up.")
    escalated = _moved(due, "escalate", at)
    note = f"Nobody acknowledged it; {escalated.alert.escalated_to} is asked."
    return replace(escalated, note=note)


def _end_of_quiet(due: Due, quiets: Sequence[Quiet], at: datetime) -> Entry:
    """Return the alert resolved, or raised, or still quiet where something else keeps it so."""
    if not due.standing:
        return _moved(due, "resolve", at, WITHDRAWN)
    if cover := cover_of(quiets, due.alert, at, due.zone):
        return Entry(
            before=due.alert,
            alert=kept_quiet(due.alert, cover),
            actor=SYSTEM,
            role=SYSTEM,
            move="wait",
            note=cover.quiet.reason,
        )
    reason = due.alert.quiet_reason
    return _moved(due, "raise", at, f"It stands still at the end of quiet: {reason}")


def _moved(due: Due, move: str, at: datetime, note: str | None = None) -> Entry:
    return Entry(
        before=due.alert,
        alert=apply(due.alert, move, SYSTEM, due.policy, at, {}),
        actor=SYSTEM,
        role=SYSTEM,
        move=move,
        note=note,
    )

"""Alerts as the pipeline leaves them, without the pipeline."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from models import feed
from models.alerts.move import Actor, Moved, Wanted, make_moves
from models.alerts.rows import COLUMNS, Entry, lock_alerts, save
from models.database import transaction
from models.ids import time_ordered_id

OPERATOR = Actor("olga", "operator", None)


def open_alert(engine: Engine, *, tenant_id: int = 1, ago: timedelta = timedelta(0), **fields: Any) -> UUID:
    """A NEW alert of acme's person 1 at site 15, its first line in the trail and in the feed. Its id."""
    now = datetime.now(UTC) - ago
    alert = dict.fromkeys(COLUMNS) | {
        "tenant_id": tenant_id,
        "alert_id": time_ordered_id(now),
        "person_id": 1,
        "site_id": 15,
        "anomaly_type": "WRONG_PERSON",
        "person_name": "Person 1",
        "site_name": "Site 15",
        "status": "NEW",
        "severity": "HIGH",
        "count": 1,
        "message": "It was somebody else.",
        "first_seen": now,
        "last_seen": now,
        "correlation_id": time_ordered_id(now),
        "escalation_step": 0,
        "version": 0,
        "created_at": now,
        **fields,
    }
    with transaction(engine) as cursor:
        at = lock_alerts(cursor, tenant_id)
        messages = save(cursor, [Entry(alert, "system", "system", "create", None, added=alert["count"])], at)
        feed.append(cursor, tenant_id, messages)
    return alert["alert_id"]


def move(engine: Engine, alert_id: UUID, name: str, actor: Actor = OPERATOR, *, tenant_id: int = 1, **arguments: Any) -> Moved:
    ((moved,), _) = make_moves(engine, tenant_id, actor, [Wanted(alert_id, name, **arguments)])
    return moved


def trail(engine: Engine, alert_id: UUID) -> list[tuple]:
    """move, actor, from, to, note, added; in order."""
    with transaction(engine) as cursor:
        sql = "SELECT move, actor, from_status, to_status, note, added FROM alert_trail WHERE alert_id = %s ORDER BY version"
        return cursor.execute(sql, (alert_id,)).fetchall()

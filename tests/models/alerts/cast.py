"""Alerts as the pipeline leaves them, without the pipeline."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID

from dateutil.rrule import rrule
from sqlalchemy import Engine

from models import feed
from models.alerts.alert import Alert
from models.alerts.move import Actor, Moved, WantedMove, make_moves
from models.alerts.moves import SYSTEM
from models.alerts.rows import Entry, lock_alerts, messages_of, save
from models.database import transaction
from models.ids import time_ordered_id
from models.schemas.quiet import Recurring

OPERATOR = Actor("olga", "operator", None)
# The most starts that a rule may have, from the first day that it may have.
HOSTILE = "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=" + ",".join(map(str, range(24)))
LONG_AGO = "2000-01-01T00:00:00"
_TRAIL = """
SELECT move, actor, from_status, to_status, note, added FROM alert_trail
WHERE alert_id = %s ORDER BY version
"""


def open_alert(
    engine: Engine,
    *,
    tenant_id: int = 1,
    ago: timedelta = timedelta(0),
    **fields: Any,
) -> UUID:
    """Store a NEW alert of acme's person 1 at site 15, with trail and message. Return its id."""
    now = datetime.now(UTC) - ago
    alert = new_alert(now, tenant_id=tenant_id, **fields)
    with transaction(engine) as cursor:
        at = lock_alerts(cursor, tenant_id)
        by = {"actor": SYSTEM, "role": SYSTEM}
        entry = Entry(before=None, alert=alert, move="create", added=alert.count, **by)
        feed.append(cursor, tenant_id, messages_of(save(cursor, [entry], at)))
    return alert.alert_id


def new_alert(now: datetime, **fields: Any) -> Alert:
    """Return such an alert as a value, which is not stored."""
    defaults: dict[str, Any] = {
        "tenant_id": 1,
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
        "created_at": now,
        "updated_at": now,
    }
    return Alert(**defaults | fields)


def move(
    engine: Engine,
    alert_id: UUID,
    name: str,
    actor: Actor = OPERATOR,
    *,
    tenant_id: int = 1,
    **arguments: Any,
) -> Moved:
    ((moved,), _) = make_moves(engine, tenant_id, actor, [WantedMove(alert_id, name, **arguments)])
    return moved


def trail(engine: Engine, alert_id: UUID) -> list[tuple[Any, ...]]:
    """Return (move, actor, from_status, to_status, note, added) of each line, in their order."""
    with transaction(engine) as cursor:
        return cursor.execute(_TRAIL, (alert_id,)).fetchall()


def recurring(rule: str, starts: str = LONG_AGO, minutes: float = 30, **more: Any) -> Recurring:
    content = {
        "kind": "recurring",
        "reason": "Works.",
        "starts_at": starts,
        "duration_minutes": minutes,
        "rrule": rule,
        **more,
    }
    return Recurring.model_validate(content)


@contextmanager
def followed() -> Iterator[list[rrule]]:
    """Yield a list of the rules that are followed within the block."""
    rules: list[rrule] = []
    follow = rrule._iter

    def noting(rule: rrule) -> Any:
        rules.append(rule)
        return follow(rule)

    with mock.patch.object(rrule, "_iter", noting):
        yield rules

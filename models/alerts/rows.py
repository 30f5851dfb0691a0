"""Alerts as rows: writing whole ones with their trail in two statements, and what is said of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from psycopg import Cursor

from models.feed import Message
from models.locks import alerts_lock_key
from models.schemas.said import instant_text
from models.tables import alert as alert_table

Alert = dict[str, Any]  # the columns of the table `alert`

COLUMNS = tuple(str(column.name) for column in alert_table.c)


class Entry(NamedTuple):
    """One line of an alert's trail: who did what when, from which status it led where, and how many anomalies came with it.

    `prior_severity` is what viewers were told before, where that was another.
    """

    alert: Alert
    actor: str
    role: str
    move: str
    from_status: str | None
    note: str | None = None
    assignee: str | None = None
    added: int = 0
    prior_severity: str | None = None


_FIXED = ("tenant_id", "alert_id", "person_id", "site_id", "anomaly_type", "first_seen", "created_at")
_SAVE = f"""
INSERT INTO alert SELECT * FROM jsonb_populate_recordset(NULL::alert, %(rows)s::jsonb)
ON CONFLICT (tenant_id, alert_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in _FIXED)}
"""
_TRAIL = "INSERT INTO alert_trail SELECT * FROM jsonb_populate_recordset(NULL::alert_trail, %(rows)s::jsonb)"


def lock_alerts(cursor: Cursor, tenant_id: int) -> datetime:
    """Wait until nobody else writes the tenant's alerts; the moment, by the database's clock. What is read after it holds."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (alerts_lock_key(tenant_id),))
    row = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


def save(cursor: Cursor, entries: Sequence[Entry], at: datetime) -> list[Message]:
    """Write the alerts of `entries`, each with the next version, and the entries; what is to be said of them, in their order.

    The caller holds the alerts' lock. One entry an alert.
    """
    if not entries:
        return []
    for entry in entries:
        entry.alert.update(version=entry.alert["version"] + 1, updated_at=at)
    cursor.execute(_SAVE, {"rows": _json([{name: entry.alert[name] for name in COLUMNS} for entry in entries])})
    cursor.execute(_TRAIL, {"rows": _json([_line(entry, at) for entry in entries])})
    return [message_of(entry.alert, entry.prior_severity, created=entry.move == "create") for entry in entries]


def message_of(alert: Mapping[str, Any], prior_severity: str | None = None, *, created: bool = False) -> Message:
    """What is said of an alert as it stands."""
    event = "alert_created" if created else "alert_updated"
    body = {"type": event, **fields_of(alert)}
    return Message(event, alert["site_id"], alert["anomaly_type"], alert["severity"], prior_severity, orjson.dumps(body).decode())


def fields_of(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's fields of an alert, and what an operator's desk needs beside them."""
    return {
        "alert_id": str(alert["alert_id"]),
        "status": alert["status"],
        "severity": alert["severity"],
        "anomaly_type": alert["anomaly_type"],
        "person_id": alert["person_id"],
        "person_name": alert["person_name"],
        "site_id": alert["site_id"],
        "site_name": alert["site_name"],
        "count": alert["count"],
        "first_seen": instant_text(alert["first_seen"]),
        "last_seen": instant_text(alert["last_seen"]),
        "assigned_to": alert["assigned_to"],
        "message": alert["message"],
        "timestamp": instant_text(alert["updated_at"]),
        "tenant_id": alert["tenant_id"],
        "version": alert["version"],
        "correlation_id": str(alert["correlation_id"]),
        "escalation_step": alert["escalation_step"],
        "escalated_to": alert["escalated_to"],
        "escalates_at": _text(alert["escalates_at"]),
        "quiet_reason": alert["quiet_reason"],
        "quiet_until": _text(alert["quiet_until"]),
        "acknowledged_at": _text(alert["acknowledged_at"]),
        "resolved_at": _text(alert["resolved_at"]),
        "seconds_to_acknowledge": alert["seconds_to_acknowledge"],
        "seconds_to_resolve": alert["seconds_to_resolve"],
    }


def _text(moment: datetime | None) -> str | None:
    return instant_text(moment) if moment else None


def _line(entry: Entry, at: datetime) -> dict[str, Any]:
    alert = entry.alert
    return {
        "tenant_id": alert["tenant_id"],
        "alert_id": alert["alert_id"],
        "version": alert["version"],
        "at": at,
        "actor": entry.actor,
        "role": entry.role,
        "move": entry.move,
        "from_status": entry.from_status,
        "to_status": alert["status"],
        "note": entry.note,
        "assignee": entry.assignee,
        "added": entry.added,
        "quiet_id": alert["quiet_id"],
    }


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()

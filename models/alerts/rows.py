"""Alerts as rows: reading them, writing them with their trail, and the messages of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from psycopg import Cursor

from models.alerts.alert import ALERT_COLUMNS, Alert
from models.bulk import document, insert
from models.feed import Message
from models.ids import Id
from models.locks import alerts_lock_key
from models.schemas.payloads import AlertBody, AlertEvent, body_text, in_utc, json_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change of an alert, which is one line of its trail; `before` is None for a new alert.

    `added` counts the anomalies that came with it.
    """

    before: Alert | None
    alert: Alert
    actor: str
    role: str
    move: str
    note: str | None = None
    assignee: str | None = None
    added: int = 0


# The alert's columns, for SELECTs with others beside them.
SELECTED = ", ".join(f"alert.{name}" for name in ALERT_COLUMNS)
_KEY = ("tenant_id", "alert_id")
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in ALERT_COLUMNS if name not in _KEY)
_SAVE = f"{insert('alert', ALERT_COLUMNS)} ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {_CHANGES}"

# The fields of a payload that are an alert's, and where the alert has them.
_FIELDS = tuple(field.name for field in fields(AlertBody) if field.name != "type")
_values = attrgetter(*("updated_at" if name == "timestamp" else name for name in _FIELDS))


def lock_alerts(cursor: Cursor, tenant_id: Id) -> datetime:
    """Keep all others from writing the tenant's alerts until the end of the transaction.

    Return the moment from which on nobody does, by the database's clock.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (alerts_lock_key(tenant_id),))
    row = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def alert_in(row: Mapping[str, Any]) -> Alert:
    """Return the alert in a row that was read with SELECTED, and maybe more."""
    return Alert(**{name: row[name] for name in ALERT_COLUMNS})


def save(cursor: Cursor, entries: Sequence[Entry], at: datetime) -> list[Entry]:
    """Write the alerts of `entries`, each with its next version, and the entries, one an alert.

    Return them as they were written. The caller holds the alerts' lock.
    """
    if not entries:
        return []
    saved = [replace(entry, alert=_next_version(entry.alert, at)) for entry in entries]
    cursor.execute(_SAVE, {"rows": document(entry.alert for entry in saved)})
    lines = [_line(entry, at) for entry in saved]
    cursor.execute(insert("alert_trail", lines[0]), {"rows": document(lines)})
    return saved


def messages_of(entries: Sequence[Entry]) -> list[Message]:
    """Return the messages of saved entries, in their order."""
    return [message_of(entry.alert, entry.before) for entry in entries]


def message_of(alert: Alert, before: Alert | None) -> Message:
    """Return the message that says how the alert stands; `before` is None for a new one."""
    event: AlertEvent = "alert_updated" if before else "alert_created"
    prior = before.severity if before and before.severity != alert.severity else None
    text = body_text(_body(event, alert))
    return Message(event, alert.site_id, alert.anomaly_type, alert.severity, prior, text)


def fields_of(alert: Alert) -> dict[str, Any]:
    """What is said of an alert, as JSON has it, without `type` and `position`."""
    return dict(zip(_FIELDS, map(json_value, _values(alert)), strict=True))


def _body(event: AlertEvent, alert: Alert) -> AlertBody:
    return AlertBody(type=event, **dict(zip(_FIELDS, map(in_utc, _values(alert)), strict=True)))


def _next_version(alert: Alert, at: datetime) -> Alert:
    return replace(alert, version=alert.version + 1, updated_at=at)


def _line(entry: Entry, at: datetime) -> dict[str, Any]:
    alert = entry.alert
    return {
        "tenant_id": alert.tenant_id,
        "alert_id": alert.alert_id,
        "version": alert.version,
        "at": at,
        "actor": entry.actor,
        "role": entry.role,
        "move": entry.move,
        "from_status": entry.before.status if entry.before else None,
        "to_status": alert.status,
        "note": entry.note,
        "assignee": entry.assignee,
        "added": entry.added,
        "quiet_id": alert.quiet_id,
    }

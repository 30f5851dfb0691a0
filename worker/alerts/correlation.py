"""What belongs together: alerts of one person, device or site within a time carry a common correlation_id.

A new alert joins those that were seen within its site's `correlation_minutes`. Where it joins several companies they become
one, under the oldest's name: ids are in the order of time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row

from models.alerts.rows import Alert, message_of
from models.feed import Message
from worker.rules.window import Window

Key = tuple[str, Any]  # person_id, site_id or device_id, and its value

_SINCE = "unnest(%({0})s::{1}[], %({0}_since)s::timestamptz[]) AS r(value, since)"
_COMPANY = f"""
SELECT 'person_id', r.value::text, alert.correlation_id FROM {_SINCE.format("people", "bigint")}
JOIN alert ON tenant_id = %(tenant_id)s AND person_id = r.value AND last_seen >= r.since
UNION
SELECT 'site_id', r.value::text, alert.correlation_id FROM {_SINCE.format("sites", "bigint")}
JOIN alert ON tenant_id = %(tenant_id)s AND site_id = r.value AND last_seen >= r.since
UNION
SELECT 'device_id', r.value, alert.correlation_id FROM {_SINCE.format("devices", "text")}
JOIN alert ON tenant_id = %(tenant_id)s AND device_id = r.value AND last_seen >= r.since
"""
# Neither a move nor a change of the alert's version: an operator's move is not refused for it.
_RENAME = """
UPDATE alert SET correlation_id = r.name, updated_at = %(at)s
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS r(old, name)
WHERE tenant_id = %(tenant_id)s AND correlation_id = r.old RETURNING alert.*
"""


def correlate(cursor: Cursor, window: Window, created: Sequence[Alert], changed: Mapping[UUID, Alert]) -> list[Message]:
    """Give new alerts the correlation_id of the company they fall into.

    What is to be said of alerts that change for that; those of `changed` are changed in place, for the caller to write.
    """
    if not created:
        return []
    names = Names()
    keys: dict[UUID, list[Key]] = {alert["correlation_id"]: _keys(alert) for alert in created}
    known: dict[Key, UUID] = {}
    for kind, value, company in cursor.execute(_COMPANY, _wanted(window, created)):
        known[kind, value] = names.join(known.get((kind, value)) or company, company)
    for own, its in keys.items():
        for key in its:
            known[key] = names.join(known.get(key, own), own)
    for alert in changed.values():
        alert["correlation_id"] = names.of(alert["correlation_id"])
    renamed = {old: name for old in names.joined if old not in keys and (name := names.of(old)) != old}
    return [message_of(row) for row in _rename(cursor, window, renamed) if row["alert_id"] not in changed]


class Names:
    """Companies that were found to be one, each by its oldest name."""

    def __init__(self) -> None:
        self.joined: dict[UUID, UUID] = {}

    def of(self, name: UUID) -> UUID:
        while name in self.joined:
            name = self.joined[name]
        return name

    def join(self, one: UUID, other: UUID) -> UUID:
        """The name of both from now on."""
        older, younger = sorted((self.of(one), self.of(other)))
        if older != younger:
            self.joined[younger] = older
        return older


def _keys(alert: Alert) -> list[Key]:
    return [(kind, str(alert[kind])) for kind in ("person_id", "site_id", "device_id") if alert[kind] is not None]


def _wanted(window: Window, created: Sequence[Alert]) -> dict[str, Any]:
    people = _since(window, created, "person_id")
    sites = _since(window, created, "site_id")
    devices = _since(window, (alert for alert in created if alert["device_id"] is not None), "device_id")
    return {
        "tenant_id": window.tenant_id,
        "people": list(people),
        "people_since": list(people.values()),
        "sites": list(sites),
        "sites_since": list(sites.values()),
        "devices": list(devices),
        "devices_since": list(devices.values()),
    }


def _since(window: Window, created: Iterable[Alert], kind: str) -> dict[Any, datetime]:
    """From when on alerts of each person, site or device are its company."""
    found: dict[Any, datetime] = {}
    for alert in created:
        since = window.as_of - timedelta(minutes=window.policy(alert["site_id"]).correlation_minutes)
        found[alert[kind]] = min(found.get(alert[kind], since), since)
    return found


def _rename(cursor: Cursor, window: Window, renamed: Mapping[UUID, UUID]) -> list[Alert]:
    if not renamed:
        return []
    values = {"tenant_id": window.tenant_id, "at": window.as_of, "old": list(renamed), "new": list(renamed.values())}
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return sorted(rows.execute(_RENAME, values).fetchall(), key=lambda row: row["alert_id"])

"""What belongs together: alerts of one person, device or site within a time.

They carry a common correlation_id. A new alert joins those that were seen within its site's
`correlation_minutes`. Where it joins several companies they become one, under the oldest's name:
ids are in the order of time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import class_row

from models.alerts.alert import Alert
from models.alerts.rows import SELECTED, Entry, message_of
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
_RENAME = f"""
UPDATE alert SET correlation_id = r.name, updated_at = %(at)s
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS r(old, name)
WHERE tenant_id = %(tenant_id)s AND correlation_id = r.old RETURNING {SELECTED}
"""


def correlate(
    cursor: Cursor,
    window: Window,
    entries: Sequence[Entry],
) -> tuple[list[Entry], list[Message]]:
    """Give new alerts the correlation_id of the company they fall into.

    Return the entries with the names that their alerts have from now on, for the caller to write,
    and what is to be said of other alerts that are renamed.
    """
    created = [entry.alert for entry in entries if entry.before is None]
    if not created:
        return list(entries), []
    names = Names()
    keys: dict[UUID, list[Key]] = {alert.correlation_id: _keys(alert) for alert in created}
    known: dict[Key, UUID] = {}
    for kind, value, company in cursor.execute(_COMPANY, _wanted(window, created)):
        known[kind, value] = names.join(known.get((kind, value)) or company, company)
    for own, its in keys.items():
        for key in its:
            known[key] = names.join(known.get(key, own), own)
    old = [name for name in names.joined if name not in keys]
    renamed = _rename(cursor, window, {name: names.of(name) for name in old})
    written = {entry.alert.alert_id for entry in entries}
    messages = [message_of(alert, alert) for alert in renamed if alert.alert_id not in written]
    return [_named(entry, names) for entry in entries], messages


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


def _named(entry: Entry, names: Names) -> Entry:
    name = names.of(entry.alert.correlation_id)
    return replace(entry, alert=replace(entry.alert, correlation_id=name))


def _keys(alert: Alert) -> list[Key]:
    keys = {
        "person_id": str(alert.person_id),
        "site_id": str(alert.site_id),
        "device_id": alert.device_id,
    }
    return [key for key in keys.items() if key[1] is not None]


def _wanted(window: Window, created: Sequence[Alert]) -> dict[str, Any]:
    since = [_since(window, alert) for alert in created]
    people = _earliest((alert.person_id for alert in created), since)
    sites = _earliest((alert.site_id for alert in created), since)
    devices = _earliest((alert.device_id for alert in created), since)
    devices.pop(None, None)
    return {
        "tenant_id": window.tenant_id,
        "people": list(people),
        "people_since": list(people.values()),
        "sites": list(sites),
        "sites_since": list(sites.values()),
        "devices": list(devices),
        "devices_since": list(devices.values()),
    }


def _since(window: Window, alert: Alert) -> datetime:
    """From when on other alerts are its company."""
    return window.as_of - timedelta(minutes=window.policy(alert.site_id).correlation_minutes)


def _earliest(values: Iterable[Any], since: Sequence[datetime]) -> dict[Any, datetime]:
    found: dict[Any, datetime] = {}
    for value, moment in zip(values, since, strict=True):
        found[value] = min(found.get(value, moment), moment)
    return found


def _rename(cursor: Cursor, window: Window, renamed: Mapping[UUID, UUID]) -> list[Alert]:
    if not renamed:
        return []
    values = {
        "tenant_id": window.tenant_id,
        "at": window.as_of,
        "old": list(renamed),
        "new": list(renamed.values()),
    }
    with cursor.connection.cursor(row_factory=class_row(Alert)) as rows:
        return sorted(rows.execute(_RENAME, values).fetchall(), key=lambda alert: alert.alert_id)

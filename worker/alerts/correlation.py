"""Correlate alerts: those of one person, device or site, within a time, belong together.

They carry a common correlation_id. A new alert joins those that were seen within its site's
`correlation_minutes`. Where it joins several groups, these become one under the oldest
correlation_id: ids are in the order of time.
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
from models.ids import key_text
from worker.rules.window import Window

Key = tuple[str, Any]  # person_id, site_id or device_id, and its value

_SINCE = "unnest(%({0})s::{1}[], %({0}_since)s::timestamptz[]) AS r(value, since)"
_CORRELATED = f"""
SELECT 'person_id', r.value::text, alert.correlation_id FROM {_SINCE.format("people", "bigint")}
JOIN alert ON tenant_id = %(tenant_id)s AND person_id = r.value AND last_seen >= r.since
UNION
SELECT 'site_id', r.value::text, alert.correlation_id FROM {_SINCE.format("sites", "bigint")}
JOIN alert ON tenant_id = %(tenant_id)s AND site_id = r.value AND last_seen >= r.since
UNION
SELECT 'device_id', r.value, alert.correlation_id FROM {_SINCE.format("devices", "text")}
JOIN alert ON tenant_id = %(tenant_id)s AND device_id = r.value AND last_seen >= r.since
"""
# This is no move, and leaves the alert's version: an operator's move is not refused for it.
_MERGE = f"""
UPDATE alert SET correlation_id = r.new, updated_at = %(at)s
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS r(old, new)
WHERE tenant_id = %(tenant_id)s AND correlation_id = r.old RETURNING {SELECTED}
"""


def correlate(
    cursor: Cursor,
    window: Window,
    entries: Sequence[Entry],
) -> tuple[list[Entry], list[Message]]:
    """Give new alerts the correlation_id of the alerts they belong to.

    Return the entries, their alerts with the correlation_id that they have from now on, for the
    caller to write; and the messages of other alerts whose correlation_id has changed.
    """
    created = [entry.alert for entry in entries if entry.before is None]
    if not created:
        return list(entries), []
    groups = Groups()
    by_key: dict[Key, UUID] = {}
    for kind, value, group in cursor.execute(_CORRELATED, _correlated_with(window, created)):
        by_key[kind, value] = groups.merge(by_key.get((kind, value)) or group, group)
    for alert in created:
        for key in _keys(alert):
            group = alert.correlation_id
            by_key[key] = groups.merge(by_key.get(key, group), group)
    new = {alert.correlation_id for alert in created}
    merged = {group: groups.oldest(group) for group in groups.merged if group not in new}
    changed = _merge(cursor, window, merged)
    written = {entry.alert.alert_id for entry in entries}
    messages = [message_of(alert, alert) for alert in changed if alert.alert_id not in written]
    return [_grouped(entry, groups) for entry in entries], messages


class Groups:
    """Groups of correlated alerts, by correlation_id, some of which were found to be one."""

    def __init__(self) -> None:
        self.merged: dict[UUID, UUID] = {}  # a group, and an older one that it is part of

    def oldest(self, group: UUID) -> UUID:
        """Return the group that this one is part of by now, be it itself."""
        while group in self.merged:
            group = self.merged[group]
        return group

    def merge(self, one: UUID, other: UUID) -> UUID:
        """Make both one group, and return it."""
        older, younger = sorted((self.oldest(one), self.oldest(other)))
        if older != younger:
            self.merged[younger] = older
        return older


def _grouped(entry: Entry, groups: Groups) -> Entry:
    group = groups.oldest(entry.alert.correlation_id)
    return replace(entry, alert=replace(entry.alert, correlation_id=group))


def _keys(alert: Alert) -> list[Key]:
    keys = {
        "person_id": key_text(alert.person_id),
        "site_id": key_text(alert.site_id),
        "device_id": alert.device_id,
    }
    return [key for key in keys.items() if key[1] is not None]


def _correlated_with(window: Window, created: Sequence[Alert]) -> dict[str, Any]:
    """Return the values of `_CORRELATED`: each person, site and device with its earliest time."""
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
    """Return since when another alert has to have been seen to be correlated with this one."""
    policy = window.policy(alert.site_id, window.as_of)
    return window.as_of - timedelta(minutes=policy.correlation_minutes)


def _earliest(values: Iterable[Any], since: Sequence[datetime]) -> dict[Any, datetime]:
    earliest: dict[Any, datetime] = {}
    for value, moment in zip(values, since, strict=True):
        earliest[value] = min(earliest.get(value, moment), moment)
    return earliest


def _merge(cursor: Cursor, window: Window, merged: Mapping[UUID, UUID]) -> list[Alert]:
    """Give the alerts of each old group the new correlation_id, and return them."""
    if not merged:
        return []
    values = {
        "tenant_id": window.tenant_id,
        "at": window.as_of,
        "old": list(merged),
        "new": list(merged.values()),
    }
    with cursor.connection.cursor(row_factory=class_row(Alert)) as rows:
        return sorted(rows.execute(_MERGE, values).fetchall(), key=lambda alert: alert.alert_id)

"""Alerts from anomalies, in the commit that records them: one open alert a person, site and type, however many anomalies it has."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row

from models.alerts.clock import escalates_at
from models.alerts.move import apply
from models.alerts.moves import SYSTEM
from models.alerts.rows import COLUMNS, Alert, Entry, lock_alerts, save
from models.feed import Message
from models.ids import time_ordered_id
from models.tables.alerts import IS_OPEN
from models.vocabulary import gravest
from worker.alerts.correlation import correlate
from worker.alerts.quieting import hush
from worker.rules.window import Window

WITHDRAWN = "All its anomalies were withdrawn."

Row = dict[str, Any]  # the columns of the anomaly table
Key = tuple[int, int, str]  # person_id, site_id, anomaly_type


class Change(NamedTuple):
    """An anomaly that viewers are told of: whether it stands for them now, and whether that is news, or graver than before.

    What merely changes its score brings no alert back that an operator has resolved.
    """

    row: Row
    stands: bool
    arises: bool


class Open(NamedTuple):
    """An open alert: how many of its anomalies still stand, and which of those that changed it holds."""

    alert: Alert
    standing: int
    held: frozenset[UUID]


_OPEN = f"""
SELECT alert.*,
    (SELECT count(*) FROM alert_anomaly AS part JOIN anomaly USING (tenant_id, anomaly_id)
     WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id AND standing AND NOT shadow) AS standing,
    ARRAY(SELECT anomaly_id FROM alert_anomaly AS part
     WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id AND anomaly_id = ANY(%(anomalies)s)) AS held
FROM unnest(%(people)s::bigint[], %(sites)s::bigint[], %(types)s::text[]) AS r(person_id, site_id, anomaly_type)
JOIN alert USING (person_id, site_id, anomaly_type)
WHERE alert.tenant_id = %(tenant_id)s AND {IS_OPEN}
"""
_HOLD = """
INSERT INTO alert_anomaly (tenant_id, alert_id, anomaly_id) SELECT %(tenant_id)s, * FROM unnest(%(alerts)s::uuid[], %(anomalies)s::uuid[])
"""


def follow(cursor: Cursor, window: Window, changes: Sequence[Change]) -> list[Message]:
    """Open, bump or resolve the alerts of these anomalies, which are written; what is to be said, each alert at most once.

    A constant number of statements. Operators' moves wait until the caller commits.
    """
    if not changes:
        return []
    at = lock_alerts(cursor, window.tenant_id)
    by_key = _by_key(changes)
    opened = _opened(cursor, window.tenant_id, by_key, changes)
    entries: list[Entry] = []
    held: list[tuple[UUID, UUID]] = []
    for key, of_key in by_key.items():
        there = opened.get(key)
        new = [change.row for change in of_key if change.arises and not (there and change.row["anomaly_id"] in there.held)]
        entry = _bump(window, there, of_key, new) if there else _create(window, new) if new else None
        if entry:
            entries.append(entry)
            held += [(entry.alert["alert_id"], row["anomaly_id"]) for row in new]
    if not entries:
        return []
    entries = hush(cursor, window, entries)
    created = [entry.alert for entry in entries if entry.move == "create"]
    renamed = correlate(cursor, window, created, {entry.alert["alert_id"]: entry.alert for entry in entries})
    messages = save(cursor, entries, at)
    alerts, anomalies = ([pair[place] for pair in held] for place in (0, 1))
    cursor.execute(_HOLD, {"tenant_id": window.tenant_id, "alerts": alerts, "anomalies": anomalies})
    return messages + renamed


def _create(window: Window, rows: Sequence[Row]) -> Entry:
    """A new alert on these anomalies of one key. Quiet may still suppress it, and it gets its correlation_id from its company."""
    last = rows[-1]
    alert: Alert = dict.fromkeys(COLUMNS) | {
        "tenant_id": window.tenant_id,
        "alert_id": time_ordered_id(window.as_of),
        **{name: last[name] for name in ("person_id", "site_id", "anomaly_type", "person_name", "site_name")},
        "device_id": _device(window, last),
        "status": "NEW",
        "severity": gravest(row["severity"] for row in rows),
        "count": len(rows),
        "message": last["explanation"],
        "first_seen": window.as_of,
        "last_seen": window.as_of,
        "correlation_id": time_ordered_id(window.as_of),
        "escalation_step": 0,
        "version": 0,
        "created_at": window.as_of,
    }
    alert["escalates_at"] = escalates_at(alert, window.policy(alert["site_id"]), window.as_of)
    return Entry(alert, SYSTEM, SYSTEM, "create", None, added=len(rows))


def _bump(window: Window, there: Open, changes: Sequence[Change], new: Sequence[Row]) -> Entry | None:
    """What these changes make of an open alert; None where its operators would see no difference."""
    alert, policy = there.alert, window.policy(there.alert["site_id"])
    before, told = alert["status"], alert["severity"]
    if there.standing + len(new) == 0:
        apply(alert, "resolve", SYSTEM, policy, window.as_of, {})
        return Entry(alert, SYSTEM, SYSTEM, "resolve", before, WITHDRAWN)
    alert["severity"] = gravest([told, *(change.row["severity"] for change in changes if change.stands)])
    names = {name: changes[-1].row[name] for name in ("person_name", "site_name") if changes[-1].stands}
    renamed = any(alert[name] != now for name, now in names.items())
    alert.update(names)
    if not new and alert["severity"] == told and not renamed:
        return None
    if alert["severity"] != told and alert["escalates_at"] and (due := escalates_at(alert, policy, window.as_of)):
        alert["escalates_at"] = min(alert["escalates_at"], due)
    if new:
        alert.update(count=alert["count"] + len(new), last_seen=window.as_of, message=new[-1]["explanation"])
        alert["device_id"] = _device(window, new[-1]) or alert["device_id"]
    return Entry(alert, SYSTEM, SYSTEM, "bump", before, added=len(new), prior_severity=told)


def _device(window: Window, row: Row) -> str | None:
    punch = window.punch(row["punch_id"]) if row["punch_id"] else None
    return punch.device_id if punch else None


def _by_key(changes: Sequence[Change]) -> dict[Key, list[Change]]:
    found: dict[Key, list[Change]] = {}
    for change in changes:
        row = change.row
        found.setdefault((row["person_id"], row["site_id"], row["anomaly_type"]), []).append(change)
    return found


def _opened(cursor: Cursor, tenant_id: int, keys: Mapping[Key, Any], changes: Sequence[Change]) -> dict[Key, Open]:
    people, sites, types = zip(*keys, strict=True)
    values = {"people": list(people), "sites": list(sites), "types": list(types), "anomalies": [c.row["anomaly_id"] for c in changes]}
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(_OPEN, {"tenant_id": tenant_id, **values}).fetchall()
    return {
        (row["person_id"], row["site_id"], row["anomaly_type"]): Open(row, row.pop("standing"), frozenset(row.pop("held"))) for row in found
    }

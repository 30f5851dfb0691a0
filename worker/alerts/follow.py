"""Make alerts of anomalies, in the commit that records these.

There is one open alert for a person, site and type, however many anomalies it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row

from models.alerts.alert import Alert
from models.alerts.anomaly import Anomaly
from models.alerts.clock import escalates_at
from models.alerts.move import apply
from models.alerts.moves import SYSTEM
from models.alerts.rows import (
    SELECTED,
    Entry,
    alert_in,
    lock_alerts,
    messages_of,
    save,
)
from models.bulk import document, insert
from models.feed import Message
from models.ids import Id, time_ordered_id
from models.policy import Policy
from models.tables.alerts import IS_OPEN
from models.vocabulary import gravest
from worker.alerts.correlation import correlate
from worker.alerts.quieting import apply_quiet
from worker.rules.window import Window

WITHDRAWN = "All its anomalies were withdrawn."

Key = tuple[Id, Id, str]  # person_id, site_id, anomaly_type


class AnomalyChange(NamedTuple):
    """A change of an anomaly that viewers are told of.

    `stands` is whether it stands for them now, `arises` whether that is news, or graver than
    before. A change of the score alone brings no alert back that an operator has resolved.
    """

    anomaly: Anomaly
    stands: bool
    arises: bool


class OpenAlert(NamedTuple):
    """An open alert: how many of its anomalies still stand, and which that changed are its own."""

    alert: Alert
    standing: int
    anomaly_ids: frozenset[UUID]


_OPEN = f"""
SELECT {SELECTED},
    (SELECT count(*) FROM alert_anomaly AS part JOIN anomaly USING (tenant_id, anomaly_id)
     WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id
        AND standing AND NOT shadow) AS standing,
    ARRAY(SELECT anomaly_id FROM alert_anomaly AS part
     WHERE part.tenant_id = alert.tenant_id AND part.alert_id = alert.alert_id
        AND anomaly_id = ANY(%(anomalies)s)) AS anomaly_ids
FROM unnest(%(people)s::bigint[], %(sites)s::bigint[], %(types)s::text[])
    AS r(person_id, site_id, anomaly_type)
JOIN alert USING (person_id, site_id, anomaly_type)
WHERE alert.tenant_id = %(tenant_id)s AND {IS_OPEN}
"""
_ADD_ANOMALIES = insert("alert_anomaly", ("tenant_id", "alert_id", "anomaly_id"))


def follow(cursor: Cursor, window: Window, changes: Sequence[AnomalyChange]) -> list[Message]:
    """Open, bump or resolve the alerts of these anomalies, which are already written.

    Return the messages, at most one of each alert. This takes a constant number of statements.
    Operators' moves wait until the caller commits.
    """
    if not changes:
        return []
    at = lock_alerts(cursor, window.tenant_id)
    by_key = _by_key(changes)
    open_alerts = _open_alerts(cursor, window.tenant_id, by_key, changes)
    entries: list[Entry] = []
    added: list[dict[str, Any]] = []
    for key, changes_of_key in by_key.items():
        open_alert = open_alerts.get(key)
        new = _new(changes_of_key, open_alert)
        if entry := _entry(window, open_alert, changes_of_key, new):
            entries.append(entry)
            added += [_alert_anomaly(entry.alert, anomaly) for anomaly in new]
    if not entries:
        return []
    entries, correlated = correlate(cursor, window, apply_quiet(cursor, window, entries))
    saved = save(cursor, entries, at)
    cursor.execute(_ADD_ANOMALIES, {"rows": document(added)})
    return messages_of(saved) + correlated


def _new(changes: Iterable[AnomalyChange], open_alert: OpenAlert | None) -> list[Anomaly]:
    """Return the anomalies that arise, and that the alert does not have yet."""
    anomaly_ids = open_alert.anomaly_ids if open_alert else frozenset[UUID]()
    arising = (change.anomaly for change in changes if change.arises)
    return [anomaly for anomaly in arising if anomaly.anomaly_id not in anomaly_ids]


def _entry(
    window: Window,
    open_alert: OpenAlert | None,
    changes: Sequence[AnomalyChange],
    new: Sequence[Anomaly],
) -> Entry | None:
    """Return what the changes of one key make; None where operators would see no difference."""
    if open_alert is None:
        return _create(window, new) if new else None
    policy = window.policy(open_alert.alert.site_id, window.as_of)
    if open_alert.standing + len(new) == 0:
        return _resolve(window, open_alert.alert, policy)
    return _bump(window, open_alert.alert, changes, new, policy)


def _create(window: Window, anomalies: Sequence[Anomaly]) -> Entry:
    """Return a new alert on these anomalies of one key.

    Quiet may still suppress it, and it may get the correlation_id of others.
    """
    last, as_of = anomalies[-1], window.as_of
    alert = Alert(
        tenant_id=window.tenant_id,
        alert_id=time_ordered_id(as_of),
        person_id=last.person_id,
        site_id=last.site_id,
        anomaly_type=last.anomaly_type,
        person_name=last.person_name,
        site_name=last.site_name,
        device_id=_device(window, last),
        status="NEW",
        severity=gravest(anomaly.severity for anomaly in anomalies),
        count=len(anomalies),
        message=last.explanation,
        first_seen=as_of,
        last_seen=as_of,
        correlation_id=time_ordered_id(as_of),
        created_at=as_of,
        updated_at=as_of,
    )
    due = escalates_at(alert, window.policy(alert.site_id, as_of), as_of)
    return _by_system(None, replace(alert, escalates_at=due), "create", added=len(anomalies))


def _resolve(window: Window, alert: Alert, policy: Policy) -> Entry:
    resolved = apply(alert, "resolve", SYSTEM, policy, window.as_of, {})
    return _by_system(alert, resolved, "resolve", note=WITHDRAWN)


def _bump(
    window: Window,
    alert: Alert,
    changes: Sequence[AnomalyChange],
    new: Sequence[Anomaly],
    policy: Policy,
) -> Entry | None:
    standing = [change.anomaly.severity for change in changes if change.stands]
    bumped = replace(alert, severity=gravest([alert.severity, *standing]))
    if changes[-1].stands:
        last = changes[-1].anomaly
        bumped = replace(bumped, person_name=last.person_name, site_name=last.site_name)
    if not new and bumped == alert:
        return None
    if bumped.severity != alert.severity:
        bumped = _hasten(window, bumped, policy)
    if new:
        bumped = replace(
            bumped,
            count=bumped.count + len(new),
            last_seen=window.as_of,
            message=new[-1].explanation,
            device_id=_device(window, new[-1]) or bumped.device_id,
        )
    return _by_system(alert, bumped, "bump", added=len(new))


def _hasten(window: Window, alert: Alert, policy: Policy) -> Alert:
    """Return the alert, graver now, so that it waits no longer than its severity allows."""
    due = escalates_at(alert, policy, window.as_of)
    if not alert.escalates_at or not due:
        return alert
    return replace(alert, escalates_at=min(alert.escalates_at, due))


def _by_system(
    before: Alert | None,
    alert: Alert,
    move: str,
    *,
    note: str | None = None,
    added: int = 0,
) -> Entry:
    return Entry(
        before=before,
        alert=alert,
        actor=SYSTEM,
        role=SYSTEM,
        move=move,
        note=note,
        added=added,
    )


def _alert_anomaly(alert: Alert, anomaly: Anomaly) -> dict[str, Any]:
    return {
        "tenant_id": alert.tenant_id,
        "alert_id": alert.alert_id,
        "anomaly_id": anomaly.anomaly_id,
    }


def _device(window: Window, anomaly: Anomaly) -> str | None:
    punch = window.punch(anomaly.punch_id) if anomaly.punch_id else None
    return punch.device_id if punch else None


def _by_key(changes: Sequence[AnomalyChange]) -> dict[Key, list[AnomalyChange]]:
    by_key: dict[Key, list[AnomalyChange]] = {}
    for change in changes:
        by_key.setdefault(_key(change.anomaly), []).append(change)
    return by_key


def _key(row: Anomaly | Alert) -> Key:
    return row.person_id, row.site_id, row.anomaly_type


def _open_alerts(
    cursor: Cursor,
    tenant_id: Id,
    keys: Mapping[Key, Any],
    changes: Sequence[AnomalyChange],
) -> dict[Key, OpenAlert]:
    people, sites, types = zip(*keys, strict=True)
    values = {
        "tenant_id": tenant_id,
        "people": list(people),
        "sites": list(sites),
        "types": list(types),
        "anomalies": [change.anomaly.anomaly_id for change in changes],
    }
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        open_alerts = [
            OpenAlert(alert_in(row), row["standing"], frozenset(row["anomaly_ids"]))
            for row in rows.execute(_OPEN, values)
        ]
    return {_key(open_alert.alert): open_alert for open_alert in open_alerts}

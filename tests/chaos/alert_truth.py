"""Checks alerts, their trails and reviews when all is settled, by reckonings that share nothing
with the code that made them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.ledger import Payload

# The transitions by each move, from one status to another, written down once more on purpose. Quiet
# may come with an anomaly, or give way to one.
OPEN = ("NEW", "ACKNOWLEDGED", "ASSIGNED", "ESCALATED", "SUPPRESSED")
WAITING = ("NEW", "ACKNOWLEDGED", "ASSIGNED", "ESCALATED")
TRANSITIONS: dict[str, set[tuple[str | None, str]]] = {
    "create": {(None, "NEW"), (None, "SUPPRESSED")},
    "bump": {(status, status) for status in OPEN} | {("NEW", "SUPPRESSED"), ("SUPPRESSED", "NEW")},
    "acknowledge": {("NEW", "ACKNOWLEDGED"), ("ESCALATED", "ACKNOWLEDGED")},
    "assign": {(status, "ASSIGNED") for status in WAITING},
    "escalate": {(status, "ESCALATED") for status in WAITING},
    "resolve": {(status, "RESOLVED") for status in OPEN},
    "note": {(status, status) for status in (*OPEN, "RESOLVED")},
}
UNASSIGNS = {"escalate"}
# The fields that a payload and a row have alike; and those that are moments, which it has as text.
FIELDS = (
    "status",
    "severity",
    "anomaly_type",
    "person_id",
    "person_name",
    "site_id",
    "site_name",
    "count",
    "assigned_to",
    "message",
    "version",
    "escalation_step",
    "escalated_to",
    "quiet_reason",
    "seconds_to_acknowledge",
    "seconds_to_resolve",
)
MOMENTS = (
    "first_seen",
    "last_seen",
    "escalates_at",
    "quiet_until",
    "acknowledged_at",
    "resolved_at",
)

_ALERTS = """
SELECT alert.*,
    count(anomaly_id) AS anomalies,
    count(anomaly_id) FILTER (WHERE standing) AS standing
FROM alert
LEFT JOIN alert_anomaly USING (tenant_id, alert_id)
LEFT JOIN anomaly USING (tenant_id, anomaly_id)
WHERE tenant_id = %s
GROUP BY tenant_id, alert_id
"""
_TRAIL = "SELECT * FROM alert_trail WHERE tenant_id = %s ORDER BY alert_id, version"
_STRAY = """
SELECT anomaly_id
FROM anomaly
WHERE tenant_id = %(tenant_id)s AND standing AND NOT EXISTS (
    SELECT
    FROM alert_anomaly
    JOIN alert USING (tenant_id, alert_id)
    WHERE tenant_id = %(tenant_id)s
        AND alert_anomaly.anomaly_id = anomaly.anomaly_id
        AND (alert.person_id, alert.site_id, alert.anomaly_type)
            = (anomaly.person_id, anomaly.site_id, anomaly.anomaly_type)
)
"""
_REVIEWS = """
SELECT anomaly.anomaly_id::text, standing, review,
    array_agg(verdict ORDER BY number), array_agg(number ORDER BY number)
FROM anomaly
LEFT JOIN review_trail USING (tenant_id, anomaly_id)
WHERE tenant_id = %s
GROUP BY anomaly.tenant_id, anomaly.anomaly_id
"""

Row = dict[str, Any]


def faults_of_alerts(
    connection: psycopg.Connection, tenant_id: int, feed: Sequence[Payload]
) -> Iterator[str]:
    """A sentence for whatever is wrong. `feed` has the payloads of the tenant's feed, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        alerts = cursor.execute(_ALERTS, [tenant_id]).fetchall()
        lines = cursor.execute(_TRAIL, [tenant_id]).fetchall()
    trails = _by_alert(lines)
    payloads = _by_alert([payload for payload in feed if "alert_id" in payload])
    keys_of_open = [
        (row["person_id"], row["site_id"], row["anomaly_type"])
        for row in alerts
        if row["status"] != "RESOLVED"
    ]
    if len(keys_of_open) != len(set(keys_of_open)):
        yield f"tenant {tenant_id}: some person, site and type has two open alerts"
    if {str(row["alert_id"]) for row in alerts} != payloads.keys():
        yield f"tenant {tenant_id}: alerts were either not told or not stored"
    for row in alerts:
        alert_id = str(row["alert_id"])
        for fault in (
            *_of_row(row),
            *_of_trail(row, trails[alert_id]),
            *_of_feed(row, trails[alert_id], payloads[alert_id]),
        ):
            yield f"tenant {tenant_id}, alert {alert_id}: {fault}"
    if stray := connection.execute(_STRAY, {"tenant_id": tenant_id}).fetchall():
        yield (
            f"tenant {tenant_id}: {len(stray)} anomalies stand and are in no alert "
            "of their person, site and type"
        )
    yield from _of_reviews(connection, tenant_id, feed)


def _of_row(row: Row) -> Iterator[str]:
    if row["count"] != row["anomalies"]:
        yield f"its count is {row['count']} and it holds {row['anomalies']} anomalies"
    if row["status"] != "RESOLVED" and not row["standing"]:
        yield "all its anomalies were withdrawn, and it is open"


def _of_trail(row: Row, trail: Sequence[Row]) -> Iterator[str]:
    """Check that the trail, played from its beginning, gives the alert as it is."""
    if [line["version"] for line in trail] != list(range(1, row["version"] + 1)):
        yield f"its versions are not 1 to {row['version']}, one line each"
    status, assignee = None, None
    for line in trail:
        transition = status, line["to_status"]
        if line["from_status"] != status or transition not in TRANSITIONS[line["move"]]:
            yield (
                f"from {status} a line leads by {line['move']} "
                f"from {line['from_status']} to {line['to_status']}"
            )
        if (
            line["role"] == "system"
            and line["move"] == "resolve"
            and line["note"] != "All its anomalies were withdrawn."
        ):
            yield "it was resolved by the system, which does not say why"
        status = line["to_status"]
        if line["move"] == "assign":
            assignee = line["assignee"]
        elif line["move"] in UNASSIGNS:
            assignee = None
    played = status, assignee, sum(line["added"] for line in trail)
    if played != (row["status"], row["assigned_to"], row["count"]):
        yield (
            f"its trail adds up to {status}, {assignee}, "
            f"and not to {row['status']}, {row['assigned_to']}, {row['count']} anomalies"
        )


def _of_feed(row: Row, trail: Sequence[Row], payloads: Sequence[Payload]) -> Iterator[str]:
    """Check that each version was said, in order and as its line says. One is said again only when
    its correlation gets another id.
    """
    versions = [payload["version"] for payload in payloads]
    if versions != sorted(versions) or set(versions) != {line["version"] for line in trail}:
        yield f"of its versions these were said: {versions}"
        return
    types = [payload["type"] for payload in payloads]
    if types != ["alert_created", *["alert_updated"] * (len(payloads) - 1)]:
        yield "it was not created first, and once"
    if wrong := [
        payload["version"]
        for payload in payloads
        if payload["status"] != trail[payload["version"] - 1]["to_status"]
    ]:
        yield f"its versions {wrong} were said with another status than their lines have"
    last = payloads[-1]
    differing = [name for name in FIELDS if last[name] != row[name]]
    differing += [
        name for name in MOMENTS if (last[name] and datetime.fromisoformat(last[name])) != row[name]
    ]
    if differing or last["correlation_id"] != str(row["correlation_id"]):
        yield f"its last message is not its row: {differing or 'correlation_id'}"


def _of_reviews(
    connection: psycopg.Connection, tenant_id: int, feed: Sequence[Payload]
) -> Iterator[str]:
    """Check that the latest verdict is the anomaly's, and that its last message says so."""
    last = {payload["anomaly_id"]: payload["status"] for payload in feed if "anomaly_id" in payload}
    for anomaly_id, standing, review, verdicts, numbers in connection.execute(
        _REVIEWS, [tenant_id]
    ):
        if numbers != [None] and numbers != list(range(1, len(numbers) + 1)):
            yield f"tenant {tenant_id}, anomaly {anomaly_id}: its reviews are numbered {numbers}"
        if verdicts[-1] != review or last.get(anomaly_id) != (
            (review or "DETECTED") if standing else "WITHDRAWN"
        ):
            yield (
                f"tenant {tenant_id}, anomaly {anomaly_id}: "
                f"{last.get(anomaly_id)} was said last; {review} and {verdicts} are kept"
            )


def _by_alert(rows: Sequence[Row]) -> dict[str, list[Row]]:
    rows_by_alert: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_by_alert[str(row["alert_id"])].append(row)
    return rows_by_alert

"""What must hold of alerts, their trails and reviews when all is settled, by reckonings that share
nothing with the way it got there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.ledger import Payload

# Written down once more on purpose: from where a line of the trail leads where. Quiet may come with
# an anomaly, or give way to one.
OPEN = ("NEW", "ACKNOWLEDGED", "ASSIGNED", "ESCALATED", "SUPPRESSED")
WAITING = ("NEW", "ACKNOWLEDGED", "ASSIGNED", "ESCALATED")
LEADS: dict[str, set[tuple[str | None, str]]] = {
    "create": {(None, "NEW"), (None, "SUPPRESSED")},
    "bump": {(status, status) for status in OPEN} | {("NEW", "SUPPRESSED"), ("SUPPRESSED", "NEW")},
    "acknowledge": {("NEW", "ACKNOWLEDGED"), ("ESCALATED", "ACKNOWLEDGED")},
    "assign": {(status, "ASSIGNED") for status in WAITING},
    "escalate": {(status, "ESCALATED") for status in WAITING},
    "resolve": {(status, "RESOLVED") for status in OPEN},
    "note": {(status, status) for status in (*OPEN, "RESOLVED")},
}
TAKES_AWAY = {"escalate"}  # the assignee
SAME = (
    *(
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
    ),
    *(
        "version",
        "escalation_step",
        "escalated_to",
        "quiet_reason",
        "seconds_to_acknowledge",
        "seconds_to_resolve",
    ),
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
SELECT alert.*, count(anomaly_id) AS held, count(anomaly_id) FILTER (WHERE standing) AS standing
FROM alert LEFT JOIN alert_anomaly USING (tenant_id, alert_id) LEFT JOIN anomaly USING (tenant_id, anomaly_id)
WHERE tenant_id = %s GROUP BY tenant_id, alert_id
"""
_TRAIL = "SELECT * FROM alert_trail WHERE tenant_id = %s ORDER BY alert_id, version"
_STRAY = """
SELECT anomaly_id FROM anomaly WHERE tenant_id = %(tenant_id)s AND standing AND NOT EXISTS (
    SELECT FROM alert_anomaly JOIN alert USING (tenant_id, alert_id)
    WHERE tenant_id = %(tenant_id)s AND alert_anomaly.anomaly_id = anomaly.anomaly_id
    AND (person_id, site_id, anomaly_type) = (anomaly.person_id, anomaly.site_id, anomaly.anomaly_type)
)
"""
_REVIEWS = """
SELECT anomaly.anomaly_id::text, standing, review, array_agg(verdict ORDER BY number), array_agg(number ORDER BY number)
FROM anomaly LEFT JOIN review_trail USING (tenant_id, anomaly_id) WHERE tenant_id = %s GROUP BY anomaly.tenant_id, anomaly.anomaly_id
"""

Row = dict[str, Any]


def faults_of_alerts(
    connection: psycopg.Connection, tenant_id: int, said: Sequence[Payload]
) -> Iterator[str]:
    """`said` are the payloads of the tenant's feed, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        alerts = cursor.execute(_ALERTS, [tenant_id]).fetchall()
        lines = cursor.execute(_TRAIL, [tenant_id]).fetchall()
    trails, told = (
        _by_alert(lines),
        _by_alert([payload for payload in said if "alert_id" in payload]),
    )
    opened = [
        (row["person_id"], row["site_id"], row["anomaly_type"])
        for row in alerts
        if row["status"] != "RESOLVED"
    ]
    if len(opened) != len(set(opened)):
        yield f"tenant {tenant_id}: some person, site and type has two open alerts"
    if {str(row["alert_id"]) for row in alerts} != told.keys():
        yield f"tenant {tenant_id}: alerts were either not told or not stored"
    for row in alerts:
        alert_id = str(row["alert_id"])
        for fault in (
            *_of_row(row),
            *_of_trail(row, trails[alert_id]),
            *_of_feed(row, trails[alert_id], told[alert_id]),
        ):
            yield f"tenant {tenant_id}, alert {alert_id}: {fault}"
    if stray := connection.execute(_STRAY, {"tenant_id": tenant_id}).fetchall():
        yield f"tenant {tenant_id}: {len(stray)} anomalies stand and are in no alert of their person, site and type"
    yield from _of_reviews(connection, tenant_id, said)


def _of_row(row: Row) -> Iterator[str]:
    if row["count"] != row["held"]:
        yield f"its count is {row['count']} and it holds {row['held']} anomalies"
    if row["status"] != "RESOLVED" and not row["standing"]:
        yield "all its anomalies were withdrawn, and it is open"


def _of_trail(row: Row, trail: Sequence[Row]) -> Iterator[str]:
    """Played back from its beginning, it gives the alert as it is."""
    if [line["version"] for line in trail] != list(range(1, row["version"] + 1)):
        yield f"its versions are not 1 to {row['version']}, one line each"
    status, assignee = None, None
    for line in trail:
        if line["from_status"] != status or (status, line["to_status"]) not in LEADS[line["move"]]:
            yield f"from {status} a line leads by {line['move']} from {line['from_status']} to {line['to_status']}"
        if (
            line["role"] == "system"
            and line["move"] == "resolve"
            and line["note"] != "All its anomalies were withdrawn."
        ):
            yield "it was resolved by the system, which does not say why"
        status = line["to_status"]
        assignee = (
            line["assignee"]
            if line["move"] == "assign"
            else None
            if line["move"] in TAKES_AWAY
            else assignee
        )
    if (status, assignee, sum(line["added"] for line in trail)) != (
        row["status"],
        row["assigned_to"],
        row["count"],
    ):
        yield f"its trail adds up to {status}, {assignee}, and not to {row['status']}, {row['assigned_to']}, {row['count']} anomalies"


def _of_feed(row: Row, trail: Sequence[Row], told: Sequence[Payload]) -> Iterator[str]:
    """Each version was said, in order and as its line says; one is said again only when its company
    gets another name.
    """
    versions = [payload["version"] for payload in told]
    if versions != sorted(versions) or set(versions) != {line["version"] for line in trail}:
        yield f"of its versions these were said: {versions}"
        return
    if [payload["type"] for payload in told] != [
        "alert_created",
        *["alert_updated"] * (len(told) - 1),
    ]:
        yield "it was not created first, and once"
    if wrong := [
        payload["version"]
        for payload in told
        if payload["status"] != trail[payload["version"] - 1]["to_status"]
    ]:
        yield f"its versions {wrong} were said with another status than their lines have"
    last = told[-1]
    other = [name for name in SAME if last[name] != row[name]]
    other += [
        name for name in MOMENTS if (last[name] and datetime.fromisoformat(last[name])) != row[name]
    ]
    if other or last["correlation_id"] != str(row["correlation_id"]):
        yield f"its last message is not its row: {other or 'correlation_id'}"


def _of_reviews(
    connection: psycopg.Connection, tenant_id: int, said: Sequence[Payload]
) -> Iterator[str]:
    """The latest verdict is the anomaly's, and its last message says so."""
    last = {payload["anomaly_id"]: payload["status"] for payload in said if "anomaly_id" in payload}
    for anomaly_id, standing, review, verdicts, numbers in connection.execute(
        _REVIEWS, [tenant_id]
    ):
        if numbers != [None] and numbers != list(range(1, len(numbers) + 1)):
            yield f"tenant {tenant_id}, anomaly {anomaly_id}: its reviews are numbered {numbers}"
        if verdicts[-1] != review or last.get(anomaly_id) != (
            (review or "DETECTED") if standing else "WITHDRAWN"
        ):
            yield f"tenant {tenant_id}, anomaly {anomaly_id}: {last.get(anomaly_id)} was said last; {review} and {verdicts} are kept"


def _by_alert(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[str(row["alert_id"])].append(row)
    return found

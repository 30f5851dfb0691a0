"""Check the feed and the tables when all is settled.

The feed, alerts and planted findings are reckoned by code of its own; what stands, by one look of
the same detectors at everything there is.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import psycopg

from tests.chaos.alert_truth import faults_of_alerts
from tests.chaos.crew import Crew
from tests.chaos.deeds import faults_of_deeds
from tests.chaos.house import House
from tests.chaos.stream import FIRST_DAY, Stream
from tests.chaos.viewers import FeedMessage
from tests.payloads import faults_of_messages
from tests.worker.load.everything import load_everything
from worker.judging.detect import detect

_FEED = """
SELECT position, site_id, anomaly_type, severity, prior_severity, body
FROM message
WHERE tenant_id = %s
ORDER BY position
"""
_STANDING = "SELECT punch_id, anomaly_type FROM anomaly WHERE tenant_id = %s AND standing"


def feed_of(house: House, tenant_id: int) -> list[FeedMessage]:
    with house.connect() as connection:
        rows = connection.execute(_FEED, [tenant_id]).fetchall()
    return [
        FeedMessage(
            position,
            site_id,
            anomaly_type,
            severity,
            prior_severity,
            orjson.loads(body) | {"position": position},
        )
        for position, site_id, anomaly_type, severity, prior_severity, body in rows
    ]


def faults_in(house: House, stream: Stream, crew: Crew, lost: int) -> Iterator[str]:
    """A sentence for whatever is not as it must be. The broker may have `lost` nothing."""
    if lost:
        yield f"the broker lost {lost} tasks, and may not"
    with house.connect() as connection:
        for tenant_id in stream.tenants:
            feed = feed_of(house, tenant_id)
            yield from _faults_of_feed(connection, tenant_id, feed)
            yield from faults_of_alerts(
                connection, tenant_id, [message.payload for message in feed]
            )
            yield from faults_of_deeds(connection, tenant_id, crew.books[tenant_id])
            yield from _faults_of_findings(connection, tenant_id, stream.planted[tenant_id])
        yield from faults_of_messages(connection)


def _faults_of_feed(
    connection: psycopg.Connection, tenant_id: int, feed: list[FeedMessage]
) -> Iterator[str]:
    positions = [message.position for message in feed]
    if positions != list(range(1, len(feed) + 1)):
        yield f"tenant {tenant_id}: positions are not contiguous from 1"
    if connection.execute(
        "SELECT head FROM tenant WHERE tenant_id = %s", [tenant_id]
    ).fetchone() != (len(feed),):
        yield f"tenant {tenant_id}: the head is not the last position"
    detected = Counter(
        message.payload["anomaly_id"]
        for message in feed
        if message.payload["type"] == "anomaly_detected"
    )
    stored = {
        row[0]
        for row in connection.execute(
            "SELECT anomaly_id::text FROM anomaly WHERE tenant_id = %s", [tenant_id]
        )
    }
    if detected.keys() != stored:
        differing = len(detected.keys() ^ stored)
        yield f"tenant {tenant_id}: {differing} anomalies were either not told or not stored"
    if repeated := [anomaly_id for anomaly_id, times in detected.items() if times > 1]:
        yield f"tenant {tenant_id}: {len(repeated)} anomalies were told as new more than once"
    notes = Counter(
        message.payload["note"] for message in feed if message.payload["type"] == "finding_created"
    )
    if any(times > 1 for times in notes.values()):
        yield f"tenant {tenant_id}: a publication was told twice"


def _faults_of_findings(
    connection: psycopg.Connection, tenant_id: int, planted: set[tuple[str, str]]
) -> Iterator[str]:
    standing = set(connection.execute(_STANDING, [tenant_id]).fetchall())
    if standing != planted:
        differing = sorted(standing ^ planted)[:5]
        yield f"tenant {tenant_id}: stands and was not planted, or the reverse: {differing}"
    with connection.cursor() as cursor:
        now = datetime.now(UTC)
        window = load_everything(cursor, tenant_id, FIRST_DAY - timedelta(days=1), now, now)
    at_once = {
        (scored.finding.subject.punch_id, scored.finding.anomaly_type) for scored in detect(window)
    }
    if standing != at_once:
        differing = sorted(standing ^ at_once)[:5]
        yield f"tenant {tenant_id}: judged all at once, something else is found: {differing}"

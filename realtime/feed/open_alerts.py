"""The snapshot's counts of open alerts by severity: those that wait for somebody."""

from sqlalchemy import text

from models.ids import Id
from models.tables.alerts import IS_OPEN
from models.vocabulary import SEVERITIES, WAITING, Severity
from realtime.feed.filters import Hearing
from realtime.feed.reader import FeedReader
from realtime.ids import number

# Postgres may be ahead of this server, whose viewers have yet to hear the messages beyond
# `position`. A viewer that adds such a message to a count that has its alert already would count
# it twice. So an alert with messages beyond counts as it was before the first of them: with the
# severity said before, and the status from which the trail's line of that message leads. A message
# without such a line says that the alert got another correlation_id, and changed neither.
_COUNT = text(f"""
WITH beyond AS MATERIALIZED (
    SELECT DISTINCT ON (alert_id) *
    FROM (
        SELECT (payload ->> 'alert_id')::uuid AS alert_id, position, event, site_id, anomaly_type,
            coalesce(prior_severity, severity) AS severity, payload ->> 'status' AS status,
            (payload ->> 'version')::integer AS version,
            (payload ->> 'timestamp')::timestamptz AS at
        FROM message CROSS JOIN LATERAL CAST(body AS jsonb) AS payload
        WHERE tenant_id = :tenant_id AND position > :position
            AND event IN ('alert_created', 'alert_updated')
    ) AS told_beyond
    ORDER BY alert_id, position
), counted AS (
    SELECT severity, status, site_id, anomaly_type FROM alert
    WHERE tenant_id = :tenant_id AND {IS_OPEN}
        AND alert_id NOT IN (SELECT alert_id FROM beyond)
    UNION ALL
    SELECT beyond.severity, coalesce(line.from_status, beyond.status), site_id, anomaly_type
    FROM beyond LEFT JOIN alert_trail AS line ON line.tenant_id = :tenant_id
        AND line.alert_id = beyond.alert_id AND line.version = beyond.version
        AND line.at = beyond.at
    WHERE event = 'alert_updated'
)
SELECT severity, count(*) FROM counted
WHERE status = ANY(:waiting)
    AND (CAST(:sites AS bigint[]) IS NULL OR site_id = ANY(:sites))
    AND (CAST(:types AS text[]) IS NULL OR anomaly_type = ANY(:types))
    AND (CAST(:severities AS text[]) IS NULL OR severity = ANY(:severities))
GROUP BY severity
""")


async def count_open_alerts(
    reader: FeedReader,
    tenant_id: Id,
    position: int,
    hearing: Hearing,
) -> dict[Severity, int]:
    """Count what `hearing` hears, as of `position`: every severity, gravest last.

    What is SUPPRESSED, say, waits for nobody and is not counted. Raises what Postgres raised.
    """
    sites, filter_ = hearing.sites(), hearing.filter
    await number(reader.postgres, tenant_id, sites or ())
    values = {
        "tenant_id": tenant_id,
        "position": position,
        "sites": None if sites is None else sorted(sites),
        "waiting": list(WAITING),
        "types": list(filter_.types) or None,
        "severities": list(filter_.severities) or None,
    }
    counts = {row[0]: row[1] for row in await reader.postgres.fetch(_COUNT, values)}
    return {severity: counts.get(severity, 0) for severity in SEVERITIES}

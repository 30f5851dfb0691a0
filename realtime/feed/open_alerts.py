"""The snapshot's counts of open alerts by severity: those that ask for somebody, as it is heard."""

from sqlalchemy import ColumnElement, func, select

from models.tables import alert
from models.vocabulary import SEVERITIES, WAITING, Severity
from realtime.feed.filters import Hearing
from realtime.feed.reader import FeedReader


async def count_open_alerts(
    reader: FeedReader,
    tenant_id: int,
    hearing: Hearing,
) -> dict[Severity, int]:
    """Every severity, gravest last. What is SUPPRESSED, say, waits for nobody and is not counted."""
    where: list[ColumnElement[bool]] = [
        alert.c.tenant_id == tenant_id,
        alert.c.status.in_(WAITING),
    ]
    sites = hearing.sites()
    if sites is not None:
        where.append(alert.c.site_id == func.any(sorted(sites)))
    if hearing.filter.types:
        where.append(alert.c.anomaly_type.in_(hearing.filter.types))
    if hearing.filter.severities:
        where.append(alert.c.severity.in_(hearing.filter.severities))
    counts = select(alert.c.severity, func.count()).where(*where).group_by(alert.c.severity)
    counted = {row[0]: row[1] for row in await reader.postgres.fetch(counts)}
    return {severity: counted.get(severity, 0) for severity in SEVERITIES}

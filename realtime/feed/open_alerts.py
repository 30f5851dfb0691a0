"""The snapshot's counts of open alerts by severity: those that ask for somebody, within what the viewer hears."""

from typing import Any

from sqlalchemy import ColumnElement, func, select

from models.tables import alert
from models.vocabulary import SEVERITIES, WAITING
from realtime.feed.filters import Hearing
from realtime.feed.reader import FeedReader


async def count_open_alerts(reader: FeedReader, tenant_id: int, hearing: Hearing) -> dict[str, int]:
    """Every severity, gravest last. What is SUPPRESSED, say, waits for nobody and is not counted."""
    where: list[ColumnElement[bool]] = [alert.c.tenant_id == tenant_id, alert.c.status.in_(WAITING)]
    sites = hearing.sites()
    if sites is not None:
        where.append(alert.c.site_id == func.any(sorted(sites)))
    for column, values in ((alert.c.anomaly_type, hearing.filter.types), (alert.c.severity, hearing.filter.severities)):
        if values:
            where.append(column.in_(values))
    counted: Any = await reader.postgres.fetch(select(alert.c.severity, func.count()).where(*where).group_by(alert.c.severity))
    return dict.fromkeys(SEVERITIES, 0) | dict(counted)

"""How far a tenant's backfill is judged: by REST for its admins, and as metrics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import Field
from sqlalchemy import text
from typing_extensions import TypedDict

from models.ids import spelled
from models.schemas.payloads import instant_text
from realtime.http.context import admin
from realtime.http.endpoint import endpoint
from realtime.http.fields import Moment
from realtime.http.shares import fetch
from realtime.postgres import Postgres

_PROGRESS = """
WITH waiting AS (
    SELECT tenant_id, count(*) AS rows_left FROM pending WHERE {} GROUP BY tenant_id
), judged AS (
    SELECT tenant_id,
        sum(rows) / greatest(extract(epoch FROM now() - min(since)), 1) AS rows_per_second
    FROM backfill_pace
    WHERE since > now() - interval '1 minute'
    GROUP BY tenant_id
)
SELECT tenant_id, rows_left, coalesce(rows_per_second, 0)::float AS rows_per_second
FROM waiting LEFT JOIN judged USING (tenant_id)
ORDER BY tenant_id
"""
# Without those of a pile that are judged again (worker.judging.later).
_WAITS = "backfill AND cause->'again' IS NULL"
_OF_TENANT = text(_PROGRESS.format(f"{_WAITS} AND tenant_id = :tenant_id"))
_OF_ALL = text(_PROGRESS.format(_WAITS))


class BackfillProgress(TypedDict):
    """What is left to judge of the punches that were submitted as backfill."""

    rows_left: Annotated[int, Field(ge=0, description="A corrected punch may count twice.")]
    rows_per_second: Annotated[float, Field(ge=0, description="Judged in the last minute.")]
    ends_at: Annotated[
        Moment | None, Field(description="At this rate. Null where none is left, or none judged.")
    ]


async def show(request: web.Request) -> BackfillProgress:
    claims = await admin(request)
    for row in await fetch(request, claims, _OF_TENANT, {"tenant_id": claims.tenant_id}):
        return _progress(row.rows_left, row.rows_per_second)
    return _progress(0, 0.0)


async def metrics_text(postgres: Postgres) -> bytes:
    """Count afresh, and return Prometheus' text format. Raises SQLAlchemyError or OSError."""
    registry = CollectorRegistry()
    registry.register(_Backfills(await postgres.fetch(_OF_ALL)))
    return generate_latest(registry)


class _Backfills(Collector):
    """The tenants whose backfill is not judged yet; others have no series."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        left = GaugeMetricFamily(
            "rollcall_backfill_left", "Rows of a backfill left to judge.", labels=["tenant_id"]
        )
        rate = GaugeMetricFamily(
            "rollcall_backfill_rows_per_second",
            "Rows of a backfill judged a second, in the last minute.",
            labels=["tenant_id"],
        )
        for row in self._rows:
            left.add_metric([spelled(row.tenant_id)], row.rows_left)
            rate.add_metric([spelled(row.tenant_id)], row.rows_per_second)
        yield left
        yield rate


def _progress(rows_left: int, rows_per_second: float) -> BackfillProgress:
    ends_at = None
    if rows_left and rows_per_second:
        ends_at = datetime.now(UTC) + timedelta(seconds=rows_left / rows_per_second)
    return {
        "rows_left": rows_left,
        "rows_per_second": round(rows_per_second, 1),
        "ends_at": instant_text(ends_at) if ends_at else None,
    }


ENDPOINTS = (
    endpoint(
        "GET",
        "/api/v1/backfill",
        show,
        "How far the backfill is judged (role admin)",
        "Punches that come live are judged before those of a backfill.",
    ),
)

"""Precision: of what operators reviewed as CONFIRMED or FALSE_POSITIVE, the share that was right, by type, site and policy version.

By REST within the token's sites, and as metrics for whoever runs the installation.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, Row, Select, func, select

from models.tables import anomaly
from models.vocabulary import ANOMALY_STATES, TYPES
from realtime.http.context import CONTEXT, viewer
from realtime.http.listing import integer, list_response, one_of, read_filters
from realtime.postgres import Postgres

FILTERS = {"type": one_of(TYPES), "site_id": integer, "policy_version": integer}
COLUMNS = ("anomaly_type", "site_id", "policy_version", "confirmed", "false_positive", "precision")
_RIGHT_OR_WRONG = [name for name, state in ANOMALY_STATES.items() if state.is_right is not None]
# So many combinations are told, those with the most reviews first.
MOST = 5_000

_COLUMN_OF: dict[str, Any] = {"type": anomaly.c.anomaly_type, "site_id": anomaly.c.site_id, "policy_version": anomaly.c.reviewed_version}
_KEY = (anomaly.c.anomaly_type, anomaly.c.site_id, anomaly.c.reviewed_version.label("policy_version"))


async def list_precision(request: web.Request) -> web.Response:
    claims = await viewer(request)
    filters = read_filters(request, FILTERS)
    where: list[ColumnElement[bool]] = [anomaly.c.tenant_id == claims.tenant_id]
    if claims.sites is not None:
        where.append(anomaly.c.site_id == func.any(sorted(claims.sites)))
    where += [column.in_(filters[name]) for name, column in _COLUMN_OF.items() if name in filters]
    rows = await request.app[CONTEXT].postgres.fetch(_counts(*_KEY).where(*where))
    return list_response(request, [_item(row) for row in rows], COLUMNS, None)


async def metrics_text(postgres: Postgres) -> bytes:
    """In Prometheus' text format, read afresh from the database. Raises SQLAlchemyError or OSError."""
    registry = CollectorRegistry()
    registry.register(_Reviewed(await postgres.fetch(_counts(anomaly.c.tenant_id, *_KEY))))
    return generate_latest(registry)


class _Reviewed(Collector):
    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        names = ("tenant_id", "anomaly_type", "site_id", "policy_version")
        reviewed = GaugeMetricFamily("rollcall_reviewed_anomalies", "Anomalies by their latest review.", labels=[*names, "verdict"])
        precision = GaugeMetricFamily("rollcall_precision", "The share of reviewed anomalies that were confirmed.", labels=names)
        for row in self._rows:
            labels = [str(value) for value in row[:4]]
            reviewed.add_metric([*labels, "CONFIRMED"], row.confirmed)
            reviewed.add_metric([*labels, "FALSE_POSITIVE"], row.reviewed - row.confirmed)
            precision.add_metric(labels, row.confirmed / row.reviewed)
        yield reviewed
        yield precision


def _counts(*key: ColumnElement) -> Select:
    """Per key: `confirmed`, and `reviewed`, which is those and the false positives. Answered from an index."""
    confirmed = func.count().filter(anomaly.c.review == "CONFIRMED").label("confirmed")
    reviewed = func.count().label("reviewed")
    counted = select(*key, confirmed, reviewed).where(anomaly.c.review.in_(_RIGHT_OR_WRONG))
    return counted.group_by(*key).order_by(reviewed.desc(), *key).limit(MOST)


def _item(row: Row) -> dict[str, Any]:
    return {
        "anomaly_type": row.anomaly_type,
        "site_id": row.site_id,
        "policy_version": row.policy_version,
        "confirmed": row.confirmed,
        "false_positive": row.reviewed - row.confirmed,
        "precision": round(row.confirmed / row.reviewed, 4),
    }

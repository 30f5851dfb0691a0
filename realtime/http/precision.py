"""Precision: the share of anomalies reviewed as CONFIRMED or FALSE_POSITIVE that was right.

It is counted by type, site and policy version: by REST within the token's sites, and as metrics
for whoever runs the installation.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, Row, Select, func, select
from typing_extensions import TypedDict

from models.ids import spelled
from models.schemas.fields import Id, Share
from models.tables import anomaly
from models.vocabulary import ANOMALY_STATES, TYPES, AnomalyType
from realtime.http.context import viewer
from realtime.http.filtering import any_of, conditions, ids_in, read_filters
from realtime.http.kinds import ID, VERSION, one_of
from realtime.http.listing import (
    at_site,
    columns_of,
    list_endpoint,
    parameters_of,
    within,
)
from realtime.http.pages import page_response
from realtime.http.shares import fetch
from realtime.postgres import Postgres

FILTERS = {
    "type": any_of(anomaly.c.anomaly_type, one_of(TYPES)),
    "site_id": any_of(anomaly.c.site_id, ID),
    "policy_version": any_of(anomaly.c.reviewed_version, VERSION),
}
_RIGHT_OR_WRONG = [name for name, state in ANOMALY_STATES.items() if state.is_right is not None]
# At most so many combinations are answered, those with the most reviews first.
MOST_ITEMS = 5_000

_SCOPE = at_site(anomaly.c.site_id)
_VERSION = anomaly.c.reviewed_version.label("policy_version")
_KEY = (anomaly.c.anomaly_type, anomaly.c.site_id, _VERSION)


class PrecisionItem(TypedDict):
    """How often a type was right at a site, under a version of the policy."""

    anomaly_type: AnomalyType
    site_id: Id
    policy_version: int
    confirmed: int
    false_positive: int
    precision: Share


async def list_precision(request: web.Request) -> web.Response:
    claims = await viewer(request)
    values_of = read_filters(request, FILTERS)
    where = [*within(claims, anomaly.c.tenant_id, _SCOPE), *conditions(FILTERS, values_of)]
    rows = await fetch(request, claims, _counts(*_KEY).where(*where), ids=ids_in(values_of))
    in_order = sorted(rows, key=lambda row: (-row.reviewed, *row[:3]))
    return page_response(request, [_item(row) for row in in_order], columns_of(_item))


async def metrics_text(postgres: Postgres) -> bytes:
    """Count afresh, and return Prometheus' text format. Raises SQLAlchemyError or OSError."""
    registry = CollectorRegistry()
    registry.register(_Reviewed(await postgres.fetch(_counts(anomaly.c.tenant_id, *_KEY))))
    return generate_latest(registry)


class _Reviewed(Collector):
    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        names = ("tenant_id", "anomaly_type", "site_id", "policy_version")
        reviewed = GaugeMetricFamily(
            "rollcall_reviewed_anomalies",
            "Anomalies by their latest review.",
            labels=[*names, "verdict"],
        )
        precision = GaugeMetricFamily(
            "rollcall_precision",
            "The share of reviewed anomalies that were confirmed.",
            labels=names,
        )
        for row in self._rows:
            labels = [spelled(row[0]), row[1], spelled(row[2]), str(row[3])]
            reviewed.add_metric([*labels, "CONFIRMED"], row.confirmed)
            reviewed.add_metric([*labels, "FALSE_POSITIVE"], row.reviewed - row.confirmed)
            precision.add_metric(labels, row.confirmed / row.reviewed)
        yield reviewed
        yield precision


def _counts(*key: ColumnElement[Any]) -> Select[Any]:
    """Return what selects, per key, `confirmed`, and `reviewed`: those and the false positives.

    It is answered from an index.
    """
    confirmed = func.count().filter(anomaly.c.review == "CONFIRMED").label("confirmed")
    reviewed = func.count().label("reviewed")
    judged = anomaly.c.review.in_(_RIGHT_OR_WRONG)
    counted = select(*key, confirmed, reviewed).where(judged)
    return counted.group_by(*key).order_by(reviewed.desc(), *key).limit(MOST_ITEMS)


def _item(row: Row[Any]) -> PrecisionItem:
    return {
        "anomaly_type": row.anomaly_type,
        "site_id": row.site_id,
        "policy_version": row.policy_version,
        "confirmed": row.confirmed,
        "false_positive": row.reviewed - row.confirmed,
        "precision": round(row.confirmed / row.reviewed, 4),
    }


ENDPOINTS = (
    list_endpoint(
        "/api/v1/precision",
        list_precision,
        "Precision, from reviews",
        f"At most {MOST_ITEMS:,}, those with the most reviews first; `next` is null.",
        PrecisionItem,
        parameters_of(FILTERS),
    ),
)

"""Alerts by REST: the list, and one with its trail and anomalies."""

from typing import Annotated, Any, get_args

from aiohttp import web
from pydantic import Field
from sqlalchemy import ColumnElement, Row, Select, Table, select
from typing_extensions import TypedDict

from models.schemas.payloads import instant_text
from models.tables import alert, alert_anomaly, alert_trail, anomaly
from models.vocabulary import SEVERITIES, TYPES, AlertStatus
from realtime.http.alert_item import AlertItem, item
from realtime.http.anomaly_item import AnomalyItem
from realtime.http.anomaly_item import item as anomaly_item
from realtime.http.context import viewer
from realtime.http.endpoint import endpoint
from realtime.http.fields import Moment
from realtime.http.filtering import any_of, since_and_until
from realtime.http.kinds import ID, TEXT, UUID_TEXT, one_of
from realtime.http.listing import Listing, at_site
from realtime.http.shares import fetch

PATH = "/api/v1/alerts"
# An alert is shown with at most so many of its newest lines, and of its newest anomalies.
MOST_SHOWN = 500


class TrailLine(TypedDict):
    """Who did what to an alert."""

    at: Moment
    version: int
    actor: Annotated[str, Field(description="The token's sub, or system.")]
    role: str
    move: str
    from_status: AlertStatus | None
    to_status: AlertStatus
    note: str | None
    assignee: str | None
    added: Annotated[int, Field(description="Anomalies that came with this line.")]


class ShownAlert(TypedDict):
    """The alert; who did what to it, oldest first; the anomalies in it, newest first."""

    alert: AlertItem
    trail: list[TrailLine]
    anomalies: list[AnomalyItem]


ALERTS = Listing(
    what="alert",
    moment=alert.c.created_at,
    key=alert.c.alert_id,
    filters={
        "status": any_of(alert.c.status, one_of(get_args(AlertStatus))),
        "severity": any_of(alert.c.severity, one_of(SEVERITIES)),
        "type": any_of(alert.c.anomaly_type, one_of(TYPES)),
        "site_id": any_of(alert.c.site_id, ID),
        "person_id": any_of(alert.c.person_id, ID),
        "assigned_to": any_of(alert.c.assigned_to, TEXT),
        "correlation_id": any_of(alert.c.correlation_id, UUID_TEXT),
        **since_and_until(alert.c.created_at),
    },
    scope=at_site(alert.c.site_id),
    item=item,
    left_out=frozenset({"timestamp", "tenant_id"}),
)


async def show_alert(request: web.Request) -> ShownAlert:
    claims = await viewer(request)
    alert_row = await ALERTS.find(request, claims)
    lines = await fetch(request, claims, _latest_lines(alert_row))
    anomalies = await fetch(request, claims, _latest_anomalies(alert_row))
    return {
        "alert": item(alert_row, claims),
        "trail": [_line(row) for row in reversed(lines)],
        "anomalies": [anomaly_item(row, claims) for row in anomalies],
    }


def _latest_lines(alert_row: Row[Any]) -> Select[Any]:
    lines = select(alert_trail).where(*_of(alert_trail, alert_row))
    return lines.order_by(alert_trail.c.version.desc()).limit(MOST_SHOWN)


def _latest_anomalies(alert_row: Row[Any]) -> Select[Any]:
    gathered = select(alert_anomaly.c.anomaly_id).where(*_of(alert_anomaly, alert_row))
    anomalies = select(anomaly).where(
        anomaly.c.tenant_id == alert_row.tenant_id,
        anomaly.c.anomaly_id.in_(gathered),
        ~anomaly.c.shadow,
    )
    return anomalies.order_by(anomaly.c.detected_at.desc()).limit(MOST_SHOWN)


def _of(table: Table, alert_row: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    return table.c.tenant_id == alert_row.tenant_id, table.c.alert_id == alert_row.alert_id


def _line(row: Row[Any]) -> TrailLine:
    return {
        "at": instant_text(row.at),
        "version": row.version,
        "actor": row.actor,
        "role": row.role,
        "move": row.move,
        "from_status": row.from_status,
        "to_status": row.to_status,
        "note": row.note,
        "assignee": row.assignee,
        "added": row.added,
    }


ENDPOINTS = (
    ALERTS.endpoint(PATH, "Alerts of the token's sites"),
    endpoint(
        "GET",
        f"{PATH}/{{alert_id}}",
        show_alert,
        "One alert, its trail and its anomalies",
        "The alert.",
        refuses=("not_found",),
    ),
)

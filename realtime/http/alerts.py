"""Alerts by REST: the list, one with its trail and anomalies, and the moves, one by one or up to 500 at once."""

from collections.abc import Mapping
from typing import Any, get_args

import orjson
from aiohttp import web
from sqlalchemy import ColumnElement, Select, func, select, tuple_

from models.alerts.alert import Alert
from models.alerts.move import Moved, Wanted
from models.alerts.rows import fields_of
from models.schemas.said import AlertStatus, instant_text
from models.tables import alert, alert_anomaly, alert_trail, anomaly
from models.vocabulary import SEVERITIES, TYPES
from realtime.desk import read_id, read_wanted, refusal
from realtime.errors import ClientError
from realtime.http.anomalies import item as anomaly_item
from realtime.http.context import CONTEXT, viewer
from realtime.http.listing import (
    Cursor,
    identity,
    instant,
    integer,
    list_response,
    one_of,
    plain_text,
    read_cursor,
    read_filters,
    read_limit,
)
from realtime.http.punches import read_json
from realtime.tokens import Claims

MOST_AT_ONCE = 500
# Of one alert so many of the newest lines and anomalies are shown.
MOST_SHOWN = 500
FILTERS = {
    "status": one_of(get_args(AlertStatus)),
    "severity": one_of(SEVERITIES),
    "type": one_of(TYPES),
    "site_id": integer,
    "person_id": integer,
    "assigned_to": plain_text,
    "correlation_id": identity,
    "since": instant,
    "until": instant,
}
COLUMNS = (
    "alert_id",
    "first_seen",
    "last_seen",
    "anomaly_type",
    "severity",
    "status",
    "count",
    "message",
    "person_id",
    "person_name",
    "site_id",
    "site_name",
    "assigned_to",
    "correlation_id",
    "escalation_step",
    "escalated_to",
    "escalates_at",
    "quiet_reason",
    "quiet_until",
    "acknowledged_at",
    "resolved_at",
    "seconds_to_acknowledge",
    "seconds_to_resolve",
    "version",
)
_COLUMN_OF: dict[str, Any] = {
    "type": alert.c.anomaly_type,
    **{name: alert.c[name] for name in ("status", "severity", "site_id", "person_id", "assigned_to", "correlation_id")},
}


async def list_alerts(request: web.Request) -> web.Response:
    claims = await viewer(request)
    limit = read_limit(request)
    query = _select(claims, read_filters(request, FILTERS), read_cursor(request)).limit(limit + 1)
    rows = await request.app[CONTEXT].postgres.fetch(query)
    shown = rows[:limit]
    following = Cursor(shown[-1].created_at, shown[-1].alert_id) if len(rows) > limit else None
    return list_response(request, [fields_of(Alert(**row._mapping)) for row in shown], COLUMNS, following)


async def show_alert(request: web.Request) -> web.Response:
    """The alert, who did what to it, oldest first, and the anomalies in it, newest first."""
    claims = await viewer(request)
    alert_id = read_id(request.match_info["alert_id"], "alert")
    fetch = request.app[CONTEXT].postgres.fetch
    found = await fetch(_select(claims, {}, None).where(alert.c.alert_id == alert_id))
    if not found:
        raise ClientError("not_found", "There is no such alert.")
    of_it = (alert_trail.c.tenant_id == claims.tenant_id, alert_trail.c.alert_id == alert_id)
    trail = await fetch(select(alert_trail).where(*of_it).order_by(alert_trail.c.version.desc()).limit(MOST_SHOWN))
    held = select(alert_anomaly.c.anomaly_id).where(alert_anomaly.c.tenant_id == claims.tenant_id, alert_anomaly.c.alert_id == alert_id)
    its = (anomaly.c.tenant_id == claims.tenant_id, anomaly.c.anomaly_id.in_(held), ~anomaly.c.shadow)
    anomalies = await fetch(select(anomaly).where(*its).order_by(anomaly.c.detected_at.desc()).limit(MOST_SHOWN))
    body = {
        "alert": fields_of(Alert(**found[0]._mapping)),
        "trail": [_line(row._mapping) for row in reversed(trail)],
        "anomalies": [anomaly_item(row, claims) for row in anomalies],
    }
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def move_one(request: web.Request) -> web.Response:
    claims = await viewer(request)
    given = {**await read_object(request), "alert_id": request.match_info["alert_id"]}
    return web.json_response(await request.app[CONTEXT].desk.move(claims, request.match_info["move"], given))


async def move_many(request: web.Request) -> web.Response:
    """The same move of each, or its refusal, in the order given: those that are allowed commit together.

    What is no id of ours is not found, like an alert that is not there, and is no reason to leave the others alone.
    """
    claims = await viewer(request)
    given = await read_object(request)
    ids, versions = given.get("alert_ids"), given.get("versions") or {}
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_AT_ONCE or not isinstance(versions, dict):
        raise ClientError("invalid", f"alert_ids is a list of 1 to {MOST_AT_ONCE} ids; versions, if any, an object of them.")
    move = request.path.rpartition("/")[2]
    wanted = [_wanted(move, {**given, "alert_id": each, "version": versions.get(str(each))}) for each in ids]
    moved = iter(await request.app[CONTEXT].desk.move_all(claims, [want for want in wanted if isinstance(want, Wanted)]))
    outcomes = [next(moved) if isinstance(want, Wanted) else want for want in wanted]
    return web.json_response({"results": [_result(each, outcome) for each, outcome in zip(ids, outcomes, strict=True)]})


def _wanted(move: str, given: Mapping[str, Any]) -> Wanted | ClientError:
    try:
        return read_wanted(move, given)
    except ClientError as error:
        if error.code != "not_found":
            raise
        return error


def _result(alert_id: str, outcome: Moved | ClientError) -> dict[str, Any]:
    if isinstance(outcome, Moved):
        if not outcome.refused:
            return {"alert_id": alert_id, "ok": True, "alert": outcome.alert}
        outcome = refusal(outcome)
    return {"alert_id": alert_id, "ok": False, "error": outcome.as_object()}


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body, which may be left out."""
    given = await read_json(request) if request.can_read_body else {}
    if not isinstance(given, dict):
        raise ClientError("invalid", "The body is an object.")
    return given


def _select(claims: Claims, filters: Mapping[str, list[Any]], cursor: Cursor | None) -> Select:
    where: list[ColumnElement[bool]] = [alert.c.tenant_id == claims.tenant_id]
    if claims.sites is not None:
        where.append(alert.c.site_id == func.any(sorted(claims.sites)))
    where += [column.in_(filters[name]) for name, column in _COLUMN_OF.items() if name in filters]
    if "since" in filters:
        where.append(alert.c.created_at >= max(filters["since"]))
    if "until" in filters:
        where.append(alert.c.created_at < min(filters["until"]))
    if cursor:
        where.append(tuple_(alert.c.created_at, alert.c.alert_id) < tuple_(cursor.moment, cursor.row_id))
    return select(alert).where(*where).order_by(alert.c.created_at.desc(), alert.c.alert_id.desc())


def _line(row: Any) -> dict[str, Any]:
    named = ("version", "actor", "role", "move", "from_status", "to_status", "note", "assignee", "added")
    return {"at": instant_text(row["at"]), **{name: row[name] for name in named}}

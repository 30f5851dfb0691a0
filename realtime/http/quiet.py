"""Silences and maintenance windows by REST, within the token's sites; each shows what it hid."""

import asyncio
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, case, cast, exists, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from models.alerts.moves import MoveRefused
from models.alerts.quiet_rows import add_quiet, cancel_quiet
from models.schemas.quiet import Wanted
from models.schemas.said import instant_text
from models.tables import alert, alert_trail, quiet
from realtime.desk import actor_of, read_id
from realtime.errors import ClientError
from realtime.http.alerts import read_object
from realtime.http.context import CONTEXT, viewer
from realtime.http.listing import Cursor, list_response, one_of, read_cursor, read_filters, read_limit
from realtime.tokens import Claims

KINDS = ("silence", "maintenance", "recurring")
STATES = ("planned", "in_force", "over", "cancelled")
FILTERS = {"kind": one_of(KINDS), "state": one_of(STATES)}
COLUMNS = (
    "quiet_id",
    "kind",
    "state",
    "reason",
    "author",
    "types",
    "severities",
    "sites",
    "people",
    "starts_at",
    "ends_at",
    "duration_minutes",
    "rrule",
    "hid_alerts",
    "hid_anomalies",
    "created_at",
    "cancelled_at",
    "cancelled_by",
)
WANTED: TypeAdapter = TypeAdapter(Wanted)

# A recurring one is in force from its first start to its last end, also between its windows.
_STATE = case(
    (quiet.c.cancelled_at.is_not(None), "cancelled"),
    (quiet.c.ends_at <= func.now(), "over"),
    (quiet.c.starts_at > func.now(), "planned"),
    else_="in_force",
)


async def list_quiet(request: web.Request) -> web.Response:
    claims = await viewer(request)
    limit = read_limit(request)
    query = _select(claims, read_filters(request, FILTERS), read_cursor(request)).limit(limit + 1)
    rows = await request.app[CONTEXT].postgres.fetch(query)
    shown = rows[:limit]
    following = Cursor(shown[-1].created_at, shown[-1].quiet_id) if len(rows) > limit else None
    return list_response(request, [_item(row, claims) for row in shown], COLUMNS, following)


async def add(request: web.Request) -> web.Response:
    claims = await viewer(request)
    context = request.app[CONTEXT]
    try:
        # A rule may take dateutil a moment to make sense of.
        wanted = await asyncio.to_thread(WANTED.validate_python, await read_object(request))
    except ValidationError as error:
        raise ClientError("invalid", _problem(error)) from None
    try:
        quiet_id = await asyncio.to_thread(add_quiet, context.intake, claims.tenant_id, actor_of(claims), wanted)
    except MoveRefused as refused:
        raise ClientError(refused.code, refused.message) from None
    (row,) = await context.postgres.fetch(_select(claims, {}, None).where(quiet.c.quiet_id == quiet_id))
    return web.json_response(_item(row, claims), status=201)


async def cancel(request: web.Request) -> web.Response:
    """End it now. What it hides is raised, where it still stands, within half a minute."""
    claims = await viewer(request)
    context = request.app[CONTEXT]
    quiet_id = read_id(request.match_info["quiet_id"], "silence or maintenance window")
    try:
        await asyncio.to_thread(cancel_quiet, context.intake, claims.tenant_id, actor_of(claims), quiet_id)
    except MoveRefused as refused:
        raise ClientError(refused.code, refused.message) from None
    (row,) = await context.postgres.fetch(_select(claims, {}, None).where(quiet.c.quiet_id == quiet_id))
    return web.json_response(_item(row, claims))


def _select(claims: Claims, filters: dict[str, list[Any]], cursor: Cursor | None) -> Select:
    where: list[ColumnElement[bool]] = [quiet.c.tenant_id == claims.tenant_id]
    if claims.sites is not None:
        mine = cast(sorted(claims.sites), ARRAY(BigInteger))
        where.append(or_(func.cardinality(quiet.c.sites) == 0, quiet.c.sites.overlap(mine)))
    if "kind" in filters:
        where.append(quiet.c.kind.in_(filters["kind"]))
    if "state" in filters:
        where.append(_STATE.in_(filters["state"]))
    if cursor:
        where.append(tuple_(quiet.c.created_at, quiet.c.quiet_id) < tuple_(cursor.moment, cursor.row_id))
    hid = _hid(claims)
    wanted = select(quiet, _STATE.label("state"), hid.c.alerts, hid.c.anomalies).outerjoin(hid, literal(True))
    return wanted.where(*where).order_by(quiet.c.created_at.desc(), quiet.c.quiet_id.desc())


def _hid(claims: Claims) -> Any:
    """How many alerts of the token's sites it hid, and how many anomalies came while it did."""
    its = and_(alert_trail.c.tenant_id == quiet.c.tenant_id, alert_trail.c.quiet_id == quiet.c.quiet_id)
    if claims.sites is not None:
        of_it = (alert.c.tenant_id == alert_trail.c.tenant_id, alert.c.alert_id == alert_trail.c.alert_id)
        its = and_(its, exists().where(*of_it, alert.c.site_id == func.any(sorted(claims.sites))))
    counts = (
        func.count(alert_trail.c.alert_id.distinct()).label("alerts"),
        func.coalesce(func.sum(alert_trail.c.added), 0).label("anomalies"),
    )
    return select(*counts).where(its).lateral("hid")


def _item(row: Row, claims: Claims) -> dict[str, Any]:
    """Of a quiet for several sites a token sees its own."""
    wall = row.starts_wall
    return {
        "quiet_id": str(row.quiet_id),
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "author": row.author,
        "types": row.types,
        "severities": row.severities,
        "sites": [site_id for site_id in row.sites if claims.covers(frozenset((site_id,)))],
        "people": row.people,
        "starts_at": wall.isoformat() if wall else instant_text(row.starts_at),
        "ends_at": instant_text(row.ends_at) if row.ends_at and not wall else None,
        "duration_minutes": row.duration_seconds / 60 if row.duration_seconds else None,
        "rrule": row.rrule,
        "hid_alerts": row.alerts,
        "hid_anomalies": int(row.anomalies),
        "created_at": instant_text(row.created_at),
        "cancelled_at": instant_text(row.cancelled_at) if row.cancelled_at else None,
        "cancelled_by": row.cancelled_by,
    }


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in KINDS)
    return f"{where}: {first['msg']}" if where else first["msg"]

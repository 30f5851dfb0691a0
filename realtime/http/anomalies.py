"""Anomalies by REST: what was found, newest first, within the token's sites; one with its reviews; an operator's verdict."""

from typing import Any, get_args
from uuid import UUID

import orjson
from aiohttp import web
from sqlalchemy import ColumnElement, Row, Select, Table, case, func, select, tuple_

from models.schemas.said import AnomalyStatus, anomaly_status, instant_text
from models.tables import anomaly, review_trail, withdrawal_trail
from models.vocabulary import SEVERITIES, TYPES
from realtime.desk import read_id
from realtime.errors import ClientError
from realtime.http.context import CONTEXT, viewer
from realtime.http.listing import Cursor, instant, integer, list_response, one_of, plain_text, read_cursor, read_filters, read_limit
from realtime.http.punches import read_json
from realtime.tokens import Claims

# Of one anomaly so many of the latest reviews are shown, and of the corrections that withdrew it.
MOST_LINES = 500
STATUS = case((~anomaly.c.standing, "WITHDRAWN"), else_=func.coalesce(anomaly.c.review, "DETECTED"))
FILTERS = {
    "type": one_of(TYPES),
    "severity": one_of(SEVERITIES),
    "status": one_of(get_args(AnomalyStatus)),
    "site_id": integer,
    "person_id": integer,
    "punch_id": plain_text,
    "shift_id": plain_text,
    "reason": plain_text,
    "since": instant,
    "until": instant,
}
COLUMNS = (
    "anomaly_id",
    "timestamp",
    "occurred_at",
    "anomaly_type",
    "severity",
    "status",
    "review",
    "reason",
    "explanation",
    "person_id",
    "person_name",
    "site_id",
    "site_name",
    "punch_id",
    "shift_id",
    "fraud_score",
    "confidence",
    "policy_version",
    "evidence",
    "private_evidence",
)
_COLUMN_OF: dict[str, Any] = {
    "type": anomaly.c.anomaly_type,
    "severity": anomaly.c.severity,
    "status": STATUS,
    "site_id": anomaly.c.site_id,
    "person_id": anomaly.c.person_id,
    "punch_id": anomaly.c.punch_id,
    "shift_id": anomaly.c.shift_id,
    "reason": anomaly.c.reason,
}


async def list_anomalies(request: web.Request) -> web.Response:
    claims = await viewer(request)
    limit = read_limit(request)
    query = _select(claims, read_filters(request, FILTERS), read_cursor(request)).limit(limit + 1)
    rows = await request.app[CONTEXT].postgres.fetch(query)
    shown = rows[:limit]
    following = Cursor(shown[-1].detected_at, shown[-1].anomaly_id) if len(rows) > limit else None
    return list_response(request, [item(row, claims) for row in shown], COLUMNS, following)


async def show_anomaly(request: web.Request) -> web.Response:
    """The anomaly; who reviewed it, and whose corrections withdrew it, oldest first."""
    claims = await viewer(request)
    anomaly_id = read_id(request.match_info["anomaly_id"], "anomaly")
    fetch = request.app[CONTEXT].postgres.fetch
    found = await fetch(_select(claims, {}, None).where(anomaly.c.anomaly_id == anomaly_id))
    if not found:
        raise ClientError("not_found", "There is no such anomaly.")
    reviews = await fetch(_trail(review_trail, claims, anomaly_id, review_trail.c.number))
    withdrawals = await fetch(_trail(withdrawal_trail, claims, anomaly_id, withdrawal_trail.c.at))
    body = {
        "anomaly": item(found[0], claims),
        "reviews": [_review(row._mapping) for row in reversed(reviews)],
        "withdrawals": [_withdrawal(row, found[0], claims) for row in reversed(withdrawals)],
    }
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def review(request: web.Request) -> web.Response:
    """An operator's verdict."""
    claims = await viewer(request)
    given = await read_json(request) if request.can_read_body else None
    if not isinstance(given, dict):
        raise ClientError("invalid", "The body is an object with a verdict and, if you like, a note.")
    given = {**given, "anomaly_id": request.match_info["anomaly_id"]}
    return web.json_response(await request.app[CONTEXT].desk.review(claims, given))


def _select(claims: Claims, filters: dict[str, list[Any]], cursor: Cursor | None) -> Select:
    """What is in shadow is tried out, and shown to nobody."""
    where: list[ColumnElement[bool]] = [anomaly.c.tenant_id == claims.tenant_id, ~anomaly.c.shadow]
    if claims.sites is not None:
        where.append(anomaly.c.site_id == func.any(sorted(claims.sites)))
    where += [column.in_(filters[name]) for name, column in _COLUMN_OF.items() if name in filters]
    if "since" in filters:
        where.append(anomaly.c.detected_at >= max(filters["since"]))
    if "until" in filters:
        where.append(anomaly.c.detected_at < min(filters["until"]))
    if cursor:
        where.append(tuple_(anomaly.c.detected_at, anomaly.c.anomaly_id) < tuple_(cursor.moment, cursor.row_id))
    return select(anomaly).where(*where).order_by(anomaly.c.detected_at.desc(), anomaly.c.anomaly_id.desc())


def _trail(trail: Table, claims: Claims, anomaly_id: UUID, order: ColumnElement) -> Select:
    """The latest lines, newest first."""
    of_it = (trail.c.tenant_id == claims.tenant_id, trail.c.anomaly_id == anomaly_id)
    return select(trail).where(*of_it).order_by(order.desc()).limit(MOST_LINES)


def _withdrawal(row: Row, of: Row, claims: Claims) -> dict[str, Any]:
    """Which correction or void, whose and by which door. What is told of a punch at another site is that it was there."""
    shown = row.punch_id == of.punch_id or claims.covers(_sites(row.other_sites))
    return {
        "at": instant_text(row.at),
        "cause": row.cause,
        "punch_id": row.punch_id if shown else None,
        "content_hash": row.content_hash.hex() if shown and row.content_hash else None,
        "received_at": instant_text(row.received_at),
        "submitted_by": row.submitted_by if shown else None,
    }


def _sites(named: str) -> frozenset[int]:
    return frozenset(int(site_id) for site_id in named.split(",") if site_id)


def _review(row: Any) -> dict[str, Any]:
    return {"at": instant_text(row["at"]), **{name: row[name] for name in ("number", "actor", "role", "verdict", "note", "policy_version")}}


def item(row: Row, claims: Claims) -> dict[str, Any]:
    """As viewers are told it, and what rests on other sites for tokens that cover them all."""
    return {
        "anomaly_id": str(row.anomaly_id),
        "tenant_id": row.tenant_id,
        "timestamp": instant_text(row.detected_at),
        "updated_at": instant_text(row.updated_at),
        "occurred_at": instant_text(row.occurred_at),
        "anomaly_type": row.anomaly_type,
        "severity": row.severity,
        "status": anomaly_status(row.standing, row.shadow, row.review),
        "review": row.review,
        "reason": row.reason,
        "explanation": row.explanation,
        "person_id": row.person_id,
        "person_name": row.person_name,
        "site_id": row.site_id,
        "site_name": row.site_name,
        "punch_id": row.punch_id or None,
        "shift_id": row.shift_id or None,
        "fraud_score": round(row.fraud_score, 4),
        "confidence": row.confidence,
        "policy_version": row.policy_version,
        "backfill": row.backfill,
        "evidence": row.evidence,
        "private_evidence": row.private_evidence if claims.covers(_sites(row.other_sites)) else None,
    }

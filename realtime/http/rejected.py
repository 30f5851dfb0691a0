"""GET /api/v1/rejected and POST /api/v1/rejected/{id}/resubmit: what could not be judged, for the tenant's admins."""

from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_

from models import intake
from models.intake.resubmission.resubmit import DOOR
from models.intake.roster import sync
from models.schemas.said import instant_text
from models.tables import rejected
from realtime.errors import ClientError
from realtime.http.context import CONTEXT, admin
from realtime.http.listing import Cursor, instant, integer, list_response, one_of, plain_text, read_cursor, read_filters, read_limit
from realtime.http.punches import another_tenants, answer, at_own_sites, read_json, submitter
from realtime.tokens import Claims

FILTERS = {
    "state": one_of(("open", "resubmitted")),
    "door": plain_text,
    "punch_id": plain_text,
    "site_id": integer,
    "person_id": integer,
    "since": instant,
    "until": instant,
}
COLUMNS = (
    "rejected_id",
    "received_at",
    "door",
    "punch_id",
    "person_id",
    "site_id",
    "reasons",
    "waits_for",
    "times",
    "resubmitted_at",
    "submitted_by",
    "content",
)
_COLUMN_OF: dict[str, Any] = {name: rejected.c[name] for name in ("door", "punch_id", "site_id", "person_id")}


async def list_rejected(request: web.Request) -> web.Response:
    claims = await admin(request)
    limit = read_limit(request)
    filters = {"state": ["open"]} | read_filters(request, FILTERS)
    query = _select(claims, filters, read_cursor(request)).limit(limit + 1)
    rows = await request.app[CONTEXT].postgres.fetch(query)
    shown = rows[:limit]
    following = Cursor(shown[-1].received_at, shown[-1].rejected_id) if len(rows) > limit else None
    return list_response(request, [_item(row) for row in shown], COLUMNS, following)


async def resubmit(request: web.Request) -> web.Response:
    """As it was rejected, or, with a body, as it was mended."""
    claims = await admin(request)
    context = request.app[CONTEXT]
    rejected_id = await _find(request, claims)
    content = await read_json(request) if request.can_read_body else None
    if another_tenants(content, claims):
        raise ClientError("forbidden", "The punch is another tenant's.")
    by = submitter(DOOR, claims)
    outcome = await at_own_sites(intake.resubmit, context.intake, claims.tenant_id, rejected_id, content, by=by)
    context.workers.hand_over(claims.tenant_id)
    return web.json_response(answer(outcome), status=202)


async def _find(request: web.Request, claims: Claims) -> UUID:
    """The id of a row that the token may see."""
    missing = ClientError("not_found", "There is no such rejected submission.")
    try:
        rejected_id = UUID(request.match_info["rejected_id"])
    except ValueError:
        raise missing from None
    if not await request.app[CONTEXT].postgres.fetch(_select(claims, {}, None).where(rejected.c.rejected_id == rejected_id)):
        raise missing
    return rejected_id


def _select(claims: Claims, filters: dict[str, list[Any]], cursor: Cursor | None) -> Select:
    where: list[ColumnElement[bool]] = [rejected.c.tenant_id == claims.tenant_id]
    if claims.sites is not None:
        where += [rejected.c.site_id == func.any(sorted(claims.sites)), rejected.c.door != sync.DOOR]  # a roster is no site's
    where += [column.in_(filters[name]) for name, column in _COLUMN_OF.items() if name in filters]
    if len(states := filters.get("state", [])) == 1:
        where.append(rejected.c.resubmitted_at.is_(None) if states == ["open"] else rejected.c.resubmitted_at.is_not(None))
    if "since" in filters:
        where.append(rejected.c.received_at >= max(filters["since"]))
    if "until" in filters:
        where.append(rejected.c.received_at < min(filters["until"]))
    if cursor:
        where.append(tuple_(rejected.c.received_at, rejected.c.rejected_id) < tuple_(cursor.moment, cursor.row_id))
    return select(rejected).where(*where).order_by(rejected.c.received_at.desc(), rejected.c.rejected_id.desc())


def _item(row: Row) -> dict[str, Any]:
    return {
        "rejected_id": str(row.rejected_id),
        "door": row.door,
        "punch_id": row.punch_id,
        "person_id": row.person_id,
        "site_id": row.site_id,
        "content": row.content,
        "reasons": row.reasons,
        "waits_for": row.waits_for,
        "times": row.times,
        "received_at": instant_text(row.received_at),
        "resubmitted_at": instant_text(row.resubmitted_at) if row.resubmitted_at else None,
        "submitted_by": row.submitted_by,
    }

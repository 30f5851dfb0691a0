"""POST /api/v1/punches: the same door as the Celery tasks, for callers without Celery."""

import asyncio
import json
from typing import Any

from aiohttp import web

from models import intake
from realtime.errors import ClientError
from realtime.http.context import CONTEXT, bearer
from realtime.tokens import Claims, is_id

MAX_PUNCHES = 10_000
DOOR = "POST /api/v1/punches"


async def submit_punches(request: web.Request) -> web.Response:
    claims = await bearer(request)
    if not claims.may_submit():
        raise ClientError("forbidden", "Submitting needs the role admin or the scope submit.")
    given = await read_json(request)
    punches = given if isinstance(given, list) else [given]
    if not 1 <= len(punches) <= MAX_PUNCHES:
        raise ClientError("invalid", f"Submit 1 to {MAX_PUNCHES} punches at a time.")
    if any(another_tenants(punch, claims) for punch in punches):
        raise ClientError("forbidden", "At least one punch is another tenant's; nothing was stored.")
    context = request.app[CONTEXT]
    outcomes = await asyncio.to_thread(intake.submit, context.intake, punches, door=DOOR)
    context.judging.hand_over(claims.tenant_id)
    answers = [answer(outcome) for outcome in outcomes]
    return web.json_response(answers if isinstance(given, list) else answers[0], status=202)


def another_tenants(punch: object, claims: Claims) -> bool:
    tenant_id = punch.get("tenant_id") if isinstance(punch, dict) else None
    return is_id(tenant_id) and tenant_id != claims.tenant_id


def answer(outcome: intake.Outcome) -> dict[str, Any]:
    return {"punch_id": outcome.punch_id, "status": outcome.status, "reasons": outcome.reasons}


async def read_json(request: web.Request) -> Any:
    """The body, read as the tasks' messages are: what is odd in a single punch is for the door to reject."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise ClientError("invalid", "The body is no JSON.") from None

"""POST /api/v1/punches: the same door as the Celery tasks, for callers without Celery."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from models import intake
from realtime import metrics
from realtime.errors import ClientError
from realtime.http.context import CONTEXT, bearer
from realtime.tokens import Claims, is_id

MAX_PUNCHES = 10_000
DOOR = "POST /api/v1/punches"

Taken = TypeVar("Taken")


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
    outcomes = await at_own_sites(intake.submit, context.intake, punches, by=submitter(DOOR, claims))
    for outcome in outcomes:
        metrics.punches.labels(outcome.became).inc()
    context.workers.hand_over(claims.tenant_id)
    answers = [answer(outcome) for outcome in outcomes]
    return web.json_response(answers if isinstance(given, list) else answers[0], status=202)


def another_tenants(punch: object, claims: Claims) -> bool:
    tenant_id = punch.get("tenant_id") if isinstance(punch, dict) else None
    return is_id(tenant_id) and tenant_id != claims.tenant_id


def submitter(door: str, claims: Claims) -> intake.Submitter:
    return intake.Submitter(door, claims.sub, claims.sites)


async def at_own_sites(hand_in: Callable[..., Taken], *args: Any, **kwargs: Any) -> Taken:
    """Hand in, in a thread. Raises ClientError where something is, or was, at a site outside the token's; nothing is stored then."""
    try:
        return await asyncio.to_thread(hand_in, *args, **kwargs)
    except intake.OutsideSites:
        raise ClientError("forbidden", "This writes to a site outside the token's sites; nothing was stored.") from None


def answer(outcome: intake.Outcome) -> dict[str, Any]:
    """`applied`: whether the content stands now. Where it is accepted and does not, a later one of the same punch does."""
    return {"punch_id": outcome.punch_id, "status": outcome.status, "applied": outcome.applied, "reasons": outcome.reasons}


async def read_json(request: web.Request) -> Any:
    """The body, read as the tasks' messages are: what is odd in a single punch is for the door to reject."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise ClientError("invalid", "The body is no JSON.") from None

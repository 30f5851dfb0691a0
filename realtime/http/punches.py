"""POST /api/v1/punches: submitting as the Celery tasks do, for callers without Celery."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from models import intake
from models.schemas.punch import MOST_PUNCHES, PunchIn
from realtime import metrics
from realtime.errors import ClientError
from realtime.http.body import read_json
from realtime.http.context import CONTEXT, bearer
from realtime.http.endpoint import Body, endpoint
from realtime.http.handing_in import (
    OutcomeItem,
    another_tenants,
    at_own_sites,
    outcome_item,
    submitter,
)

PATH = "/api/v1/punches"
DOOR = f"POST {PATH}"

# mypy knows no type that is made from another class at run time.
Punches = Annotated[list[PunchIn], Field(min_length=1, max_length=MOST_PUNCHES)]  # type: ignore[valid-type]


async def submit_punches(request: web.Request) -> OutcomeItem | list[OutcomeItem]:
    """Submit one punch or a list of them.

    Raises ClientError `forbidden` where the token may not submit one of them, `invalid` where
    there is none or there are too many; then none is stored.
    """
    claims = await bearer(request)
    if not claims.may_submit():
        raise ClientError("forbidden", "Submitting needs the role admin or the scope submit.")
    body = await read_json(request, claims)
    punches = body if isinstance(body, list) else [body]
    if not 1 <= len(punches) <= MOST_PUNCHES:
        raise ClientError("invalid", f"Submit 1 to {MOST_PUNCHES} punches at a time.")
    if any(another_tenants(punch, claims) for punch in punches):
        text = "At least one punch is another tenant's; nothing was stored."
        raise ClientError("forbidden", text)
    context = request.app[CONTEXT]
    by = submitter(DOOR, claims)
    outcomes = await at_own_sites(request, claims, intake.submit, context.intake, punches, by=by)
    for outcome in outcomes:
        metrics.punches.labels(outcome.became).inc()
    context.workers.hand_over(claims.tenant_id)
    answers = [outcome_item(outcome) for outcome in outcomes]
    return answers if isinstance(body, list) else answers[0]


ENDPOINTS = (
    endpoint(
        "POST",
        PATH,
        submit_punches,
        f"Submit one punch or up to {MOST_PUNCHES:,} (role admin or scope submit)",
        "What became of each, in the order given. 403 stores nothing.",
        status=202,
        takes=Body(PunchIn | Punches),
        refuses=("invalid",),
    ),
)

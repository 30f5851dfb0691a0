"""Submissions that could not be judged, for the tenant's admins: the list, and submitting again."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field
from sqlalchemy import ColumnElement, Row, func, true
from typing_extensions import TypedDict

from models import intake
from models.intake.refused.reasons import Reason
from models.intake.resubmission.resubmit import DOOR
from models.intake.roster import sync
from models.schemas.fields import Id
from models.schemas.payloads import instant_text
from models.schemas.punch import PunchIn
from models.tables import rejected
from realtime.errors import ClientError
from realtime.http.body import read_optional_json
from realtime.http.context import CONTEXT, admin
from realtime.http.endpoint import Body, endpoint
from realtime.http.fields import Moment, Object, SubmittedBy, UuidText
from realtime.http.filtering import Filter, any_of, since_and_until
from realtime.http.handing_in import (
    OutcomeItem,
    another_tenants,
    at_own_sites,
    outcome_item,
    submitter,
)
from realtime.http.kinds import ID, TEXT, one_of
from realtime.http.listing import Listing
from realtime.tokens import Claims

OPEN, RESUBMITTED = STATES = ("open", "resubmitted")


class RejectedItem(TypedDict):
    """A submission that could not be judged."""

    # The CSV has the fields in this order.
    rejected_id: UuidText
    received_at: Moment
    door: Annotated[str, Field(description="The task or request it came by.")]
    punch_id: str | None
    person_id: Id | None
    site_id: Id | None
    reasons: list[Reason]
    waits_for: Annotated[
        str | None,
        Field(description="What a roster.sync has to bring: tenant or site."),
    ]
    times: Annotated[int, Field(ge=1, description="How often it came.")]
    resubmitted_at: Moment | None
    submitted_by: SubmittedBy
    content: Annotated[str, Field(description="As it came.")]


def _item(row: Row[Any], _: Claims) -> RejectedItem:
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


def _in_state(states: Sequence[str]) -> ColumnElement[bool]:
    if len(set(states)) == len(STATES):
        return true()
    at = rejected.c.resubmitted_at
    return at.is_(None) if OPEN in states else at.is_not(None)


def _at_sites(sites: Collection[Id]) -> list[ColumnElement[bool]]:
    """Keep to the sites. A roster belongs to none, whatever it names."""
    return [rejected.c.site_id == func.any(sorted(sites)), rejected.c.door != sync.DOOR]


REJECTED = Listing(
    what="rejected submission",
    moment=rejected.c.received_at,
    key=rejected.c.rejected_id,
    filters={
        "state": Filter(
            one_of(STATES),
            _in_state,
            "open (the default): what still needs somebody; resubmitted: taken since.",
            default=(OPEN,),
        ),
        "door": any_of(rejected.c.door, TEXT),
        "punch_id": any_of(rejected.c.punch_id, TEXT),
        "site_id": any_of(rejected.c.site_id, ID),
        "person_id": any_of(rejected.c.person_id, ID),
        **since_and_until(rejected.c.received_at),
    },
    scope=_at_sites,
    item=_item,
)


async def resubmit(request: web.Request) -> OutcomeItem:
    """Submit it again, as it was rejected or, with a body, as it was mended.

    Raises ClientError `not_found`, or `forbidden` where the mended one is another tenant's.
    """
    claims = await admin(request)
    context = request.app[CONTEXT]
    rejected_row = await REJECTED.find(request, claims)
    content: Any = await read_optional_json(request, claims)
    if another_tenants(content, claims):
        raise ClientError("forbidden", "The punch is another tenant's.")
    outcome = await at_own_sites(
        request,
        claims,
        intake.resubmit,
        context.intake,
        claims.tenant_id,
        rejected_row.rejected_id,
        content,
        by=submitter(DOOR, claims),
    )
    context.workers.hand_over(claims.tenant_id)
    return outcome_item(outcome)


ENDPOINTS = (
    REJECTED.endpoint("/api/v1/rejected", "Rejected submissions (role admin)", admin),
    endpoint(
        "POST",
        "/api/v1/rejected/{rejected_id}/resubmit",
        resubmit,
        "Submit what was rejected again, as it was or, with a body, mended (role admin)",
        "What became of it.",
        status=202,
        # Whatever its door takes: mostly a punch.
        takes=Body(PunchIn | Object, needed=False),
        refuses=("invalid", "not_found"),
    ),
)

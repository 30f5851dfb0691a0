"""Reviews of anomalies by REST: giving a verdict, and the lines of the trail."""

from typing import Annotated, Any, NotRequired, cast

from aiohttp import web
from pydantic import Field
from sqlalchemy import Row
from typing_extensions import TypedDict

from models.schemas.payloads import instant_text
from realtime.desk import MOST_NOTE_CHARACTERS
from realtime.http.anomaly_item import ReviewedAnomaly, Verdict
from realtime.http.body import read_object
from realtime.http.context import CONTEXT, operator
from realtime.http.endpoint import Body, endpoint
from realtime.http.fields import Moment

WRONG_BODY = "The body must be an object with a verdict and, if you like, a note."


class ReviewBody(TypedDict):
    verdict: Verdict
    note: NotRequired[Annotated[str, Field(max_length=MOST_NOTE_CHARACTERS)] | None]


class ReviewLine(TypedDict):
    """One verdict on an anomaly."""

    at: Moment
    number: int
    actor: Annotated[str, Field(description="The token's sub.")]
    role: str
    verdict: Verdict
    note: str | None
    policy_version: Annotated[int, Field(description="Of the policy that found what was reviewed.")]


class Reviewed(TypedDict):
    anomaly: ReviewedAnomaly


async def review(request: web.Request) -> Reviewed:
    claims = await operator(request)
    body = await read_object(request, claims, WRONG_BODY, needed=True)
    data: dict[str, Any] = {**body, "anomaly_id": request.match_info["anomaly_id"]}
    return cast(Reviewed, await request.app[CONTEXT].desk.review(claims, data))


def review_line(row: Row[Any]) -> ReviewLine:
    return {
        "at": instant_text(row.at),
        "number": row.number,
        "actor": row.actor,
        "role": row.role,
        "verdict": row.verdict,
        "note": row.note,
        "policy_version": row.policy_version,
    }


ENDPOINTS = (
    endpoint(
        "POST",
        "/api/v1/anomalies/{anomaly_id}/review",
        review,
        "Review an anomaly (role operator)",
        "The anomaly as it is now.",
        takes=Body(ReviewBody),
        refuses=("invalid", "not_found"),
    ),
)

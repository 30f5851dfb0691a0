"""Anomalies by REST: what was found, and one with its reviews and what withdrew it."""

from typing import Annotated, Any, Literal, get_args

from aiohttp import web
from pydantic import Field
from sqlalchemy import ColumnElement, Row, Select, Table, case, func, select
from typing_extensions import TypedDict

from models.schemas.payloads import instant_text
from models.tables import anomaly, review_trail, withdrawal_trail
from models.vocabulary import SEVERITIES, TYPES, AnomalyStatus
from realtime.http.anomaly_item import AnomalyItem, covers_all, item
from realtime.http.context import viewer
from realtime.http.endpoint import endpoint
from realtime.http.fields import Moment, SubmittedBy
from realtime.http.filtering import any_of, since_and_until
from realtime.http.kinds import ID, TEXT, one_of
from realtime.http.listing import Listing, at_site
from realtime.http.reviews import ReviewLine, review_line
from realtime.http.shares import fetch
from realtime.tokens import Claims

PATH = "/api/v1/anomalies"
# An anomaly is shown with at most so many of its latest reviews, and of its latest withdrawals.
MOST_LINES = 500
STATUS = case((~anomaly.c.standing, "WITHDRAWN"), else_=func.coalesce(anomaly.c.review, "DETECTED"))

ANOMALIES = Listing(
    what="anomaly",
    moment=anomaly.c.detected_at,
    key=anomaly.c.anomaly_id,
    filters={
        "type": any_of(anomaly.c.anomaly_type, one_of(TYPES)),
        "severity": any_of(anomaly.c.severity, one_of(SEVERITIES)),
        "status": any_of(STATUS, one_of(get_args(AnomalyStatus))),
        "site_id": any_of(anomaly.c.site_id, ID),
        "person_id": any_of(anomaly.c.person_id, ID),
        "punch_id": any_of(anomaly.c.punch_id, TEXT),
        "shift_id": any_of(anomaly.c.shift_id, TEXT),
        "reason": any_of(anomaly.c.reason, TEXT),
        **since_and_until(anomaly.c.detected_at),
    },
    scope=at_site(anomaly.c.site_id),
    item=item,
    shown=(~anomaly.c.shadow,),  # one in shadow is a trial, and shown to nobody
    left_out=frozenset({"tenant_id", "updated_at", "backfill"}),
)


class WithdrawalLine(TypedDict):
    """A correction or a void that withdrew an anomaly."""

    at: Moment
    cause: Literal["correction", "void"]
    punch_id: Annotated[
        str | None,
        Field(
            description="Of what was corrected or voided; null at a site outside the token's.",
        ),
    ]
    content_hash: Annotated[str | None, Field(description="Which of its contents: of a void null.")]
    received_at: Annotated[Moment, Field(description="When the correction or void came.")]
    submitted_by: SubmittedBy


class ShownAnomaly(TypedDict):
    """The anomaly; who reviewed it, and whose corrections withdrew it, oldest first."""

    anomaly: AnomalyItem
    reviews: list[ReviewLine]
    withdrawals: list[WithdrawalLine]


async def show_anomaly(request: web.Request) -> ShownAnomaly:
    claims = await viewer(request)
    anomaly_row = await ANOMALIES.find(request, claims)
    reviews = await fetch(
        request, claims, _latest(review_trail, anomaly_row, review_trail.c.number)
    )
    withdrawals = await fetch(
        request, claims, _latest(withdrawal_trail, anomaly_row, withdrawal_trail.c.at)
    )
    return {
        "anomaly": item(anomaly_row, claims),
        "reviews": [review_line(row) for row in reversed(reviews)],
        "withdrawals": [
            _withdrawal_line(row, anomaly_row, claims) for row in reversed(withdrawals)
        ],
    }


def _latest(trail: Table, anomaly_row: Row[Any], order: ColumnElement[Any]) -> Select[Any]:
    """Return the latest lines of the anomaly, newest first."""
    key = (
        trail.c.tenant_id == anomaly_row.tenant_id,
        trail.c.anomaly_id == anomaly_row.anomaly_id,
    )
    return select(trail).where(*key).order_by(order.desc()).limit(MOST_LINES)


def _withdrawal_line(row: Row[Any], anomaly_row: Row[Any], claims: Claims) -> WithdrawalLine:
    """Return which correction or void it was, and whose.

    Where it was of another punch, at a site outside the token's, only that it was is shown.
    """
    is_own = row.punch_id == anomaly_row.punch_id
    seen = is_own or covers_all(row.other_sites, claims)
    return {
        "at": instant_text(row.at),
        "cause": row.cause,
        "punch_id": row.punch_id if seen else None,
        "content_hash": row.content_hash.hex() if seen and row.content_hash else None,
        "received_at": instant_text(row.received_at),
        "submitted_by": row.submitted_by if seen else None,
    }


ENDPOINTS = (
    ANOMALIES.endpoint(PATH, "Anomalies of the token's sites"),
    endpoint(
        "GET",
        f"{PATH}/{{anomaly_id}}",
        show_anomaly,
        "One anomaly, its reviews, and the corrections that withdrew it",
        "The anomaly.",
        refuses=("not_found",),
    ),
)

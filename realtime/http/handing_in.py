"""What all submissions by HTTP have in common."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from models import intake
from models.ids import is_id
from models.intake.refused.reasons import Reason
from realtime.errors import ClientError
from realtime.http.shares import SUBMISSIONS
from realtime.tokens import Claims

Taken = TypeVar("Taken")


class OutcomeItem(TypedDict):
    """What became of one submission."""

    punch_id: str | None
    status: Literal["accepted", "rejected"]
    applied: Annotated[
        bool,
        Field(description="Whether this content stands now: false where a later one does."),
    ]
    reasons: list[Reason]


def another_tenants(punch: object, claims: Claims) -> bool:
    """Return whether a submitted punch names a tenant that is not the token's."""
    tenant_id = punch.get("tenant_id") if isinstance(punch, dict) else None
    return is_id(tenant_id) and tenant_id != claims.tenant_id


def submitter(door: str, claims: Claims) -> intake.Submitter:
    """Return the token's bearer as the one who submits by this door."""
    return intake.Submitter(door, claims.sub, claims.sites)


async def at_own_sites(
    request: web.Request,
    claims: Claims,
    hand_in: Callable[..., Taken],
    *args: Any,
    **kwargs: Any,
) -> Taken:
    """Call `hand_in` in a thread, in a turn of the token's tenant, and return what it returns.

    Raises ClientError: `forbidden` where something is, or was, at a site outside the token's,
    `rate_limited` where too many of the tenant wait. Nothing is stored then.
    """
    try:
        async with request.app[SUBMISSIONS].turn(claims.tenant_id):
            return await asyncio.to_thread(hand_in, *args, **kwargs)
    except intake.OutsideSites:
        text = "This writes to a site outside the token's sites; nothing was stored."
        raise ClientError("forbidden", text) from None


def outcome_item(outcome: intake.Outcome) -> OutcomeItem:
    return {
        "punch_id": outcome.punch_id,
        "status": outcome.status,
        "applied": outcome.applied,
        "reasons": outcome.reasons,
    }

"""Silences and maintenance windows by REST: the list, with what each has hidden."""

from collections.abc import Collection
from typing import Annotated, Any, get_args

from pydantic import Field
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from typing_extensions import TypedDict

from models.schemas.fields import Id
from models.schemas.payloads import instant_text
from models.schemas.quiet import WantedQuiet
from models.tables import alert, alert_trail, quiet
from models.vocabulary import AnomalyType, Severity
from realtime.http.fields import Moment, UuidText, choice
from realtime.http.filtering import any_of
from realtime.http.kinds import one_of
from realtime.http.listing import Listing
from realtime.tokens import Claims

PATH = "/api/v1/quiet"
# The models that a new one may be of.
_MODELS = get_args(get_args(WantedQuiet)[0])
KINDS = tuple(str(get_args(model.model_fields["kind"].annotation)[0]) for model in _MODELS)
PLANNED, IN_FORCE, OVER, CANCELLED = STATES = ("planned", "in_force", "over", "cancelled")

# A recurring one is in force from its first start to its last end, also between its windows.
_STATE = case(
    (quiet.c.cancelled_at.is_not(None), CANCELLED),
    (quiet.c.ends_at <= func.now(), OVER),
    (quiet.c.starts_at > func.now(), PLANNED),
    else_=IN_FORCE,
)


class QuietItem(TypedDict):
    """A silence or maintenance window."""

    # The CSV has the fields in this order.
    quiet_id: UuidText
    kind: Annotated[str, choice(KINDS)]
    state: Annotated[str, choice(STATES)]
    reason: str
    author: Annotated[str, Field(description="The token's sub.")]
    types: list[AnomalyType]
    severities: list[Severity]
    sites: Annotated[list[Id], Field(description="Those of them that the token covers.")]
    people: list[Id]
    starts_at: Annotated[str, Field(description="Of a recurring window wall time at its sites.")]
    ends_at: Annotated[Moment | None, Field(description="Null for a recurring window.")]
    duration_minutes: float | None
    rrule: str | None
    hid_alerts: Annotated[int, Field(description="At the token's sites.")]
    hid_anomalies: Annotated[int, Field(description="At the token's sites.")]
    created_at: Moment
    cancelled_at: Moment | None
    cancelled_by: str | None


def _item(row: Row[Any], claims: Claims) -> QuietItem:
    """Return what is shown: of its sites those that the token covers."""
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


def _at_sites(sites: Collection[Id]) -> list[ColumnElement[bool]]:
    """Keep to what is for one of the sites, or for all of the tenant's."""
    named = cast(sorted(sites), ARRAY(BigInteger))
    return [or_(func.cardinality(quiet.c.sites) == 0, quiet.c.sites.overlap(named))]


def _rows(claims: Claims) -> Select[Any]:
    hidden = _hidden(claims)
    columns = (quiet, _STATE.label("state"), hidden.c.alerts, hidden.c.anomalies)
    return select(*columns).outerjoin(hidden, literal(True))


def _hidden(claims: Claims) -> Any:
    """Return a subquery for each row: how many alerts it hid, and how many anomalies with them.

    Only those at the token's sites are counted.
    """
    trail = alert_trail.c
    where = and_(trail.tenant_id == quiet.c.tenant_id, trail.quiet_id == quiet.c.quiet_id)
    if claims.sites is not None:
        of_line = (alert.c.tenant_id == trail.tenant_id, alert.c.alert_id == trail.alert_id)
        at_sites = alert.c.site_id == func.any(sorted(claims.sites))
        where = and_(where, exists().where(*of_line, at_sites))
    counts = (
        func.count(trail.alert_id.distinct()).label("alerts"),
        func.coalesce(func.sum(trail.added), 0).label("anomalies"),
    )
    return select(*counts).where(where).lateral("hid")


QUIET = Listing(
    what="silence or maintenance window",
    moment=quiet.c.created_at,
    key=quiet.c.quiet_id,
    filters={
        "kind": any_of(quiet.c.kind, one_of(KINDS)),
        "state": any_of(_STATE, one_of(STATES)),
    },
    scope=_at_sites,
    item=_item,
    rows=_rows,
)

ENDPOINTS = (QUIET.endpoint(PATH, "Silences and maintenance windows"),)

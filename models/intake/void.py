"""Voiding a punch: from then on it counts as never submitted, but is kept for the record."""

from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from models.intake.punches import cause
from models.intake.punches.store import KILLS_WORKER
from models.intake.refused.outcome import Outcome
from models.intake.refused.reasons import Refused, validated
from models.intake.refused.refuse import refuse_alone
from models.intake.refused.rejection import TENANT_UNKNOWN, unreadable
from models.intake.submitter import OutsideSites, Submitter
from models.numbering import find_tenant
from models.schemas.void import Void
from models.tables.punches import VERSION

DOOR = "attendance.void"
TASK = Submitter(DOOR)

_VERSION = ", ".join(VERSION)
# A punch that is not there yet gets a row without content, so that it comes in voided. The unique
# key makes a void and a submission at the same moment wait for each other.
_VOID = f"""
WITH voided AS (
    INSERT INTO punch (
        tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash,
        received_at, voided_at, void_reason, voided_by
    )
    SELECT tenant_id, %(punch_id)s, 0, 0, false, 'epoch', '',
        %(at)s, %(at)s, %(reason)s, %(voided_by)s::jsonb
    FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
    ON CONFLICT (tenant_id, punch_id) DO UPDATE SET
        voided_at = excluded.voided_at,
        void_reason = excluded.void_reason,
        voided_by = excluded.voided_by
    WHERE punch.voided_at IS NULL OR punch.void_reason = '{KILLS_WORKER}'
    RETURNING {_VERSION}
), waiting AS (
    INSERT INTO pending ({_VERSION}, received_at, cause)
    SELECT {_VERSION}, %(at)s, %(cause)s::jsonb FROM voided WHERE person_id <> 0
)
SELECT 1 FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
"""
_SITE = """
SELECT site_id FROM punch
WHERE tenant_id = %(tenant_id)s AND punch_id = %(punch_id)s
FOR NO KEY UPDATE
"""


def void(
    engine: Engine, tenant_id: object, punch_id: object, reason: object, by: Submitter = TASK
) -> Outcome:
    """Void the punch, now or when it comes, and commit.

    Voided once, it stays so with its first reason. Raises OutsideSites where `by` may write to some
    sites only, and the punch is at none of them or has not come yet.
    """
    content = {"tenant_id": tenant_id, "punch_id": punch_id, "reason": reason}
    at = datetime.now(UTC)
    try:
        return _void(engine, _numbered(engine, validated(Void, content)), by, at)
    except Refused as refused:
        return refuse_alone(engine, unreadable(content, refused.reasons), by, at, door=DOOR)


def _void(engine: Engine, content: Void, by: Submitter, at: datetime) -> Outcome:
    values = {
        **content.model_dump(),
        "at": at,
        "voided_by": by.as_text(),
        "cause": cause.of_void(by),
    }
    with transaction(engine) as cursor:
        if by.sites is not None and not by.covers(_site(cursor, values)):
            raise OutsideSites
        if not cursor.execute(_VOID, values).fetchone():
            raise Refused([TENANT_UNKNOWN])
    return Outcome(content.punch_id, "accepted", [], content.tenant_id, True)


def _numbered(engine: Engine, content: Void) -> Void:
    """Return the keywords with the number of the tenant's id; where nobody has stored that, there
    is no such tenant.
    """
    return content.model_copy(update={"tenant_id": find_tenant(engine, content.tenant_id)})


def _site(cursor: Cursor, values: dict[str, Any]) -> int | None:
    """Return the punch's site, which nobody changes before this transaction ends."""
    row = cursor.execute(_SITE, values).fetchone()
    return row[0] if row else None

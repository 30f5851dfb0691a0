"""Resubmitting what was refused, as it came or mended."""

import json
from datetime import UTC, datetime
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id
from models.intake.punches.store import KILLS_WORKER
from models.intake.refused.outcome import Outcome
from models.intake.refused.reasons import reason
from models.intake.refused.refuse import mark
from models.intake.resubmission.again import submit_again, tenants_named
from models.intake.submitter import Submitter
from models.numbering import find_tenant
from models.tables.punches import VERSION

_OTHER_TENANT = reason(
    "other_tenant", "tenant_id", "is not the tenant that this was refused for; submit it there"
)

_LOAD = """
SELECT door, content, backfill, punch_id, reasons FROM rejected
WHERE tenant_id = %s AND rejected_id = %s
"""

_VERSION = ", ".join(VERSION)
_REVIVE = f"""
WITH revived AS (
    UPDATE punch SET voided_at = NULL, void_reason = NULL, voided_by = NULL
    WHERE tenant_id = %(tenant_id)s AND punch_id = %(punch_id)s AND void_reason = '{KILLS_WORKER}'
    RETURNING {_VERSION}
)
INSERT INTO pending ({_VERSION}, received_at) SELECT {_VERSION}, %(at)s FROM revived
"""


DOOR = "POST /api/v1/rejected/{rejected_id}/resubmit"
COMMAND = "python -m worker resubmit"


def resubmit(
    engine: Engine,
    tenant_id: Id,
    rejected_id: UUID,
    content: object = None,
    *,
    by: Submitter = Submitter(COMMAND),
) -> Outcome:
    """Submit a refused submission again, as it came or with `content` in its place, and commit.

    tenant_id is 0 for those whose tenant could not be read. Raises LookupError where the tenant has
    no such submission, and OutsideSites where it would write to a site that `by` may not write to.
    """
    tenant_id = find_tenant(engine, tenant_id)
    with transaction(engine) as cursor:
        row = cursor.execute(_LOAD, [tenant_id, rejected_id]).fetchone()
    if row is None:
        raise LookupError(f"tenant {tenant_id} has no rejected submission {rejected_id}")
    door, text, backfill, punch_id, reasons = row
    content = json.loads(text) if content is None else content
    if tenant_id and tenants_named(content) - {tenant_id}:
        return Outcome(None, "rejected", [_OTHER_TENANT], tenant_id)
    if any(why["code"] == KILLS_WORKER for why in reasons):
        with transaction(engine) as cursor:
            _revive(cursor, tenant_id, punch_id)
    outcome = submit_again(engine, door, content, by=by, backfill=backfill)
    if outcome.status == "accepted":
        mark(engine, tenant_id, [rejected_id], datetime.now(UTC))
    return outcome


def _revive(cursor: Cursor, tenant_id: Id, punch_id: str) -> None:
    """Put a punch up for judging once more that was set aside because it killed its worker.

    It is stored already.
    """
    cursor.execute(_REVIVE, {"tenant_id": tenant_id, "punch_id": punch_id, "at": datetime.now(UTC)})

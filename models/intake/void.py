"""Voiding a punch: from then on it counts as never submitted, and stays for the record."""

from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import Engine

from models.database import transaction
from models.intake.outcome import Outcome, refusal
from models.intake.reasons import reasons_of
from models.intake.reject import TENANT_UNKNOWN, keep, lock, unreadable
from models.intake.store import KILLS_WORKER
from models.schemas.void import Void

DOOR = "attendance.void"

# A punch that is not there yet gets a row without content, so that it comes in voided. The unique key makes a void and a
# submission at the same moment wait for each other.
_VOID = f"""
WITH voided AS (
    INSERT INTO punch (
        tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash, received_at, voided_at, void_reason
    )
    SELECT tenant_id, %(punch_id)s, 0, 0, false, 'epoch', '', %(at)s, %(at)s, %(reason)s
    FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
    ON CONFLICT (tenant_id, punch_id) DO UPDATE SET voided_at = excluded.voided_at, void_reason = excluded.void_reason
    WHERE punch.voided_at IS NULL OR punch.void_reason = '{KILLS_WORKER}'
    RETURNING tenant_id, punch_id, person_id, site_id, occurred_at, device_id, biometric_person_id
), waiting AS (
    INSERT INTO pending (tenant_id, punch_id, person_id, site_id, occurred_at, device_id, biometric_person_id, received_at)
    SELECT *, %(at)s FROM voided WHERE person_id <> 0
)
SELECT 1 FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
"""


def void(engine: Engine, tenant_id: object, punch_id: object, reason: object) -> Outcome:
    """Void the punch, now or when it comes, and commit. Voided once, it stays so with its first reason."""
    content = {"tenant_id": tenant_id, "punch_id": punch_id, "reason": reason}
    at = datetime.now(UTC)
    try:
        wanted = Void.model_validate(content)
    except ValidationError as error:
        rejection = unreadable(content, reasons_of(error))
    else:
        with transaction(engine) as cursor:
            if cursor.execute(_VOID, {**wanted.model_dump(), "at": at}).fetchone():
                return Outcome(wanted.punch_id, "accepted", [], wanted.tenant_id)
        rejection = unreadable(content, [TENANT_UNKNOWN])._replace(waits_for="tenant")
    with transaction(engine) as cursor:
        lock(cursor, [rejection.tenant_id])
        keep(cursor, [rejection], DOOR, at)
    return refusal(rejection)

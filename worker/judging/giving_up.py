"""Give up what kills every judge that takes it, or makes it fail, so that the rest is judged.

A punch is rejected and counts as voided.
"""

from datetime import datetime

import structlog
from psycopg import Cursor
from psycopg.rows import dict_row

from models.due import hasten
from models.ids import Id
from models.intake.content import as_text
from models.intake.punches import cause
from models.intake.punches.row import COLUMNS, content_of, row_of
from models.intake.punches.store import KILLS_WORKER
from models.intake.refused.reasons import reason
from models.intake.refused.refuse import refuse
from models.intake.refused.rejection import Rejection
from models.intake.submitter import Submitter
from models.tables.punches import VERSION
from worker.judging.moments import CHORE as SWEEP
from worker.metrics import REJECTED

PUNCH_GIVEN_UP = "punch_given_up"
CHANGE_GIVEN_UP = "roster_change_given_up"
_JUDGE = Submitter("judge")

log = structlog.get_logger(__name__)

_WHY = reason(
    KILLS_WORKER,
    "",
    "killed the worker that judged it, or made it fail, three times alone; "
    "correct the punch, or void it, and report this",
)

_VERSION = ", ".join(VERSION)
# A correction of the punch brings it back. The new row of `pending` has the judge look at what
# changes without it.
_VOID = f"""
WITH gone AS (
    DELETE FROM pending
    WHERE tenant_id = %(tenant_id)s AND pending_id = %(row_id)s
    RETURNING punch_id
), voided AS (
    UPDATE punch
    SET voided_at = %(at)s, void_reason = '{KILLS_WORKER}', voided_by = %(by)s::jsonb
    FROM gone
    WHERE punch.tenant_id = %(tenant_id)s
        AND punch.punch_id = gone.punch_id
        AND voided_at IS NULL
    RETURNING punch.*
), waiting AS (
    INSERT INTO pending ({_VERSION}, received_at, cause)
    SELECT {_VERSION}, %(at)s, %(cause)s::jsonb FROM voided
)
SELECT {", ".join(name for name in COLUMNS if name != "extra")}, extra::text AS extra FROM voided
"""
_DROP = "DELETE FROM roster_change WHERE tenant_id = %s AND change_id = ANY(%s) RETURNING kind, key"


def give_up(cursor: Cursor, tenant_id: Id, table: str, ids: list[int], at: datetime) -> None:
    """Delete one row of `pending`, or the rows of one key of `roster_change`, and log what it was.

    The punch of a row of `pending` is kept among the rejected. Needs the tenant's lock.
    """
    if table == "pending":
        (row_id,) = ids
        _give_up_punch(cursor, tenant_id, row_id, at)
    elif change := cursor.execute(_DROP, (tenant_id, ids)).fetchone():
        log.error(CHANGE_GIVEN_UP, tenant_id=tenant_id, kind=change[0], key=change[1])
    hasten(cursor, tenant_id, SWEEP, at)  # what was given up may have moments of its own


def _give_up_punch(cursor: Cursor, tenant_id: Id, row_id: int, at: datetime) -> None:
    values = {
        "tenant_id": tenant_id,
        "row_id": row_id,
        "at": at,
        "by": _JUDGE.as_text(),
        "cause": cause.of_void(_JUDGE),
    }
    voided = cursor.execute(_VOID, values).fetchone()
    # It was voided before: what fails is the judgement of its absence, and nothing is to be
    # rejected.
    if voided is None:
        log.error(PUNCH_GIVEN_UP, tenant_id=tenant_id, punch_id=None)
        return
    row = row_of(dict_row(cursor)(voided))
    rejection = Rejection(
        tenant_id,
        row.punch_id,
        row.punch.person_id,
        row.punch.site_id,
        as_text(content_of(row)),
        row.content_hash,
        [_WHY],
        None,
    )
    refuse(cursor, [rejection], _JUDGE, at)
    REJECTED.labels(task=_JUDGE.door, code=KILLS_WORKER).inc()
    log.error(PUNCH_GIVEN_UP, tenant_id=tenant_id, punch_id=row.punch_id)

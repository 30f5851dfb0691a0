"""Reviewing anomalies: a verdict is in the trail and in the feed with the same commit."""

from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import class_row
from sqlalchemy import Engine

from models import feed
from models.alerts.anomaly import ANOMALY_COLUMNS, Anomaly, anomaly_body, message_of
from models.alerts.move import Actor, ToPublish
from models.alerts.moves import MoveRefused
from models.database import transaction
from models.ids import Id
from models.vocabulary import OPERATORS

NOTHING_TO_PUBLISH = ToPublish(None, [])

# What is in shadow is shown to nobody.
_LOCK = f"""
SELECT {", ".join(ANOMALY_COLUMNS)} FROM anomaly
WHERE tenant_id = %s AND anomaly_id = %s AND NOT shadow FOR UPDATE
"""
_LATEST = """
SELECT actor, verdict, note FROM review_trail
WHERE tenant_id = %s AND anomaly_id = %s ORDER BY number DESC LIMIT 1
"""
_WRITE = f"""
UPDATE anomaly SET
    review = %(verdict)s, reviewed_version = policy_version, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND anomaly_id = %(anomaly_id)s
RETURNING {", ".join(ANOMALY_COLUMNS)}
"""
_TRAIL = """
INSERT INTO review_trail (
    tenant_id, anomaly_id, number, at, actor, role, verdict, note, policy_version
)
SELECT
    %(tenant_id)s, %(anomaly_id)s, 1 + count(*), %(at)s, %(actor)s, %(role)s, %(verdict)s, %(note)s,
    %(policy_version)s
FROM review_trail WHERE tenant_id = %(tenant_id)s AND anomaly_id = %(anomaly_id)s
"""


class Verdict(NamedTuple):
    """What an operator says of an anomaly."""

    anomaly_id: UUID
    verdict: str
    note: str | None = None


def review(
    engine: Engine,
    tenant_id: Id,
    actor: Actor,
    verdict: Verdict,
) -> tuple[dict[str, Any], ToPublish]:
    """Review an anomaly, and commit.

    Return its payload from now on, with its `review`, and what to publish.

    An anomaly that does not stand any more can be reviewed too: it stays WITHDRAWN, and the verdict
    counts for precision and shows again should it stand again. A verdict that is there already
    changes nothing without a note, nor with the note that the same reviewer gave before: whose
    answer was lost may repeat a review.

    Raises MoveRefused where the actor may not review, or see no such anomaly.
    """
    if actor.role not in OPERATORS:
        raise MoveRefused("forbidden", "To review an anomaly needs the role operator or admin.")
    with transaction(engine) as cursor:
        anomaly = _one(cursor, _LOCK, (tenant_id, verdict.anomaly_id))
        if anomaly is None or not actor.covers(anomaly.site_id):
            raise MoveRefused("not_found", "There is no such anomaly.")
        if anomaly.review == verdict.verdict and _is_known(cursor, tenant_id, actor, verdict):
            return _shown(anomaly), NOTHING_TO_PUBLISH
        anomaly = _write(cursor, tenant_id, actor, verdict)
        # Viewers never heard of an anomaly that was only ever backfilled, nor do they now.
        messages = [message_of("anomaly_updated", anomaly, None)] if anomaly.said else []
        appended = feed.append(cursor, tenant_id, messages) if messages else None
    return _shown(anomaly), ToPublish(appended, messages)


def _is_known(cursor: Cursor, tenant_id: Id, actor: Actor, verdict: Verdict) -> bool:
    if not verdict.note:
        return True
    latest = cursor.execute(_LATEST, (tenant_id, verdict.anomaly_id)).fetchone()
    return latest == (actor.sub, verdict.verdict, verdict.note)


def _write(cursor: Cursor, tenant_id: Id, actor: Actor, verdict: Verdict) -> Anomaly:
    values = {"tenant_id": tenant_id, **verdict._asdict(), "actor": actor.sub, "role": actor.role}
    anomaly = _one(cursor, _WRITE, values)
    assert anomaly is not None  # it is locked
    version = anomaly.policy_version
    cursor.execute(_TRAIL, values | {"at": anomaly.updated_at, "policy_version": version})
    return anomaly


def _one(cursor: Cursor, sql: str, values: Any) -> Anomaly | None:
    with cursor.connection.cursor(row_factory=class_row(Anomaly)) as rows:
        return rows.execute(sql, values).fetchone()


def _shown(anomaly: Anomaly) -> dict[str, Any]:
    payload: dict[str, Any] = orjson.loads(anomaly_body("anomaly_updated", anomaly))
    return payload | {"review": anomaly.review}

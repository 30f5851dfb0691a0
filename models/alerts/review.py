"""Reviews of anomalies: an operator's verdict, in the trail and in the feed with the same commit."""

from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models import feed
from models.alerts.move import Actor, Said
from models.alerts.moves import MoveRefused
from models.database import transaction
from models.schemas.said import anomaly_body
from models.vocabulary import OPERATORS

NOTHING_SAID = Said(None, [])

# What is in shadow is shown to nobody.
_LOCK = "SELECT * FROM anomaly WHERE tenant_id = %s AND anomaly_id = %s AND NOT shadow FOR UPDATE"
_LATEST = """
SELECT actor, verdict, note FROM review_trail WHERE tenant_id = %s AND anomaly_id = %s ORDER BY number DESC LIMIT 1
"""
_WRITE = """
UPDATE anomaly SET review = %(verdict)s, reviewed_version = policy_version, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND anomaly_id = %(anomaly_id)s RETURNING *
"""
_TRAIL = """
INSERT INTO review_trail (tenant_id, anomaly_id, number, at, actor, role, verdict, note, policy_version)
SELECT %(tenant_id)s, %(anomaly_id)s, 1 + count(*), %(at)s, %(actor)s, %(role)s, %(verdict)s, %(note)s, %(policy_version)s
FROM review_trail WHERE tenant_id = %(tenant_id)s AND anomaly_id = %(anomaly_id)s
"""


class Verdict(NamedTuple):
    anomaly_id: UUID
    verdict: str
    note: str | None = None


def review(engine: Engine, tenant_id: int, actor: Actor, given: Verdict) -> tuple[dict[str, Any], Said]:
    """The anomaly as it is said from now on, with its `review`, and what to emit. Raises MoveRefused.

    One that does not stand any more can be reviewed too: it stays WITHDRAWN, and the verdict counts for precision and shows
    again should it stand again. The verdict that is there already changes nothing without a note; nor with the note that the same
    reviewer gave with it, so that a review may be repeated whose answer was lost.
    """
    if actor.role not in OPERATORS:
        raise MoveRefused("forbidden", "To review an anomaly needs the role operator or admin.")
    with transaction(engine) as cursor:
        row = _one(cursor, _LOCK, (tenant_id, given.anomaly_id))
        if row is None or not actor.covers(row["site_id"]):
            raise MoveRefused("not_found", "There is no such anomaly.")
        if row["review"] == given.verdict and _is_known(cursor, tenant_id, actor, given):
            return _shown(row), NOTHING_SAID
        row = _write(cursor, tenant_id, actor, given)
        # Nobody was told of what was only ever backfilled, and nobody is now.
        messages = [_message(row)] if row["said"] else []
        appended = feed.append(cursor, tenant_id, messages) if messages else None
    return _shown(row), Said(appended, messages)


def _is_known(cursor: Cursor, tenant_id: int, actor: Actor, given: Verdict) -> bool:
    if not given.note:
        return True
    latest = cursor.execute(_LATEST, (tenant_id, given.anomaly_id)).fetchone()
    return latest == (actor.sub, given.verdict, given.note)


def _write(cursor: Cursor, tenant_id: int, actor: Actor, given: Verdict) -> dict[str, Any]:
    values = {"tenant_id": tenant_id, **given._asdict(), "actor": actor.sub, "role": actor.role}
    row = _one(cursor, _WRITE, values)
    assert row is not None  # it is locked
    cursor.execute(_TRAIL, values | {"at": row["updated_at"], "policy_version": row["policy_version"]})
    return row


def _one(cursor: Cursor, sql: str, values: Any) -> dict[str, Any] | None:
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(sql, values).fetchone()


def _message(row: dict[str, Any]) -> feed.Message:
    event = "anomaly_updated"
    return feed.Message(event, row["site_id"], row["anomaly_type"], row["severity"], None, anomaly_body(event, row))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(anomaly_body("anomaly_updated", row)) | {"review": row["review"]}

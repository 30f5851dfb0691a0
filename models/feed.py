"""A tenant's feed: appending messages to it, and their payloads once they have a position."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple, Self

from psycopg import Cursor

from models.bulk import document, records
from models.ids import Id

MARK_DIGITS = 12
# What a message is told by from any other. One of the first edition has no mark of its own: it is
# told by when it was said, and by its body.
MARK = """coalesce(mark, left(encode(
    sha256(convert_to(extract(epoch FROM said_at) || body, 'UTF8')), 'hex'
), 12))"""


class _Fields(NamedTuple):
    event: str
    site_id: Id | None
    anomaly_type: str | None
    severity: str | None
    prior_severity: str | None
    body: str
    mark: str


class Message(_Fields):
    """One thing said to the tenant's viewers, before it has a position.

    `body` is the payload as the text of a JSON object, without `position`. Rooms and filters go by
    the other fields. `mark` is made here, 12 hex digits that no other message has: where a backup
    was restored, another message may get the same position.
    """

    __slots__ = ()

    def __new__(
        cls,
        event: str,
        site_id: Id | None,
        anomaly_type: str | None,
        severity: str | None,
        prior_severity: str | None,
        body: str,
    ) -> Self:
        mark = secrets.token_hex(MARK_DIGITS // 2)
        return super().__new__(
            cls, event, site_id, anomaly_type, severity, prior_severity, body, mark
        )


class Appended(NamedTuple):
    """Where messages came to stand: the first has position `base + 1`, the next `base + 2` ..."""

    epoch: str
    base: int


# The row lock on the tenant makes the order of commits and of positions the same. This is the last
# statement before the commit, so that the lock is held for a moment only.
_APPEND = f"""
WITH moved AS (
    UPDATE tenant SET head = head + %(count)s WHERE tenant_id = %(tenant_id)s
    RETURNING epoch, head - %(count)s AS base
), said AS (
    INSERT INTO message (tenant_id, position, {", ".join(Message._fields)}, said_at)
    SELECT
        %(tenant_id)s, moved.base + new.ordinality,
        {", ".join(f"new.{name}" for name in Message._fields)}, clock_timestamp()
    FROM moved, {records("message")} WITH ORDINALITY AS new
)
SELECT epoch, base FROM moved
"""


def append(cursor: Cursor, tenant_id: Id, messages: Sequence[Message]) -> Appended:
    """Give `messages` the next positions of the tenant's feed.

    Call it right before the commit. Raises LookupError where the tenant is unknown.
    """
    rows = document(message._asdict() for message in messages)
    values = {"tenant_id": tenant_id, "count": len(messages), "rows": rows}
    row = cursor.execute(_APPEND, values).fetchone()
    if row is None:
        raise LookupError(f"tenant {tenant_id} is unknown: sync it with roster.sync first")
    return Appended(*row)


def payload_text(body: str, position: int) -> str:
    """Return the payload as it is sent: `body` with its position."""
    return f'{body[:-1]},"position":{position}}}'

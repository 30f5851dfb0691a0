"""Remove what is older than it is to be kept, in batches that hold no lock for long.

A tenant's `floor` says up to which position its feed is gone.
"""

import random
from datetime import UTC, datetime, timedelta

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from models.due import enrol, put_off, tenants_due
from models.feed import MARK
from models.ids import Id
from models.intake.roster.pruning import prune_statements
from worker.judging.notices import PREFIX
from worker.metrics import PRUNED

PRUNED_ROWS = "pruned"
CHORE = "prune"
BATCH = 5_000  # rows that one transaction removes
SOONEST, LATEST = (
    timedelta(hours=1),
    timedelta(hours=30),
)  # from one pruning of a tenant to the next

log = structlog.get_logger(__name__)

# A punch's earlier contents stay known for as long as a task or a caller may bring one again.
REVISIONS = timedelta(days=400)

# Messages go from the beginning of the feed only, so that what is left has no hole.
_MESSAGES = f"""
WITH old AS (
    SELECT position FROM message WHERE tenant_id = %(tenant_id)s AND position <= (
        SELECT coalesce(
            (
                SELECT position - 1 FROM message
                WHERE tenant_id = %(tenant_id)s AND said_at >= statement_timestamp() - %(age)s
                ORDER BY said_at, position LIMIT 1
            ),
            (SELECT head FROM tenant WHERE tenant_id = %(tenant_id)s)
        )
    )
    ORDER BY position LIMIT %(limit)s
), gone AS (
    DELETE FROM message USING old
    WHERE message.tenant_id = %(tenant_id)s AND message.position = old.position
    RETURNING message.position, {MARK} AS mark
)
SELECT count(*), max(position), (array_agg(mark ORDER BY position DESC))[1] FROM gone
"""
# The mark of the last message that is gone stays: a viewer may stand there, and miss nothing. It is
# kept with its position, as the first edition raises the floor and leaves the mark alone.
_FLOOR = """
UPDATE tenant SET
    floor = %(position)s, floor_mark = %(position)s::text || '-' || %(mark)s
WHERE tenant_id = %(tenant_id)s AND floor < %(position)s
"""
# statement_timestamp(), as the index is of no use beside clock_timestamp().
_OLDEST = """
SELECT statement_timestamp(), (
    SELECT said_at FROM message
    WHERE tenant_id = %(tenant_id)s AND said_at >= statement_timestamp() - %(age)s
    ORDER BY said_at LIMIT 1
)
"""

# Table: the column that says how old a row is, and the key of its rows.
_AGING = {
    "published": ("said_at", ("tenant_id", "message_id")),
    "viewer_filter": ("seen_at", ("tenant_id", "pid")),
    "punch_revision": ("received_at", ("tenant_id", "punch_id", "content_hash")),
}


def prune(engine: Engine, feed_age: timedelta) -> None:
    """Remove what is older than `feed_age`, and revisions older than theirs, of tenants due.

    A tenant is due when its oldest message becomes too old: an hour after the last time at the
    soonest, after 30 hours at the latest.
    """
    with transaction(engine) as cursor:
        enrol(cursor)
        tenants = tenants_due(cursor, CHORE)
    for tenant_id in tenants:
        with transaction(
            engine
        ) as cursor:  # first, so that one that fails keeps none from its turn
            put_off(cursor, tenant_id, CHORE, _next_turn(cursor, tenant_id, feed_age))
        _prune_tenant(engine, tenant_id, feed_age)


def _next_turn(cursor: Cursor, tenant_id: Id, feed_age: timedelta) -> datetime:
    """Return when the first message that stays now is too old, within the bounds.

    Tenants without one are spread over half a day.
    """
    values = {"tenant_id": tenant_id, "age": feed_age}
    now, oldest = cursor.execute(_OLDEST, values).fetchone() or (datetime.now(UTC), None)
    latest: datetime = now + LATEST * random.uniform(0.6, 1.0)  # noqa: S311 - no secret
    return latest if oldest is None else max(now + SOONEST, min(oldest + feed_age, latest))


def _prune_tenant(engine: Engine, tenant_id: Id, feed_age: timedelta) -> None:
    counts = {"message": prune_feed(engine, tenant_id, feed_age)}
    for table in _AGING:
        age = max(REVISIONS, feed_age) if table == "punch_revision" else feed_age
        counts[table] = _prune_table(engine, tenant_id, table, age)
    counts["statement"] = prune_statements(engine, tenant_id)
    for table, rows in counts.items():
        PRUNED.labels(table=table).inc(rows)
    if any(counts.values()):
        log.info(PRUNED_ROWS, tenant_id=tenant_id, **counts)


def prune_feed(engine: Engine, tenant_id: Id, age: timedelta) -> int:
    """Remove the tenant's messages older than `age`, and return how many those were.

    Each batch raises the floor in its own transaction.
    """
    total = 0
    while True:
        with transaction(engine) as cursor:
            rows = _prune_messages(cursor, tenant_id, age)
        total += rows
        if rows < BATCH:
            return total


def _prune_messages(cursor: Cursor, tenant_id: Id, age: timedelta) -> int:
    rows: int
    rows, highest, mark = cursor.execute(
        _MESSAGES, {"tenant_id": tenant_id, "age": age, "limit": BATCH}
    ).fetchone() or (0, 0, None)
    if rows:
        cursor.execute(_FLOOR, {"tenant_id": tenant_id, "position": highest, "mark": mark})
    return rows


def _prune_table(engine: Engine, tenant_id: Id, table: str, age: timedelta) -> int:
    total = 0
    while True:
        with transaction(engine) as cursor:
            rows = _prune_batch(cursor, tenant_id, table, age)
        total += rows
        if rows < BATCH:
            return total


def _prune_batch(cursor: Cursor, tenant_id: Id, table: str, age: timedelta) -> int:
    column, key = _AGING[table]
    keys = ", ".join(key)
    but_notices = f"AND message_id NOT LIKE '{PREFIX}%%'" if table == "published" else ""
    sql = f"""
        DELETE FROM {table} WHERE ({keys}) IN (
            SELECT {keys} FROM {table}
            WHERE tenant_id = %s AND {column} < clock_timestamp() - %s {but_notices}
            LIMIT %s
        )
    """
    rows: int = cursor.execute(sql, (tenant_id, age, BATCH)).rowcount
    return rows

"""What follows from who is in the roster when: shifts whose person left, and times with nobody."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from psycopg import Cursor

from models.ids import Id
from models.intake.roster.laying import BEGINNING, END, Span

_INSTANT = timedelta(microseconds=1)

# Whether a shift counts, were it not for who left. models.intake.roster.planned has it in Python.
COUNTS = """(
    person_id <> 0 AND site_id <> 0 AND starts_at <> 'epoch' AND ends_at <> 'epoch'
    AND NOT cancelled AND NOT removed_as_correction
    AND (removed_at IS NULL OR removed_at >= starts_at)
)"""
# A person has left who was in the roster before the shift started, and is not when it starts.
_HAS_LEFT = """(
    EXISTS (
        SELECT FROM person_version
        WHERE person_version.tenant_id = shift.tenant_id
            AND person_version.person_id = shift.person_id
            AND since < starts_at
    ) AND NOT EXISTS (
        SELECT FROM person_version
        WHERE person_version.tenant_id = shift.tenant_id
            AND person_version.person_id = shift.person_id
            AND since <= starts_at AND starts_at < until
    )
)"""

# Of people whose presence changed from a moment on, the shifts are looked at that start since then.
_MARK_LEFT = f"""
WITH concerned AS (
    SELECT shift_id FROM shift
    JOIN unnest(%(people)s::bigint[], %(since)s::timestamptz[]) AS changed(person_id, since)
        USING (person_id)
    WHERE tenant_id = %(tenant_id)s AND starts_at >= changed.since
    UNION
    SELECT unnest(%(shifts)s::text[])
), looked_at AS (
    SELECT shift_id, {_HAS_LEFT} AS has_left
    FROM shift JOIN concerned USING (shift_id)
    WHERE tenant_id = %(tenant_id)s
)
UPDATE shift SET
    person_left = has_left,
    standing = {COUNTS} AND (NOT has_left OR substitutes <> '{{}}')
FROM looked_at
WHERE shift.tenant_id = %(tenant_id)s AND shift.shift_id = looked_at.shift_id
    AND person_left <> has_left
RETURNING shift.shift_id, {COUNTS}
"""

# What ended longer ago is not looked at: nobody plans it any more.
_LATELY = timedelta(days=62)
# Only of people who were not always there can anybody have left.
_MARKED_WRONG = f"""
SELECT tenant_id, shift_id FROM shift
WHERE tenant_id = ANY(%(tenant_ids)s) AND ends_at >= statement_timestamp() - %(lately)s
    AND (deleted <> (removed_at IS NOT NULL)
        OR standing <> ({COUNTS} AND (NOT person_left OR substitutes <> '{{}}'))
        OR (person_left AND NOT {_HAS_LEFT}))
UNION
SELECT tenant_id, shift_id
FROM (
    SELECT DISTINCT tenant_id, person_id FROM person_version
    WHERE tenant_id = ANY(%(tenant_ids)s) AND (since <> '-infinity' OR until <> 'infinity')
) AS at_times JOIN shift USING (tenant_id, person_id)
WHERE ends_at >= statement_timestamp() - %(lately)s AND NOT person_left AND {_HAS_LEFT}
"""

# Spans of the tenant, by their column, and how they follow from the roster. Assignments carry their
# own times, and their content holds for all of them: until it is removed each has been there since
# ever, whenever it is valid. One that has not ended, of those that are looked at, tells it all.
PEOPLE, ASSIGNED = "people_spans", "assigned_spans"
_HELD = {
    PEOPLE: """
SELECT coalesce(
    range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity'))), '{}'
) AS spans
FROM person_version WHERE tenant_id = %(tenant_id)s
""",
    ASSIGNED: """
SELECT CASE WHEN EXISTS (
    SELECT FROM assignment
    WHERE tenant_id = %(tenant_id)s AND NOT never_was AND ended_at IS NULL
) THEN '{(,)}' ELSE coalesce((
    SELECT tstzmultirange(tstzrange(NULL, max(ended_at), '[]')) FROM assignment
    WHERE tenant_id = %(tenant_id)s AND NOT never_was
    HAVING count(*) > 0
), '{}') END AS spans
""",
}
_DIFFER = f"""
SELECT (people_spans, assigned_spans) <> (({_HELD[PEOPLE]}), ({_HELD[ASSIGNED]}))
FROM tenant WHERE tenant_id = %(tenant_id)s
"""
_UPDATE = """
WITH held AS ({held}), noted AS (
    SELECT {name} AS spans FROM tenant WHERE tenant_id = %(tenant_id)s
), written AS (
    UPDATE tenant SET {name} = held.spans FROM held
    WHERE tenant_id = %(tenant_id)s AND {name} <> held.spans
)
SELECT lower(changed), upper(changed), lower_inc(changed), upper_inc(changed)
FROM (
    SELECT range_merge((held.spans - noted.spans) + (noted.spans - held.spans)) AS changed
    FROM held, noted
) AS difference
WHERE NOT isempty(changed)
"""


def mark_left(
    cursor: Cursor, tenant_id: Id, people: Mapping[Id, datetime], shifts: Collection[str]
) -> list[str]:
    """Mark whether the person of a shift has left, of these people's shifts and of `shifts`.

    `people` are those whose presence changed, each with the moment since when. Return the shifts
    that count otherwise than before.
    """
    values = {
        "tenant_id": tenant_id,
        "people": list(people),
        "since": [_text(since) for since in people.values()],
        "shifts": list(shifts),
    }
    cursor.execute(_MARK_LEFT, values)
    return [shift_id for shift_id, counts in cursor if counts]


def marked_wrong(cursor: Cursor, tenant_ids: Collection[Id]) -> list[tuple[int, str]]:
    """Return the shifts of late, each after its tenant, of which the marks are not what follows."""
    values = {"tenant_ids": list(tenant_ids), "lately": _LATELY}
    return cursor.execute(_MARKED_WRONG, values).fetchall()


def spans_differ(cursor: Cursor, tenant_id: Id) -> bool:
    """Tell whether update_spans would change any."""
    row = cursor.execute(_DIFFER, {"tenant_id": tenant_id}).fetchone()
    return row is not None and bool(row[0])


def update_spans(cursor: Cursor, tenant_id: Id, name: str) -> Span | None:
    """Note when any person was in the roster, or any assignment, as `name` says.

    Without people nobody is unknown, and without assignments no site is unauthorized. Return the
    time in which it differs from what was noted before.
    """
    sql = _UPDATE.format(name=name, held=_HELD[name])
    row = cursor.execute(sql, {"tenant_id": tenant_id}).fetchone()
    if row is None:
        return None
    since, until, has_since, has_until = row
    return _after(since, not has_since) or BEGINNING, _after(until, has_until) or END


def _after(at: datetime | None, is_after: bool) -> datetime | None:
    return at + _INSTANT if at and is_after else at


def _text(moment: datetime) -> str:
    """Return a moment as Postgres reads it, where ever is infinite."""
    if moment in (BEGINNING, END):
        return "-infinity" if moment == BEGINNING else "infinity"
    return moment.isoformat()

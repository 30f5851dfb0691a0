"""What follows from who is in the roster when: shifts whose person left, and times with nobody."""

from collections.abc import Collection, Mapping
from datetime import datetime

from psycopg import Cursor

from models.intake.roster.laying import BEGINNING, END, Span

# A person has left who was in the roster before the shift started, and is not when it starts. Of
# people whose presence changed from a moment on, the shifts are looked at that start since then.
_MARK_LEFT = """
WITH concerned AS (
    SELECT shift_id FROM shift
    JOIN unnest(%(people)s::bigint[], %(since)s::timestamptz[]) AS changed(person_id, since)
        USING (person_id)
    WHERE tenant_id = %(tenant_id)s AND starts_at >= changed.since
    UNION
    SELECT unnest(%(shifts)s::text[])
), looked_at AS (
    SELECT shift_id,
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
        ) AS has_left
    FROM shift JOIN concerned USING (shift_id)
    WHERE tenant_id = %(tenant_id)s
)
UPDATE shift SET
    person_left = has_left,
    standing = person_id <> 0
        AND NOT cancelled
        AND NOT removed_as_correction
        AND (removed_at IS NULL OR removed_at >= starts_at)
        AND (NOT has_left OR substitutes <> '{}')
FROM looked_at
WHERE shift.tenant_id = %(tenant_id)s AND shift.shift_id = looked_at.shift_id
    AND person_left <> has_left
RETURNING shift.shift_id,
    person_id <> 0 AND NOT cancelled AND NOT removed_as_correction
        AND (removed_at IS NULL OR removed_at >= starts_at)
"""

# An end that is a date means the whole day at the site, and others are included.
_SPANS = """
WITH there AS (
    SELECT coalesce(
        range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity'))), '{}'
    ) AS spans
    FROM person_version WHERE tenant_id = %(tenant_id)s
), assigned AS (
    SELECT coalesce(
        range_agg(
            tstzrange(
                starts,
                least(ends, ends_before),
                CASE WHEN ends_before <= coalesce(ends, 'infinity') THEN '[)' ELSE '[]' END
            )
        ),
        '{}'
    ) AS spans
    FROM (
        SELECT least(valid_to, ended_at) AS ends,
            coalesce(valid_from, valid_from_date::timestamp AT TIME ZONE zone) AS starts,
            (valid_to_date + 1)::timestamp AT TIME ZONE zone AS ends_before
        FROM assignment LEFT JOIN site USING (tenant_id, site_id)
            CROSS JOIN LATERAL coalesce(site.timezone, 'UTC') AS zone
        WHERE tenant_id = %(tenant_id)s AND NOT assignment.deleted
    ) AS valid
    WHERE coalesce(starts, '-infinity') <= coalesce(least(ends, ends_before), 'infinity')
), before AS (
    SELECT people_spans, assignment_spans FROM tenant WHERE tenant_id = %(tenant_id)s
), written AS (
    UPDATE tenant SET people_spans = there.spans, assignment_spans = assigned.spans
    FROM there, assigned
    WHERE tenant_id = %(tenant_id)s
        AND (people_spans, assignment_spans) <> (there.spans, assigned.spans)
)
SELECT lower(changed), upper(changed)
FROM (
    SELECT range_merge(
        (there.spans - people_spans) + (people_spans - there.spans)
        + (assigned.spans - assignment_spans) + (assignment_spans - assigned.spans)
    ) AS changed
    FROM before, there, assigned
) AS difference
WHERE NOT isempty(changed)
"""


def mark_left(
    cursor: Cursor, tenant_id: int, people: Mapping[int, datetime], shifts: Collection[str]
) -> list[str]:
    """Mark whether the person of a shift has left, of these people's shifts and of `shifts`.

    `people` are those whose presence changed, each with the moment since when. Return the shifts
    that count otherwise than before.
    """
    values = {
        "tenant_id": tenant_id,
        "people": list(people),
        "since": [_moment(since) for since in people.values()],
        "shifts": list(shifts),
    }
    cursor.execute(_MARK_LEFT, values)
    return [shift_id for shift_id, counts in cursor if counts]


def update_spans(cursor: Cursor, tenant_id: int) -> Span | None:
    """Note when any person was in the roster, and when any assignment was valid.

    Without people nobody is unknown, and without assignments no site is unauthorized. Return the
    time in which either differs from what was noted before.
    """
    row = cursor.execute(_SPANS, {"tenant_id": tenant_id}).fetchone()
    return (row[0] or BEGINNING, row[1] or END) if row else None


def _moment(since: datetime) -> str:
    return "-infinity" if since == BEGINNING else since.isoformat()

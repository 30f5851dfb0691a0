"""What follows from who is in the roster when: shifts whose person left, and times with nobody."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from psycopg import Cursor

from models.bulk import records
from models.intake.roster import tables
from models.intake.roster.kinds import ASSIGNMENT
from models.intake.roster.laying import BEGINNING, END, Span
from models.intake.roster.tables import RowKey

# Each judgement reads the times with assignments. Beyond so many of them the shortest gaps count as
# filled: a tenant with assignments of hours on thousands of days has one at any time.
MOST_SPANS = 1_000

_INSTANT = timedelta(microseconds=1)

# Whether a shift counts, were it not for who left. models.intake.roster.planned has it in Python.
_COUNTS = """(
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
    standing = {_COUNTS} AND (NOT has_left OR substitutes <> '{{}}')
FROM looked_at
WHERE shift.tenant_id = %(tenant_id)s AND shift.shift_id = looked_at.shift_id
    AND person_left <> has_left
RETURNING shift.shift_id, {_COUNTS}
"""

# What ended longer ago is not looked at: nobody plans it any more.
_LATELY = timedelta(days=62)
# Only of people who were not always there can anybody have left.
_MARKED_WRONG = f"""
SELECT tenant_id, shift_id FROM shift
WHERE tenant_id = ANY(%(tenant_ids)s) AND ends_at >= statement_timestamp() - %(lately)s
    AND (deleted <> (removed_at IS NOT NULL)
        OR standing <> ({_COUNTS} AND (NOT person_left OR substitutes <> '{{}}'))
        OR (person_left AND NOT {_HAS_LEFT}))
UNION
SELECT tenant_id, shift_id
FROM (
    SELECT DISTINCT tenant_id, person_id FROM person_version
    WHERE tenant_id = ANY(%(tenant_ids)s) AND (since <> '-infinity' OR until <> 'infinity')
) AS at_times JOIN shift USING (tenant_id, person_id)
WHERE ends_at >= statement_timestamp() - %(lately)s AND NOT person_left AND {_HAS_LEFT}
"""

# An end that is a date means the whole day at the site, and others are included. A bound on the
# first or the last day of the calendar is open: Python has no moments beyond.
_VALID = """
SELECT person_id, site_id, valid_from_key, tstzrange(
    CASE WHEN starts > '0001-01-02 00:00Z' THEN starts END,
    CASE WHEN ends < '9999-12-31 00:00Z' THEN ends END,
    bounds
) AS span
FROM (
    SELECT person_id, site_id, valid_from_key, starts, least(ends, ends_before) AS ends,
        CASE WHEN ends_before <= coalesce(ends, 'infinity') THEN '[)' ELSE '[]' END AS bounds
    FROM (
        SELECT person_id, assignment.site_id, valid_from_key, least(valid_to, ended_at) AS ends,
            coalesce(valid_from, valid_from_date::timestamp AT TIME ZONE zone) AS starts,
            (valid_to_date + 1)::timestamp AT TIME ZONE zone AS ends_before
        FROM assignment LEFT JOIN site USING (tenant_id, site_id)
            CROSS JOIN LATERAL coalesce(site.timezone, 'UTC') AS zone
        WHERE tenant_id = %(tenant_id)s AND NOT never_was
    ) AS valid
) AS bounded
WHERE coalesce(starts, '-infinity') <= coalesce(ends, 'infinity')
"""
# The longest gaps stay, of those that are as long as another the first.
_COARSE = f"""
SELECT coalesce(range_agg(merged), '{{{{}}}}') FROM (
    SELECT range_merge(range_agg(span)) AS merged FROM (
        SELECT span,
            count(*) FILTER (WHERE gap IS NULL OR longest < {MOST_SPANS}) OVER (ORDER BY span)
                AS part
        FROM (
            SELECT span, gap, row_number() OVER (ORDER BY gap DESC NULLS LAST, span) AS longest
            FROM (
                SELECT span, lower(span) - lag(upper(span)) OVER (ORDER BY span) AS gap
                FROM unnest(({{spans}})) AS span
            ) AS with_gaps
        ) AS with_ranks
    ) AS with_parts
    GROUP BY part
) AS parts
"""
_ASSIGNED = _COARSE.format(spans=f"SELECT range_agg(span) FROM ({_VALID}) AS valid")
_NOW_AND_BEFORE = f"""
WITH there AS (
    SELECT coalesce(
        range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity'))), '{{}}'
    ) AS spans
    FROM person_version WHERE tenant_id = %(tenant_id)s
), assigned(spans) AS ({_ASSIGNED}), before AS (
    SELECT people_spans, assignment_spans FROM tenant WHERE tenant_id = %(tenant_id)s
)"""
_DIFFER = f"""{_NOW_AND_BEFORE}
SELECT (people_spans, assignment_spans) <> (there.spans, assigned.spans)
FROM before, there, assigned
"""
_UPDATE = f"""{_NOW_AND_BEFORE}, written AS (
    UPDATE tenant SET people_spans = there.spans, assignment_spans = assigned.spans
    FROM there, assigned
    WHERE tenant_id = %(tenant_id)s
        AND (people_spans, assignment_spans) <> (there.spans, assigned.spans)
)
SELECT lower(changed), upper(changed), upper_inc(changed)
FROM (
    SELECT range_merge(
        (there.spans - people_spans) + (people_spans - there.spans)
        + (assigned.spans - assignment_spans) + (assignment_spans - assigned.spans)
    ) AS changed
    FROM before, there, assigned
) AS difference
WHERE NOT isempty(changed)
"""
_COVERED = f"""
SELECT NOT EXISTS (
        SELECT FROM ({_VALID}) AS valid
        JOIN (
            SELECT person_id, site_id, valid_from_key FROM {records("assignment", "keys")}
        ) AS written USING (person_id, site_id, valid_from_key)
        WHERE NOT assignment_spans @> span
    ) AND (%(lost)s::tstzrange IS NULL OR EXISTS (
        SELECT FROM ({_VALID}) AS valid WHERE span @> %(lost)s::tstzrange
    ))
FROM tenant WHERE tenant_id = %(tenant_id)s
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
        "since": [_text(since) for since in people.values()],
        "shifts": list(shifts),
    }
    cursor.execute(_MARK_LEFT, values)
    return [shift_id for shift_id, counts in cursor if counts]


def marked_wrong(cursor: Cursor, tenant_ids: Collection[int]) -> list[tuple[int, str]]:
    """Return the shifts of late, each after its tenant, of which the marks are not what follows."""
    values = {"tenant_ids": list(tenant_ids), "lately": _LATELY}
    return cursor.execute(_MARKED_WRONG, values).fetchall()


def may_change_spans(
    cursor: Cursor, tenant_id: int, written: Iterable[RowKey], lost: Span | None
) -> bool:
    """Tell whether assignments that were written change when any is valid.

    They do not where they are valid only when some was, and where one that is there covers `lost`,
    the time in which others may be valid no more.
    """
    values = {
        "tenant_id": tenant_id,
        "keys": tables.keys_document(ASSIGNMENT, written),
        "lost": lost and f"[{_text(lost[0])},{_text(lost[1])}]",
    }
    row = cursor.execute(_COVERED, values).fetchone()
    return row is None or not row[0]


def spans_differ(cursor: Cursor, tenant_id: int) -> bool:
    """Tell whether update_spans would change anything."""
    row = cursor.execute(_DIFFER, {"tenant_id": tenant_id}).fetchone()
    return row is not None and bool(row[0])


def update_spans(cursor: Cursor, tenant_id: int) -> Span | None:
    """Note when any person was in the roster, and when any assignment was valid.

    Without people nobody is unknown, and without assignments no site is unauthorized. Return the
    time in which either differs from what was noted before.
    """
    row = cursor.execute(_UPDATE, {"tenant_id": tenant_id}).fetchone()
    if row is None:
        return None
    since, until, is_included = row
    return since or BEGINNING, until + _INSTANT if until and is_included else until or END


def _text(moment: datetime) -> str:
    """Return a moment as Postgres reads it, where ever is infinite."""
    if moment in (BEGINNING, END):
        return "-infinity" if moment == BEGINNING else "infinity"
    return moment.isoformat()

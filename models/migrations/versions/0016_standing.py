"""Shifts and assignments that were removed, shifts of people who left, and when anybody was there.

Only the rows concerned are written, some thousand at a time.
"""

from models.migrations.expand import in_batches

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What holds since ever; a removal that says no moment counts as of now.
ASSIGNMENTS = """
UPDATE assignment SET
    deleted = false, said_at = 'epoch', ended_at = coalesce(sent_at, statement_timestamp())
WHERE ctid = ANY(ARRAY(SELECT ctid FROM assignment WHERE deleted AND ended_at IS NULL LIMIT 20000))
"""
# The content of a shift that was removed before it came is blank: its person is 0.
REMOVED_SHIFTS = """
UPDATE shift SET
    removed_at = coalesce(sent_at, statement_timestamp()),
    said_at = CASE WHEN person_id <> 0 THEN timestamptz 'epoch' END,
    standing = person_id <> 0 AND NOT cancelled
        AND coalesce(sent_at, statement_timestamp()) >= starts_at
WHERE ctid = ANY(ARRAY(SELECT ctid FROM shift WHERE deleted AND removed_at IS NULL LIMIT 20000))
"""
CANCELLED_SHIFTS = """
UPDATE shift SET standing = false
WHERE ctid = ANY(ARRAY(SELECT ctid FROM shift WHERE cancelled AND standing LIMIT 20000))
"""
LEFT_SHIFTS = """
UPDATE shift SET person_left = true, standing = standing AND substitutes <> '{}'
WHERE ctid = ANY(ARRAY(
    SELECT shift.ctid FROM person_version JOIN shift USING (tenant_id, person_id)
    WHERE until <> 'infinity' AND starts_at >= until AND NOT person_left LIMIT 20000
))
"""
# A date means whole days at the site.
SPANS = """
UPDATE tenant SET people_spans = spans.people, assignment_spans = spans.assignments
FROM (
    SELECT tenant_id, coalesce(people, '{}') AS people, coalesce(assignments, '{}') AS assignments
    FROM tenant CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity')))
        FROM person_version WHERE person_version.tenant_id = tenant.tenant_id
    ) AS there(people) CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(
            starts, least(ends, ends_before),
            CASE WHEN ends_before <= coalesce(ends, 'infinity') THEN '[)' ELSE '[]' END
        ))
        FROM (
            SELECT least(valid_to, ended_at) AS ends,
                coalesce(valid_from, valid_from_date::timestamp AT TIME ZONE zone) AS starts,
                (valid_to_date + 1)::timestamp AT TIME ZONE zone AS ends_before
            FROM assignment LEFT JOIN site USING (tenant_id, site_id)
                CROSS JOIN LATERAL coalesce(site.timezone, 'UTC') AS zone
            WHERE assignment.tenant_id = tenant.tenant_id AND NOT assignment.deleted
        ) AS valid
        WHERE coalesce(starts, '-infinity') <= coalesce(least(ends, ends_before), 'infinity')
    ) AS assigned(assignments)
    WHERE people_spans = '{}' AND assignment_spans = '{}'
        AND (people IS NOT NULL OR assignments <> '{}')
    LIMIT 100
) AS spans
WHERE tenant.tenant_id = spans.tenant_id
"""


def upgrade() -> None:
    for statement in (ASSIGNMENTS, REMOVED_SHIFTS, CANCELLED_SHIFTS, LEFT_SHIFTS, SPANS):
        in_batches(statement)


def downgrade() -> None:
    """Leave what 0015 takes away; removed assignments stay ended."""

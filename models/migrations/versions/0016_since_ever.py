"""Rows that are there have held since ever, and removed ones until their removal.

So nothing is judged anew. It goes tenant by tenant, some thousand rows at a time, and finds what is
left to do where it was cut off. What the release before writes during and after it, workers take as
said by the row (models.intake.roster.adopting).
"""

from models.migrations.expand import in_batches

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What a clock ahead has said counts as said long ago, and a removal that says no moment, or one
# ahead, as of now.
SENT_AT = """
CASE WHEN sent_at <= statement_timestamp() + interval '5 minutes' THEN sent_at END
"""
REMOVED_AT = f"""
greatest(
    least(coalesce({SENT_AT}, statement_timestamp()), statement_timestamp()),
    timestamptz 'epoch' + interval '1 second'
)
"""
# Kind: the columns that tell its rows apart, their key as text, whether their content has ever
# come, what a statement says of it, and what its versions hold. A row whose removal came before it
# has blanks for what it lacks; of a removed device it cannot be told, and then it was of no use.
KINDS = {
    "tenant": (
        "tenant_id",
        "''",
        "NOT deleted OR name <> ''",
        "'name', name, 'roster_complete', roster_complete, 'policy', policy",
        "name, policy",
    ),
    "site": (
        "tenant_id, site_id",
        "site_id::text",
        "NOT deleted OR name <> ''",
        "'name', name, 'timezone', timezone, 'latitude', latitude, 'longitude', longitude,"
        " 'radius_m', radius_m, 'boundary', boundary, 'policy', policy",
        "name, latitude, longitude, radius_m, boundary, policy",
    ),
    "person": (
        "tenant_id, person_id",
        "person_id::text",
        "NOT deleted OR name <> ''",
        "'name', name",
        "name",
    ),
    "device": (
        "tenant_id, device_id",
        "device_id",
        "true",
        "'shared', shared, 'person_id', person_id",
        "shared, person_id",
    ),
}
# A row has its statements and its version at once, so that none is ever there without the others.
# Its content was said long ago, and holds since ever, and once more at its `sent_at`: what was said
# before that and comes late lies below.
PAST = """
WITH left_over AS MATERIALIZED (
    SELECT *, {key} AS key, {has_come} AS has_come, {removed_at} AS removed_at,
        CASE WHEN deleted THEN NULL ELSE {sent_at} END AS said_at,
        jsonb_build_object({content}) AS content
    FROM {kind}
    WHERE tenant_id = :tenant_id AND NOT EXISTS (
        SELECT FROM statement
        WHERE statement.tenant_id = :tenant_id AND kind = '{kind}' AND statement.key = {key}
    )
    LIMIT 10000
), versions AS (
    INSERT INTO {kind}_version ({columns}, since, until, {past})
    SELECT {columns}, '-infinity', CASE WHEN deleted THEN removed_at ELSE 'infinity' END, {past}
    FROM left_over WHERE has_come
    ON CONFLICT DO NOTHING
)
INSERT INTO statement (
    tenant_id, kind, key, said_at, digest, deleted, content, extra, received_at, sent_at,
    submitted_by
)
SELECT tenant_id, '{kind}', key, moment, sha256(convert_to(content::text, 'UTF8')), false, content,
    extra, statement_timestamp(), CASE WHEN moment = said_at THEN said_at END,
    CASE WHEN NOT deleted THEN submitted_by END
FROM left_over CROSS JOIN LATERAL (VALUES (timestamptz 'epoch'), (said_at)) AS said(moment)
WHERE has_come AND moment IS NOT NULL
UNION ALL
SELECT tenant_id, '{kind}', key, removed_at, sha256('removed'), true, '{{}}', NULL,
    statement_timestamp(), CASE WHEN removed_at = sent_at THEN sent_at END, submitted_by
FROM left_over WHERE deleted
ON CONFLICT DO NOTHING
"""
# It stays `deleted`, which says now that it was removed: it is valid until then.
ASSIGNMENTS = f"""
UPDATE assignment SET said_at = 'epoch', ended_at = {REMOVED_AT}
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM assignment
    WHERE tenant_id = :tenant_id AND deleted AND ended_at IS NULL LIMIT 10000
))
"""
# The content of a shift that was removed before it came is blank: its person is 0. None that was
# removed counted, whenever that was; so one that was removed after it started stays as if it had
# never been.
REMOVED_SHIFTS = f"""
UPDATE shift SET
    removed_at = {REMOVED_AT},
    said_at = CASE WHEN person_id <> 0 THEN timestamptz 'epoch' END,
    removed_as_correction = person_id <> 0 AND {REMOVED_AT} >= starts_at,
    standing = false
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM shift
    WHERE tenant_id = :tenant_id AND deleted AND removed_at IS NULL LIMIT 10000
))
"""
CANCELLED_SHIFTS = """
UPDATE shift SET standing = false
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM shift WHERE tenant_id = :tenant_id AND cancelled AND standing LIMIT 10000
))
"""
LEFT_SHIFTS = """
UPDATE shift SET person_left = true, standing = standing AND substitutes <> '{}'
WHERE ctid = ANY(ARRAY(
    SELECT shift.ctid FROM person_version JOIN shift USING (tenant_id, person_id)
    WHERE tenant_id = :tenant_id AND until <> 'infinity' AND starts_at >= until AND NOT person_left
    LIMIT 10000
))
"""
# The same as models.intake.roster.presence works out, so that no worker finds a difference.
SPANS = """
UPDATE tenant SET people_spans = spans.people, assignment_spans = spans.assignments
FROM (
    SELECT coalesce(there.spans, '{}') AS people, coalesce(assigned.spans, '{}') AS assignments
    FROM (
        SELECT range_agg(tstzrange(nullif(since, '-infinity'), nullif(until, 'infinity')))
        FROM person_version WHERE tenant_id = :tenant_id
    ) AS there(spans), (
        SELECT range_agg(merged) FROM (
            SELECT range_merge(range_agg(span)) AS merged FROM (
                SELECT span,
                    count(*) FILTER (WHERE gap IS NULL OR longest < 1000) OVER (ORDER BY span)
                        AS part
                FROM (
                    SELECT span, gap, row_number() OVER (ORDER BY gap DESC NULLS LAST, span)
                        AS longest
                    FROM (
                        SELECT span, lower(span) - lag(upper(span)) OVER (ORDER BY span) AS gap
                        FROM unnest((
                            SELECT range_agg(tstzrange(
                                CASE WHEN starts > '0001-01-02 00:00Z' THEN starts END,
                                CASE WHEN ends < '9999-12-31 00:00Z' THEN ends END,
                                bounds
                            ))
                            FROM (
                                SELECT starts, least(ends, ends_before) AS ends,
                                    CASE WHEN ends_before <= coalesce(ends, 'infinity') THEN '[)'
                                        ELSE '[]' END AS bounds
                                FROM (
                                    SELECT least(valid_to, ended_at) AS ends,
                                        coalesce(
                                            valid_from,
                                            valid_from_date::timestamp AT TIME ZONE zone
                                        ) AS starts,
                                        (valid_to_date + 1)::timestamp AT TIME ZONE zone
                                            AS ends_before
                                    FROM assignment LEFT JOIN site USING (tenant_id, site_id)
                                        CROSS JOIN LATERAL coalesce(site.timezone, 'UTC') AS zone
                                    WHERE tenant_id = :tenant_id AND NOT never_was
                                ) AS valid
                            ) AS bounded
                            WHERE coalesce(starts, '-infinity') <= coalesce(ends, 'infinity')
                        )) AS span
                    ) AS with_gaps
                ) AS with_ranks
            ) AS with_parts
            GROUP BY part
        ) AS parts
    ) AS assigned(spans)
) AS spans
WHERE tenant.ctid = ANY(ARRAY(SELECT ctid FROM tenant WHERE tenant_id = :tenant_id LIMIT 1))
    AND (people_spans, assignment_spans) <> (spans.people, spans.assignments)
"""


def upgrade() -> None:
    for kind, (columns, key, has_come, content, past) in KINDS.items():
        sql = PAST.format(
            kind=kind,
            columns=columns,
            key=key,
            has_come=has_come,
            content=content,
            past=past,
            sent_at=SENT_AT,
            removed_at=REMOVED_AT,
        )
        in_batches(sql, of_each_tenant=True)
    for sql in (ASSIGNMENTS, REMOVED_SHIFTS, CANCELLED_SHIFTS, LEFT_SHIFTS, SPANS):
        in_batches(sql, of_each_tenant=True)


def downgrade() -> None:
    """Leave what 0015 takes away."""

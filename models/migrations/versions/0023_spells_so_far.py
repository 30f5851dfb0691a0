"""The spells of the last weeks, as far as anything that is judged anew may count them.

So nobody seems to have begun none. It is told by the person's next punch and by what the policy has
unless it is set otherwise: the judge writes each spell as it is when it next looks at it. Nothing
is judged anew. It goes tenant by tenant and site by site, and on after the last spell of a site
where it was cut off.
"""

from models.migrations.expand import in_batches

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# A change of the roster judges 35 days anew, by the 14 before each.
REACH = "interval '50 days'"
REPEAT = "interval '10 minutes'"
WORK = "interval '16 hours'"
# A check-in that only repeats the one before it begins none.
BEGINS = f"""
    p.tenant_id = site.tenant_id AND p.site_id = site.site_id
    AND p.occurred_at >= site.since AND p.is_check_in AND p.voided_at IS NULL
    AND NOT EXISTS (
        SELECT FROM spell
        WHERE spell.tenant_id = p.tenant_id AND spell.punch_id = p.punch_id
    )
    AND NOT coalesce((
        SELECT b.is_check_in AND b.site_id = p.site_id AND p.occurred_at - b.occurred_at <= {REPEAT}
        FROM punch b
        WHERE b.tenant_id = p.tenant_id AND b.person_id = p.person_id AND b.voided_at IS NULL
            AND (b.occurred_at, b.is_check_in, b.punch_id COLLATE "C")
                < (p.occurred_at, p.is_check_in, p.punch_id COLLATE "C")
        ORDER BY b.occurred_at DESC, b.is_check_in DESC, b.punch_id COLLATE "C" DESC LIMIT 1
    ), false)
"""
SPELLS = f"""
INSERT INTO spell (tenant_id, punch_id, person_id, site_id, begun_at, closed)
SELECT begun.tenant_id, begun.punch_id, begun.person_id, begun.site_id, begun.occurred_at,
    coalesce((
        SELECT NOT n.is_check_in AND n.site_id = begun.site_id
            AND n.occurred_at <= begun.occurred_at + {WORK}
        FROM punch n
        WHERE n.tenant_id = begun.tenant_id AND n.person_id = begun.person_id
            AND n.voided_at IS NULL
            AND n.occurred_at >= begun.occurred_at AND n.punch_id <> begun.punch_id
            AND NOT (
                n.is_check_in AND n.site_id = begun.site_id
                AND n.occurred_at - begun.occurred_at <= {REPEAT}
            )
        ORDER BY n.occurred_at, n.is_check_in LIMIT 1
    ), false)
FROM (
    SELECT * FROM (
        SELECT tenant_id, site_id, coalesce((
            SELECT max(begun_at) FROM spell
            WHERE spell.tenant_id = site.tenant_id AND spell.site_id = site.site_id
        ), statement_timestamp() - {REACH}) AS since
        FROM site WHERE tenant_id = :tenant_id
    ) AS site
    WHERE EXISTS (SELECT FROM punch p WHERE {BEGINS})
    ORDER BY site_id LIMIT 10
) AS site
CROSS JOIN LATERAL (
    SELECT p.* FROM punch p WHERE {BEGINS} ORDER BY p.occurred_at LIMIT 1000
) AS begun
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    in_batches(SPELLS, of_each_tenant=True)


def downgrade() -> None:
    """Leave what 0022 takes away."""

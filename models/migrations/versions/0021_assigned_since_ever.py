"""Each assignment has been in the roster since ever, those that were removed until then.

Nothing is judged anew. What workers of the release before write during and after it is made up for
by models.intake.roster.adopting.
"""

from models.migrations.expand import in_batches

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# The same as models.intake.roster.presence works out, so that no worker finds a difference.
SPANS = """
UPDATE tenant SET assigned_spans = held.spans
FROM (
    SELECT CASE WHEN EXISTS (
        SELECT FROM assignment
        WHERE tenant_id = :tenant_id AND NOT never_was AND ended_at IS NULL
    ) THEN '{(,)}' ELSE coalesce((
        SELECT tstzmultirange(tstzrange(NULL, max(ended_at), '[]')) FROM assignment
        WHERE tenant_id = :tenant_id AND NOT never_was
        HAVING count(*) > 0
    ), '{}') END AS spans
) AS held
WHERE tenant.ctid = ANY(ARRAY(SELECT ctid FROM tenant WHERE tenant_id = :tenant_id LIMIT 1))
    AND assigned_spans <> held.spans
"""


def upgrade() -> None:
    in_batches(SPANS, of_each_tenant=True)


def downgrade() -> None:
    """Leave what 0020 takes away."""

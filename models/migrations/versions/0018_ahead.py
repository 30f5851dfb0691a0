"""What a clock ahead said before that counted as its receipt: as said long ago, or removed now.

0015 and 0016 took such moments as they were, of rows that an early release wrote.
"""

from models.migrations.expand import in_batches

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

AHEAD = "statement_timestamp() + interval '5 minutes'"
SAID = f"""
UPDATE statement SET
    said_at = CASE WHEN deleted THEN statement_timestamp() ELSE 'epoch' END, sent_at = NULL
WHERE ctid = ANY(ARRAY(SELECT ctid FROM statement WHERE said_at > {AHEAD} LIMIT 20000))
"""
ENDED = f"""
UPDATE assignment SET ended_at = statement_timestamp()
WHERE ctid = ANY(ARRAY(SELECT ctid FROM assignment WHERE ended_at > {AHEAD} LIMIT 20000))
"""
REMOVED = f"""
UPDATE shift SET
    removed_at = statement_timestamp(),
    standing = standing AND starts_at <= statement_timestamp()
WHERE ctid = ANY(ARRAY(SELECT ctid FROM shift WHERE removed_at > {AHEAD} LIMIT 20000))
"""
UNTIL = """
UPDATE {table} SET until = statement_timestamp()
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE until > {ahead} AND until <> 'infinity' LIMIT 20000
))
"""
VERSIONS = ("tenant_version", "site_version", "person_version", "device_version")


def upgrade() -> None:
    for statement in (SAID, ENDED, REMOVED):
        in_batches(statement)
    for table in VERSIONS:
        in_batches(UNTIL.format(table=table, ahead=AHEAD))


def downgrade() -> None:
    """Leave what was said as it is."""

"""Rosters that were never otherwise, of rows that are written into their tables directly."""

from psycopg import Connection, Cursor

_VERSIONS = """
INSERT INTO tenant_version (tenant_id, since, until, name, policy)
SELECT tenant_id, '-infinity', 'infinity', name, policy FROM tenant WHERE NOT deleted
ON CONFLICT DO NOTHING;
INSERT INTO site_version (
    tenant_id, site_id, since, until, name, latitude, longitude, radius_m, boundary, policy
)
SELECT tenant_id, site_id, '-infinity', 'infinity', name, latitude, longitude, radius_m, boundary,
    policy
FROM site WHERE NOT deleted
ON CONFLICT DO NOTHING;
INSERT INTO person_version (tenant_id, person_id, since, until, name)
SELECT tenant_id, person_id, '-infinity', 'infinity', name FROM person WHERE NOT deleted
ON CONFLICT DO NOTHING;
INSERT INTO device_version (tenant_id, device_id, since, until, shared, person_id)
SELECT tenant_id, device_id, '-infinity', 'infinity', shared, person_id
FROM device WHERE NOT deleted
ON CONFLICT DO NOTHING;
UPDATE tenant SET
    people_spans = CASE WHEN EXISTS (
        SELECT FROM person_version WHERE person_version.tenant_id = tenant.tenant_id
    ) THEN '{(,)}'::tstzmultirange ELSE '{}' END,
    assigned_spans = CASE WHEN EXISTS (
        SELECT FROM assignment WHERE assignment.tenant_id = tenant.tenant_id
    ) THEN '{(,)}'::tstzmultirange ELSE '{}' END;
"""


def hold_since_ever(connection: Connection | Cursor) -> None:
    """Have each row of the roster that has no version hold since ever, and assignments always."""
    connection.execute(_VERSIONS)

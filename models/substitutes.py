"""The rows by which a substitute's shifts are found without reading everybody's."""

from collections.abc import Sequence

from psycopg import Cursor

from models.ids import Id

_REFRESH = """
INSERT INTO substitute (tenant_id, person_id, starts_at, shift_id)
SELECT DISTINCT tenant_id, unnest(substitutes), starts_at, shift_id
FROM shift
WHERE tenant_id = %(tenant_id)s AND shift_id = ANY(%(shift_ids)s::text[]) AND substitutes <> '{}'
ON CONFLICT DO NOTHING
"""


def refresh(cursor: Cursor, tenant_id: Id, shift_ids: Sequence[str]) -> None:
    """Note who substitutes in these shifts, after writing them, in the same transaction.

    Rows of former substitutes stay: whoever reads them joins the shift and looks again.
    """
    cursor.execute(_REFRESH, {"tenant_id": tenant_id, "shift_ids": list(shift_ids)})

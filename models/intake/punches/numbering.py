"""The numbers of the string ids in punches, before the statement that stores them."""

from collections.abc import Sequence

from sqlalchemy import Engine

from models.intake.punches.row import Row
from models.intake.refused.numbering import number_rejections
from models.intake.refused.rejection import Rejection
from models.numbering import Numbered, store

_IDS = ("person_id", "site_id", "biometric_person_id")


def number_all(engine: Engine, read: Sequence[Row | Rejection]) -> list[Row | Rejection]:
    """Return rows and rejections in their order, whose strings have their numbers.

    Those of rows are stored. Where all are integers, it takes no statement.
    """
    rows = [one for one in read if isinstance(one, Row) and one.names_string]
    rejections = [one for one in read if isinstance(one, Rejection)]
    if not rows and not rejections:
        return list(read)
    numbered = store(
        engine,
        (row.tenant_id for row in rows),
        ((row.tenant_id, getattr(row.punch, name)) for row in rows for name in _IDS),
    )
    rejected = iter(number_rejections(engine, rejections))
    return [
        next(rejected) if isinstance(one, Rejection) else _numbered(one, numbered) for one in read
    ]


def _numbered(row: Row, numbered: Numbered) -> Row:
    if not row.names_string:
        return row
    tenant_id, punch = numbered.tenant(row.tenant_id), row.punch
    matched = punch.biometric_person_id
    return row._replace(
        tenant_id=tenant_id,
        punch=punch._replace(
            person_id=numbered.id(tenant_id, punch.person_id),
            site_id=numbered.id(tenant_id, punch.site_id),
            biometric_person_id=None if matched is None else numbered.id(tenant_id, matched),
        ),
    )

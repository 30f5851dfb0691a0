"""The numbers of the string ids in what viewers bring: tokens, filters and queries.

They are looked up only. One that nobody has stored is asked for again each time that it is used: it
finds nothing until it is stored, and then it finds what there is.
"""

from collections.abc import Iterable

from sqlalchemy import text

from models.ids import NOBODY, Id, StringId
from models.numbering import Key, find_sql, known, learn, parameters
from models.string_ids.directory import INSTALLATION
from realtime.postgres import Postgres

_FIND = text(find_sql(":tenants", ":texts"))


async def number(postgres: Postgres, tenant_id: Id, ids: Iterable[Id] = ()) -> None:
    """Give a tenant's own id, and these of its ids, their numbers, as far as they are stored.

    Ids that are the same object, wherever they stand, have theirs then. Where all are integers, or
    known to this process, nothing is asked. Raises what Postgres raised.
    """
    await _number(postgres, INSTALLATION, [tenant_id])
    tenant = tenant_id.number if isinstance(tenant_id, StringId) else tenant_id
    assert tenant is not None
    await _number(postgres, tenant, ids)


async def _number(postgres: Postgres, tenant: int, ids: Iterable[Id]) -> None:
    asked = [id_ for id_ in ids if isinstance(id_, StringId) and id_.number in (None, NOBODY)]
    if not asked:
        return
    found, missing = known({_key(tenant, id_) for id_ in asked})
    if missing and tenant != NOBODY:
        found |= learn(map(tuple, await postgres.fetch(_FIND, parameters(missing))))
    for id_ in asked:
        stored = found.get(_key(tenant, id_))
        id_.number = stored.number if stored else NOBODY


def _key(tenant: int, id_: StringId) -> Key:
    return tenant, str(id_)

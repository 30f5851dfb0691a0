"""The numbers of the string ids in rejections, before the transaction that keeps them.

They are looked up only, but for the tenant and site that a rejection waits for, which it has to be
found by once they come.
"""

from collections.abc import Iterable

from sqlalchemy import Engine

from models.ids import StringId, is_nobody
from models.intake.refused.rejection import Rejection
from models.numbering import Numbered, find, store

_IDS = ("person_id", "site_id")


def number_rejections(engine: Engine, rejections: Iterable[Rejection]) -> list[Rejection]:
    """Return the same rejections, whose strings have their numbers.

    Where nobody has stored a string, they name no such tenant, person or site.
    """
    listed = list(rejections)
    if not any(map(_names_string, listed)):
        return listed
    waiting = [one for one in listed if one.waits_for]
    store(
        engine,
        (one.tenant_id for one in waiting),
        ((one.tenant_id, one.site_id) for one in waiting if one.waits_for == "site"),
    )
    found = find(
        engine,
        (one.tenant_id for one in listed),
        ((one.tenant_id, getattr(one, name)) for one in listed for name in _IDS),
    )
    return [_numbered(one, found) if _names_string(one) else one for one in listed]


def _names_string(rejection: Rejection) -> bool:
    return StringId in {type(rejection.tenant_id), *(type(getattr(rejection, n)) for n in _IDS)}


def _numbered(rejection: Rejection, found: Numbered) -> Rejection:
    tenant_id = found.tenant(rejection.tenant_id)
    if is_nobody(tenant_id):
        return rejection._replace(tenant_id=0, person_id=None, site_id=None)
    person_id, site_id = (
        None if value is None else found.id(tenant_id, value)
        for value in (rejection.person_id, rejection.site_id)
    )
    return rejection._replace(
        tenant_id=tenant_id,
        person_id=None if is_nobody(person_id) else person_id,
        site_id=None if is_nobody(site_id) else site_id,
    )

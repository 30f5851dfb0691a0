"""What a changed roster row has the judge look at again, for its old values and its new ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from models.intake.roster.kinds import (
    ASSIGNMENT,
    DEVICE,
    PERSON,
    SHIFT,
    SITE,
    TENANT,
    Columns,
    Kind,
)

ChangedKey = tuple[str, str]  # kind and key of roster_change

# A shift that starts later than this has no punch near it yet.
SHIFT_AHEAD = timedelta(hours=72)
_UNJUDGED = {"sent_at", "extra"}


def changed_keys(kind: Kind, old: Columns | None, new: Columns, now: datetime) -> set[ChangedKey]:
    """Return what the judge looks at again: nothing where no judgement can rest on the change."""
    before, after = _judged(kind, old), _judged(kind, new)
    if before == after:
        return set()
    return set(_changed_keys(kind, before or {}, after or {}, now))


def _judged(kind: Kind, columns: Columns | None) -> Columns | None:
    """Return the columns that judgements rest on, or None where there is no such row.

    Names of people and sites are in what is said of them; the tenant's own is not.
    """
    if columns is None or columns["deleted"]:
        return None
    unjudged = _UNJUDGED | {"name"} if kind is TENANT else _UNJUDGED
    return {name: value for name, value in columns.items() if name not in unjudged}


def _changed_keys(
    kind: Kind, before: Columns, after: Columns, now: datetime
) -> Iterator[ChangedKey]:
    key = {**before, **after}
    if kind is TENANT:
        yield "tenant", ""
    if kind is SITE:
        yield "site", str(key["site_id"])
    if kind in (PERSON, ASSIGNMENT):
        yield "person", str(key["person_id"])
    if kind is PERSON:
        yield "named", str(key["person_id"])
    if kind is DEVICE:
        yield "device", key["device_id"]
    if kind is SHIFT:
        yield "shift", key["shift_id"]
        if before and before["starts_at"] < now + SHIFT_AHEAD:
            yield from _left_behind(before)


def _left_behind(shift: Columns) -> Iterator[ChangedKey]:
    """Yield where the shift was and whose, which its row does not say any more."""
    yield "site", str(shift["site_id"])
    for person_id in (shift["person_id"], *shift["substitutes"]):
        yield "person", str(person_id)

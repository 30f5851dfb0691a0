"""Read the people, sites and assignments of the roster that the window names, each kind in one
statement.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models.ids import Id
from worker.load.arrays import numbers
from worker.load.devices import DevicePasts
from worker.load.reading import Reading
from worker.load.versions import SPAN, pasts
from worker.rules.past import Past
from worker.rules.window import Assignment, Merge, Punch, Site, Stretch

_SITE = ", ".join(f"{'i' if name == 'timezone' else 'v'}.{name}" for name in Site._fields)
_SITES = f"""
SELECT {SPAN}, {_SITE} FROM site_version v JOIN site i USING (tenant_id, site_id)
WHERE v.tenant_id = %s AND v.site_id = ANY(%s)
"""
_PEOPLE = f"""
SELECT {SPAN}, person_id, name FROM person_version v
WHERE tenant_id = %s AND person_id = ANY(%s)
"""
ASSIGNMENT = """
    a.person_id, a.site_id, a.valid_from, a.valid_from_date, a.valid_to, a.valid_to_date,
    a.ended_at, a.roving, i.timezone"""
_ASSIGNMENTS = f"""
SELECT {ASSIGNMENT}
FROM unnest(%s::bigint[], %s::bigint[]) AS r(person_id, site_id)
JOIN assignment a ON a.tenant_id = %s AND a.person_id = r.person_id AND a.site_id = r.site_id
  AND NOT a.never_was
LEFT JOIN site i ON i.tenant_id = a.tenant_id AND i.site_id = a.site_id
"""


class Roster(NamedTuple):
    sites: dict[Id, Past[Site | None]]
    people: dict[Id, Past[str | None]]  # names by person_id
    assignments: list[Assignment]


def read_roster(
    reading: Reading,
    person_ids: Iterable[Id],
    site_ids: Iterable[Id],
    judged: Sequence[Punch],
    stretches: Sequence[Stretch],
    devices: DevicePasts,
) -> Roster:
    """Read these people and sites, those whom `devices` ever belonged to, and the assignments of
    the judged punches' people to all sites where their stretches have them.
    """
    cursor, tenant_id = reading.cursor, reading.tenant_id
    # All are sent before the first is waited for.
    asked_sites = cursor.execute(_SITES, [tenant_id, numbers(site_ids)])
    others = merged_into(reading.tenant.merges)
    pairs = sorted(
        {
            (one, site_id)
            for person_id, site_id in _pairs(judged, stretches)
            for one in (person_id, *others.get(person_id, ()))
        }
    )
    asked_assignments = (
        cursor.execute(
            _ASSIGNMENTS, [numbers(p for p, _ in pairs), numbers(s for _, s in pairs), tenant_id]
        )
        if pairs
        else None
    )
    people = _owners(devices).union(person_ids)
    people |= {merge.into_id for merge in reading.tenant.merges if merge.person_id in people}
    asked_people = cursor.execute(_PEOPLE, [tenant_id, numbers(people)])
    sites = pasts(asked_sites.fetchall(), Site._make)
    rows = asked_assignments.fetchall() if asked_assignments else []
    return Roster(
        sites,
        pasts(asked_people.fetchall(), lambda row: str(row[1])),
        [assignment(row) for row in rows],
    )


def _pairs(judged: Iterable[Punch], stretches: Iterable[Stretch]) -> set[tuple[Id, Id]]:
    """Return whose assignments to which sites matter: a stay may overlap one where the person
    roves.
    """
    people = {punch.person_id for punch in judged}
    return {
        (punch.person_id, punch.site_id)
        for stretch in stretches
        if stretch.person_id in people
        for punch in stretch.punches
    }


def merged_into(merges: Iterable[Merge]) -> dict[Id, set[Id]]:
    """Return who counts as a person at any time, by that person."""
    others: dict[Id, set[Id]] = {}
    for merge in merges:
        others.setdefault(merge.into_id, set()).add(merge.person_id)
    return others


def _owners(devices: DevicePasts) -> set[Id]:
    versions = (device for past in devices.values() for _, device in past.versions())
    return {device.person_id for device in versions if device and device.person_id is not None}


def assignment(row: Sequence[Any]) -> Assignment:
    """Return an assignment from a row with the columns of ASSIGNMENT.

    Dates mean whole days at the site, by its time zone as it is now.
    """
    person_id, site_id, valid_from, from_date, valid_to, to_date, ended_at, roving, timezone = row
    zone = ZoneInfo(timezone or "UTC")
    last = _last_of(to_date, zone) if to_date else valid_to
    return Assignment(
        person_id,
        site_id,
        _first_of(from_date, zone) if from_date else valid_from,
        min((moment for moment in (last, ended_at) if moment), default=None),
        roving,
    )


def _first_of(day: date, zone: ZoneInfo) -> datetime | None:
    """Return the first moment of a day, or None where Python has none: then it is open."""
    try:
        return midnight(day, zone)
    except OverflowError:
        return None


def _last_of(day: date, zone: ZoneInfo) -> datetime | None:
    try:
        return midnight(day + timedelta(days=1), zone) - timedelta(microseconds=1)
    except OverflowError:
        return None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins at the site, in UTC. Where a clock change skips
    midnight, that is the first moment after it.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)

"""Read the people, sites and assignments of the roster that the window names, each kind in one
statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from worker.load.arrays import numbers
from worker.load.reading import Reading
from worker.rules.window import Assignment, Device, Punch, Site

_SITES = f"SELECT {', '.join(Site._fields)} FROM site WHERE tenant_id = %s AND site_id = ANY(%s)"
_PEOPLE = """
SELECT person_id, name FROM person
WHERE tenant_id = %s AND person_id = ANY(%s) AND NOT deleted
"""
_ASSIGNMENTS = """
SELECT a.person_id, a.site_id, a.valid_from, a.valid_from_date, a.valid_to, a.valid_to_date
FROM unnest(%s::bigint[], %s::bigint[]) AS r(person_id, site_id)
JOIN assignment a ON a.tenant_id = %s AND a.person_id = r.person_id AND a.site_id = r.site_id
  AND NOT a.deleted
"""


class Roster(NamedTuple):
    sites: dict[int, Site]
    people: dict[int, str]  # names by person_id
    assignments: list[Assignment]


def read_roster(
    reading: Reading,
    person_ids: Iterable[int],
    site_ids: Iterable[int],
    judged: Sequence[Punch],
    devices: Mapping[str, Device],
) -> Roster:
    """Read these people and sites, those whom `devices` belong to, and the assignments of the
    judged punches' people to their sites.
    """
    cursor, tenant_id = reading.cursor, reading.tenant_id
    # All are sent before the first is waited for.
    asked_sites = cursor.execute(_SITES, [tenant_id, numbers(site_ids)])
    pairs = sorted({(punch.person_id, punch.site_id) for punch in judged})
    asked_assignments = (
        cursor.execute(
            _ASSIGNMENTS, [numbers(p for p, _ in pairs), numbers(s for _, s in pairs), tenant_id]
        )
        if pairs
        else None
    )
    owners = {device.person_id for device in devices.values() if device.person_id is not None}
    asked_people = cursor.execute(_PEOPLE, [tenant_id, numbers(owners.union(person_ids))])
    sites = {site.site_id: site for site in map(Site._make, asked_sites.fetchall())}
    rows = asked_assignments.fetchall() if asked_assignments else []
    people: dict[int, str] = dict(asked_people.fetchall())
    return Roster(sites, people, [assignment(row, sites) for row in rows])


def assignment(row: Sequence[Any], sites: dict[int, Site]) -> Assignment:
    """Return an assignment from a row of `_ASSIGNMENTS`.

    Dates mean whole days at the site, by its time zone as it is now.
    """
    person_id, site_id, valid_from, from_date, valid_to, to_date = row
    zone = ZoneInfo(sites[site_id].timezone) if site_id in sites else ZoneInfo("UTC")
    return Assignment(
        person_id,
        site_id,
        midnight(from_date, zone) if from_date else valid_from,
        midnight(to_date + timedelta(days=1), zone) - timedelta(microseconds=1)
        if to_date
        else valid_to,
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins at the site, in UTC. Where a clock change skips
    midnight, that is the first moment after it.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)

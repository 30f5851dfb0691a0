"""All that the subjects are judged by: the timelines of whoever matters to them, the roster,
devices, biometrics, baselines.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from models.schemas.roster import LONGEST_SHIFT
from worker.load.affected import starting_together
from worker.load.arrays import texts
from worker.load.neighbours import (
    baselines,
    biometric_uses,
    device_people,
    device_uses,
    first_punches,
)
from worker.load.ranges import Range, document, merge, unnest
from worker.load.reading import Reading
from worker.load.roster import read_roster
from worker.load.rows import PUNCH, SHIFT, STANDING, punches, shifts
from worker.load.tenant import DAY, Reach
from worker.rules.finding import Subject
from worker.rules.window import Punch, Shift, Window

_SUBJECTS = f"""
SELECT {PUNCH} FROM punch p
WHERE p.tenant_id = %s AND p.punch_id = ANY(%s) AND p.voided_at IS NULL
"""
_SITE_SHIFTS = f"""
SELECT DISTINCT {SHIFT}
FROM {unnest("ranges", "site_id", "bigint")}
JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
  AND s.starts_at BETWEEN r.since - %(longest)s AND r.until AND s.ends_at >= r.since AND {STANDING}
"""


def load_context(
    reading: Reading, subjects: frozenset[Subject], as_of: datetime, *, explaining: bool = False
) -> Window:
    """The window that judges `subjects` exactly as if everything there is were in it."""
    tenant, reach = reading.tenant, reading.reach
    judged = _judged(reading, subjects)
    waiting = reading.shifts.named(s.shift_id for s in subjects if s.shift_id)
    rostered = {s.shift_id: s for s in (*waiting, *reading.shifts.read(_around(judged, reach)))}
    own = _by_person(rostered.values())
    strangers = [
        punch for punch in judged if punch.is_check_in and not _has_shift(punch, own, reach)
    ]
    here = _site_shifts(reading, strangers)
    reached = list(_reached(strangers, here, reach))
    attended = {s.shift_id: s for s in (*waiting, *(s for _, s in reached), *_shared(judged, own))}
    attended |= {s.shift_id: s for s in starting_together(reading, attended.values())}
    theirs = reading.shifts.read(merge(_entitled(attended.values(), reach)))
    if others := _others_to_choose(theirs, attended):
        attended |= {s.shift_id: s for s in (*others, *starting_together(reading, others))}
        theirs = reading.shifts.read(merge(_entitled(attended.values(), reach)))
    # A stranger's earlier check-ins in the same shift, of which the first stands in somebody's
    # place, and what excuses them.
    before = [
        (punch.person_id, shift.starts_at - reach.early, punch.occurred_at)
        for punch, shift in reached
    ]
    earlier = reading.shifts.read(
        merge((person_id, since - DAY, until + DAY) for person_id, since, until in before)
    )
    known = {
        s.shift_id: s for s in (*rostered.values(), *here, *attended.values(), *theirs, *earlier)
    }
    stretches = reading.timelines.read(
        merge((*_timelines(judged, own, reach), *_entitled(attended.values(), reach), *before))
    )
    devices = reading.devices.read(p.device_id for p in judged)
    # All sent before the first is waited for.
    asked_uses, asked_bodies = (
        device_uses(reading, judged, devices),
        biometric_uses(reading, judged),
    )
    scores, began = baselines(reading, judged), first_punches(reading, waiting)
    uses, bodies = asked_uses(), asked_bodies()
    kiosks = device_people(reading, judged, uses, devices)
    everyone = {stretch.person_id for stretch in stretches} | {
        p for s in known.values() for p in s.entitled
    }
    everyone |= {p.biometric_person_id for p in judged if p.biometric_person_id is not None}
    places = {p.site_id for s in stretches for p in s.punches} | {s.site_id for s in known.values()}
    places |= {p.site_id for used in (*uses.values(), *bodies.values()) for p in used}
    everyone |= {p.person_id for used in uses.values() for p in used}
    roster = read_roster(reading, everyone, places, judged, devices)
    return Window(
        tenant_id=tenant.tenant_id,
        as_of=as_of,
        subjects=subjects,
        policy=tenant.policy,
        policy_version=tenant.policy_version,
        site_policies=tenant.site_policies,
        roster_complete=tenant.roster_complete,
        any_assignment=tenant.any_assignment,
        any_person=tenant.any_person,
        stretches=stretches,
        sites=roster.sites,
        people=roster.people,
        shifts=known,
        assignments=roster.assignments,
        devices=devices,
        device_uses=uses,
        device_people=kiosks(),
        biometric_uses=bodies,
        baselines=scores(),
        first_punch_at=began(),
        explaining=explaining,
    )


def _around(judged: Iterable[Punch], reach: Reach) -> Iterator[Range[int]]:
    """Shifts that a punch may belong to, that excuse it, or that its spell may have run into."""
    return merge(
        (p.person_id, p.occurred_at - reach.spell - DAY, p.occurred_at + reach.spell + DAY)
        for p in judged
    )


def _by_person(rostered: Iterable[Shift]) -> dict[int, list[Shift]]:
    found: dict[int, list[Shift]] = {}
    for shift in rostered:
        for person_id in shift.entitled:
            found.setdefault(person_id, []).append(shift)
    return found


def _has_shift(punch: Punch, own: dict[int, list[Shift]], reach: Reach) -> bool:
    """Whether the person has a shift at this site within reach, whichever policy applies."""
    return any(
        s.site_id == punch.site_id
        and s.starts_at - reach.least_early <= punch.occurred_at <= s.ends_at
        for s in own.get(punch.person_id, ())
    )


def _judged(reading: Reading, subjects: Iterable[Subject]) -> list[Punch]:
    """The punches among the subjects that are there and not voided."""
    ids = [subject.punch_id for subject in subjects if subject.punch_id]
    known = reading.timelines.punches
    missing = [punch_id for punch_id in ids if punch_id not in known]
    read = (
        punches(reading.cursor.execute(_SUBJECTS, [reading.tenant_id, texts(missing)]).fetchall())
        if missing
        else []
    )
    return [*(known[punch_id] for punch_id in ids if punch_id in known), *read]


def _site_shifts(reading: Reading, strangers: Iterable[Punch]) -> list[Shift]:
    """Everybody's shifts at the site within a day of a check-in by somebody who has none there."""
    ranges = list(merge((p.site_id, p.occurred_at - DAY, p.occurred_at + DAY) for p in strangers))
    if not ranges:
        return []
    parameters = {
        "tenant_id": reading.tenant_id,
        "longest": LONGEST_SHIFT,
        "ranges": document(ranges),
    }
    return shifts(reading.cursor.execute(_SITE_SHIFTS, parameters).fetchall())


def _reached(
    strangers: Iterable[Punch], here: Iterable[Shift], reach: Reach
) -> Iterator[tuple[Punch, Shift]]:
    """Each stranger's check-in with the shifts within its reach: whether they are attended matters."""
    at_site: dict[int, list[Shift]] = {}
    for shift in here:
        at_site.setdefault(shift.site_id, []).append(shift)
    for punch in strangers:
        for shift in at_site.get(punch.site_id, ()):
            if shift.starts_at - reach.early <= punch.occurred_at <= shift.ends_at:
                yield punch, shift


def _others_to_choose(theirs: Iterable[Shift], attended: Mapping[str, Shift]) -> list[Shift]:
    """Shifts of the same people that start with one of these at its site: they may attend those
    instead.
    """
    starts = {(shift.site_id, shift.starts_at) for shift in attended.values()}
    return [s for s in theirs if s.shift_id not in attended and (s.site_id, s.starts_at) in starts]


def _shared(judged: Iterable[Punch], own: dict[int, list[Shift]]) -> Iterator[Shift]:
    """Own shifts in which somebody else's presence matters: where the person only substitutes, or
    has a choice.
    """
    for person_id in {punch.person_id for punch in judged}:
        starts: dict[tuple[int, datetime], list[Shift]] = {}
        for shift in own.get(person_id, ()):
            starts.setdefault((shift.site_id, shift.starts_at), []).append(shift)
        for together in starts.values():
            yield from (s for s in together if len(together) > 1 or s.person_id != person_id)


def _entitled(attended: Iterable[Shift], reach: Reach) -> Iterator[tuple[int, datetime, datetime]]:
    """When the presence of whoever is entitled to a shift matters to its being attended."""
    for shift in attended:
        for person_id in shift.entitled:
            yield (
                person_id,
                shift.starts_at - reach.early - reach.spell,
                shift.ends_at + reach.spell,
            )


def _timelines(
    judged: Iterable[Punch], own: dict[int, list[Shift]], reach: Reach
) -> Iterator[tuple[int, datetime, datetime]]:
    """The person's own punches around each punch, and throughout the shifts it may belong to."""
    before = reach.before
    for punch in judged:
        since, until = punch.occurred_at - before, punch.occurred_at + reach.spell
        yield punch.person_id, since, until
        for shift in own.get(punch.person_id, ()):
            if shift.starts_at - reach.early <= until and since <= shift.ends_at:
                yield (
                    punch.person_id,
                    shift.starts_at - reach.early - reach.spell,
                    shift.ends_at + reach.spell,
                )

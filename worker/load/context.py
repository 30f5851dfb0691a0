"""All that the subjects are judged by: the timelines of whoever matters to them, the roster,
devices, biometrics, baselines.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from models.ids import Id
from worker.load.absences import ask_absences
from worker.load.arrays import texts
from worker.load.doubts import read_doubts, undecided
from worker.load.neighbours import Neighbours, ask_neighbours
from worker.load.ranges import merge
from worker.load.reading import Reading
from worker.load.roster import read_roster
from worker.load.rows import PUNCH, as_punches
from worker.load.stand_ins import FEW, StandIns, read_stand_ins
from worker.load.tap_stays import shifts_of_taps
from worker.load.tenant import Reach
from worker.load.window_shifts import PersonRange, WindowShifts, presence_ranges, read_window_shifts
from worker.rules.biometrics import whose
from worker.rules.finding import Subject
from worker.rules.window import Punch, Shift, Stretch, Window

_SUBJECTS = f"""
SELECT {PUNCH} FROM punch p
WHERE p.tenant_id = %s AND p.punch_id = ANY(%s) AND p.voided_at IS NULL
"""


def load_context(
    reading: Reading, subjects: frozenset[Subject], as_of: datetime, *, explaining: bool = False
) -> Window:
    """Return the window that judges `subjects` exactly as if everything there is were in it."""
    tenant = reading.tenant
    judged = _judged(reading, subjects)
    shifts = read_window_shifts(reading, subjects, judged)
    stretches = _stretches(reading, judged, shifts)
    doubts = read_doubts(reading, shifts, stretches, as_of)
    stand_ins = read_stand_ins(reading, doubts.missed, FEW)
    if doubts.telling or stand_ins.punches:
        shifts, stretches = _read_also(reading, subjects, judged, stand_ins, doubts.telling)
    if not stand_ins.are_all and undecided(
        reading, doubts.missed, stand_ins, shifts, stretches, as_of
    ):
        stand_ins = read_stand_ins(reading, doubts.missed)
        shifts, stretches = _read_also(reading, subjects, judged, stand_ins, doubts.telling)
    absences = ask_absences(reading, judged, shifts, doubts.telling)
    devices = reading.devices.read(_device_ids(judged, stretches))
    neighbours = ask_neighbours(reading, judged, shifts.waiting, devices)
    people = _people(judged, stretches, shifts, neighbours)
    site_ids = _site_ids(stretches, shifts, neighbours)
    roster = read_roster(reading, people, site_ids, judged, stretches, devices)
    return Window(
        tenant_id=tenant.tenant_id,
        as_of=as_of,
        subjects=subjects,
        policy=tenant.policies.only or tenant.policies.of_tenant,
        policy_version=tenant.policy_version,
        site_policies={} if tenant.policies.only else tenant.policies.of_sites,
        roster_complete=tenant.roster_complete,
        any_assignment=tenant.any_assignment,
        any_person=tenant.any_person,
        stretches=stretches,
        sites=roster.sites,
        people=roster.people,
        shifts=shifts.by_id,
        assignments=roster.assignments,
        absences=absences(),
        merges=tenant.merges,
        devices=devices,
        device_uses=neighbours.device_uses,
        device_people=neighbours.device_people(),
        biometric_uses=neighbours.biometric_uses,
        baselines=neighbours.baselines(),
        first_punch_at=neighbours.first_punch_at(),
        sources=doubts.sources.by_shift,
        usual_devices=doubts.sources.usual_devices,
        stand_ins=stand_ins.by_shift,
        explaining=explaining,
    )


def _judged(reading: Reading, subjects: Iterable[Subject]) -> list[Punch]:
    """The punches among the subjects that are there and not voided."""
    punch_ids = [subject.punch_id for subject in subjects if subject.punch_id]
    already_read = reading.timelines.punches
    missing = [punch_id for punch_id in punch_ids if punch_id not in already_read]
    judged = [already_read[punch_id] for punch_id in punch_ids if punch_id in already_read]
    if missing:
        answer = reading.cursor.execute(_SUBJECTS, [reading.tenant_id, texts(missing)])
        judged += as_punches(answer.fetchall())
    return judged


def _read_also(
    reading: Reading,
    subjects: frozenset[Subject],
    judged: Sequence[Punch],
    stand_ins: StandIns,
    telling: Iterable[Shift],
) -> tuple[WindowShifts, list[Stretch]]:
    """Read shifts and timelines once more, with what further shifts and punches are judged by."""
    alike = list({punch.punch_id: punch for punch in (*judged, *stand_ins.punches)}.values())
    shifts = read_window_shifts(reading, subjects, alike, telling)
    return shifts, _stretches(reading, alike, shifts)


def _stretches(reading: Reading, judged: Iterable[Punch], shifts: WindowShifts) -> list[Stretch]:
    """Read the timelines, and add to the shifts those that taps in them are read by."""
    stretches = reading.timelines.read(merge(_timelines(judged, shifts, reading.reach)))
    shifts.by_id.update((s.shift_id, s) for s in shifts_of_taps(reading, stretches))
    return stretches


def _timelines(
    judged: Iterable[Punch], shifts: WindowShifts, reach: Reach
) -> Iterator[PersonRange]:
    """When the punches matter: of the judged people, of those whose biometrics these had, of all
    who may attend a shift that matters, and of strangers earlier in the same shift.
    """
    for punch in judged:
        yield from _around(punch, shifts, reach)
        if (other := whose(punch)) is not None and other != punch.person_id:
            near = reach.buddy + reach.spell  # of a tap of several one fix counts, before or after
            yield other, punch.occurred_at - near, punch.occurred_at + near
    yield from presence_ranges(shifts.attended.values(), reach)
    yield from shifts.earlier


def _around(punch: Punch, shifts: WindowShifts, reach: Reach) -> Iterator[PersonRange]:
    """Around the punch, and throughout the shifts it may belong to."""
    since, until = punch.occurred_at - reach.before, punch.occurred_at + reach.spell
    yield punch.person_id, since, until
    for shift in shifts.own.get(punch.person_id, ()):
        begins = shift.starts_at - reach.early
        if begins <= until and since <= shift.ends_at:
            yield punch.person_id, begins - reach.spell, shift.ends_at + reach.spell


def _device_ids(judged: Iterable[Punch], stretches: Iterable[Stretch]) -> Iterator[str | None]:
    """Yield the devices of the judged punches, and of all that their people used around: by them it
    is told who checks out.
    """
    people = set()
    for punch in judged:
        people.add(punch.person_id)
        yield punch.device_id
    for stretch in stretches:
        if stretch.person_id in people:
            yield from (punch.device_id for punch in stretch.punches if punch.is_check_in)


def _people(
    judged: Iterable[Punch],
    stretches: Iterable[Stretch],
    shifts: WindowShifts,
    neighbours: Neighbours,
) -> set[Id]:
    """Everybody whose name a finding may say."""
    people = {stretch.person_id for stretch in stretches}
    people |= {person_id for s in shifts.by_id.values() for person_id in s.entitled}
    people |= {p.biometric_person_id for p in judged if p.biometric_person_id is not None}
    people |= {p.person_id for uses in neighbours.device_uses.values() for p in uses}
    return people


def _site_ids(
    stretches: Sequence[Stretch], shifts: WindowShifts, neighbours: Neighbours
) -> set[Id]:
    """All sites that anything of the window is at."""
    site_ids = {punch.site_id for stretch in stretches for punch in stretch.punches}
    site_ids |= {shift.site_id for shift in shifts.by_id.values()}
    uses_of_all = (*neighbours.device_uses.values(), *neighbours.biometric_uses.values())
    return site_ids | {punch.site_id for uses in uses_of_all for punch in uses}

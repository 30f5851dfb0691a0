"""Build windows by hand, for tests that read like the definitions. Times are of 2026-03-02 in UTC:
"08:00", or "+1 08:00" the day after.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import ModuleType
from typing import Any

from models.policy import Policy, merged
from tests.worker.load.everything import (
    baselines_of,
    grouped,
    people_using,
    sources_of,
    spells_counted,
    stand_ins_of,
    usual_devices_of,
)
from worker.rules.biometrics import whose
from worker.rules.finding import Finding, Nothing, Subject
from worker.rules.past import Past
from worker.rules.window import (
    Absence,
    Assignment,
    Device,
    Merge,
    Punch,
    Shift,
    Site,
    Stretch,
    Window,
    in_order,
)

DAY = datetime(2026, 3, 2, tzinfo=UTC)
ANNA, BEN, CARL, DORA = 1, 2, 3, 4
PEOPLE = {ANNA: "Anna", BEN: "Ben", CARL: "Carl", DORA: "Dora"}
OFFICE, DEPOT, NEXT_DOOR = 15, 16, 17
SITES = (
    Site(OFFICE, "Main Office", "Europe/Berlin", 52.5, 13.4, 200.0),
    Site(DEPOT, "Depot", "Europe/Berlin", 53.5, 10.0, 200.0),  # 253 km from the office
    Site(NEXT_DOOR, "Next Door", "Europe/Berlin", 52.5, 13.41, 200.0),  # 679 m from the office
)


def at(text: str) -> datetime:
    """Return a moment such as "08:00", "08:00:30", "+1 08:00" (the day after) or "-1 20:00"."""
    day, _, clock = text.rpartition(" ")
    hours, minutes, *seconds = (float(part) for part in clock.split(":"))
    return DAY + timedelta(days=int(day or 0), hours=hours, minutes=minutes, seconds=sum(seconds))


def check_in(
    person: int, site: int, when: str, punch_id: str | None = None, **fields: Any
) -> Punch:
    return Punch(punch_id or f"in {when}", person, site, True, at(when), **fields)


def check_out(
    person: int, site: int, when: str, punch_id: str | None = None, **fields: Any
) -> Punch:
    return Punch(punch_id or f"out {when}", person, site, False, at(when), **fields)


def tap(person: int, site: int, when: str, punch_id: str | None = None, **fields: Any) -> Punch:
    return Punch(punch_id or f"tap {when}", person, site, True, at(when), is_tap=True, **fields)


def shift(
    person: int,
    site: int,
    starts: str,
    ends: str,
    shift_id: str = "s1",
    substitutes: tuple[int, ...] = (),
    *,
    person_left: bool = False,
) -> Shift:
    return Shift(shift_id, person, site, at(starts), at(ends), substitutes, person_left)


def changing(before: Mapping[str, Any], when: str, after: Mapping[str, Any]) -> Past[Policy]:
    """Return a policy that is another one from a moment on."""
    return Past(merged(before), [(at(when), merged(after))])


def build(
    punches: Iterable[Punch],
    shifts: Iterable[Shift] = (),
    *,
    as_of: str = "+5 00:00",
    policy: Mapping[str, Any] | None = None,
    site_policies: Mapping[Any, Mapping[str, Any] | Past[Policy]] | None = None,
    sites: Iterable[Site] = SITES,
    people: Mapping[Any, str] | None = None,
    assignments: Iterable[Assignment] = (),
    absences: Iterable[Absence] = (),
    merges: Iterable[Merge] = (),
    devices: Iterable[Device] = (),
    roster_complete: bool = True,
    first_punch_at: Mapping[Any, datetime] | None = None,
    explaining: bool = False,
) -> Window:
    """Return a window that judges all of these punches and shifts."""
    named: Mapping[Any, str] = PEOPLE if people is None else people
    rostered, assigned = list(shifts), list(assignments)
    ordered = sorted(punches, key=lambda punch: (punch.person_id, in_order(punch)))
    uses = grouped((punch.device_id, punch) for punch in ordered)
    window = Window(
        tenant_id=1,
        as_of=at(as_of),
        subjects=frozenset(
            (
                *(Subject(p.punch_id, "") for p in ordered),
                *(Subject("", s.shift_id) for s in rostered),
            )
        ),
        policy=merged(policy or {}),
        site_policies={
            site_id: own if isinstance(own, Past) else merged(policy or {}, own)
            for site_id, own in (site_policies or {}).items()
        },
        roster_complete=roster_complete,
        any_assignment=bool(assigned),
        any_person=bool(named),
        stretches=[
            Stretch(person_id, tuple(person_punches))
            for person_id, person_punches in groupby(ordered, key=lambda punch: punch.person_id)
        ],
        sites={site.site_id: site for site in sites},
        people=named,
        shifts={row.shift_id: row for row in rostered},
        assignments=assigned,
        absences=list(absences),
        merges=list(merges),
        devices={device.device_id: device for device in devices},
        device_uses=uses,
        device_people={
            p.punch_id: people_using(uses[p.device_id], p) for p in ordered if p.device_id
        },
        biometric_uses=grouped((whose(punch), punch) for punch in ordered),
        baselines=baselines_of(ordered, ordered),
        first_punch_at={site_id: at("-9 00:00") for site_id in (OFFICE, DEPOT, NEXT_DOOR)}
        if first_punch_at is None
        else first_punch_at,
        sources=sources_of(ordered, rostered),
        usual_devices=usual_devices_of(ordered, rostered),
        stand_ins=stand_ins_of(ordered, rostered),
        explaining=explaining,
    )
    return window.counting(spells_counted(window))


def findings(detector: ModuleType, window: Window) -> list[Finding]:
    return [finding for finding in detector.detect(window) if isinstance(finding, Finding)]


def nothings(detector: ModuleType, window: Window) -> list[Nothing]:
    return [answer for answer in detector.detect(window) if isinstance(answer, Nothing)]


def reasons(detector: ModuleType, window: Window) -> set[tuple[str, str]]:
    """Return the findings as (subject's id, reason)."""
    return {
        (finding.subject.punch_id or finding.subject.shift_id, finding.reason)
        for finding in findings(detector, window)
    }

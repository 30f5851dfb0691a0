"""The window: all that detection may look at for one decision, as plain values. worker.load fills
it, detectors read it.

Instants are aware datetimes in UTC, places are degrees, distances metres. Nothing here reads a
database, a clock or a setting.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import cached_property
from typing import Any

from models.ids import Id
from models.policy import Policy
from worker.rules.finding import Subject
from worker.rules.order import in_turn
from worker.rules.past import Laid, Past, past_of
from worker.rules.taps import read_taps
from worker.rules.values import Absence as Absence
from worker.rules.values import Assignment as Assignment
from worker.rules.values import Baseline as Baseline
from worker.rules.values import Device as Device
from worker.rules.values import Merge as Merge
from worker.rules.values import Punch as Punch
from worker.rules.values import Shift as Shift
from worker.rules.values import Site as Site
from worker.rules.values import Source as Source
from worker.rules.values import SpellCounts as SpellCounts
from worker.rules.values import Stretch as Stretch
from worker.rules.values import in_order as in_order
from worker.rules.values import moment_of as moment_of

# A policy, or what it is from each moment on.
HeldPolicy = Policy | Past[Policy] | Laid[Policy]


class Window:
    """All that detection may look at: the subjects that it judges, and what they are judged by.

    A subject whose punch or shift is no longer there (voided, deleted, cancelled) stays among
    `subjects`, so that what was found on it falls away; detectors go by `punches_to_judge` and
    `shifts_to_judge`.
    """

    def __init__(
        self,
        *,
        tenant_id: Id,
        as_of: datetime,
        subjects: frozenset[Subject] = frozenset(),
        policy: HeldPolicy,
        policy_version: int = 1,
        site_policies: Mapping[Id, HeldPolicy] | None = None,
        roster_complete: bool = True,
        any_assignment: bool | Past[bool] = False,
        any_person: bool | Past[bool] = False,
        stretches: Sequence[Stretch] = (),
        sites: Mapping[Id, Site | Past[Site | None]] | None = None,
        people: Mapping[Id, str | Past[str | None]] | None = None,
        shifts: Mapping[str, Shift] | None = None,
        assignments: Sequence[Assignment] = (),
        absences: Sequence[Absence] = (),
        merges: Sequence[Merge] = (),
        devices: Mapping[str, Device | Past[Device | None]] | None = None,
        device_uses: Mapping[str, Sequence[Punch]] | None = None,
        device_people: Mapping[str, int] | None = None,
        biometric_uses: Mapping[Id, Sequence[Punch]] | None = None,
        baselines: Mapping[str, Baseline] | None = None,
        first_punch_at: Mapping[Id, datetime] | None = None,
        spell_counts: Mapping[str, SpellCounts] | None = None,
        sources: Mapping[str, Sequence[Source]] | None = None,
        usual_devices: Mapping[str, str] | None = None,
        stand_ins: Mapping[str, Sequence[Punch]] | None = None,
        explaining: bool = False,
    ) -> None:
        self.tenant_id = tenant_id
        self.as_of = as_of
        self.subjects = subjects
        self._policy = policy
        self.policy_version = policy_version
        self._site_policies = site_policies or {}
        # Rules ask for a policy tens of thousands of times a window, and most tenants have one.
        self._only_policy = policy if isinstance(policy, Policy) and not site_policies else None
        self.roster_complete = roster_complete
        self._any_assignment = past_of(any_assignment)
        self._any_person = past_of(any_person)
        self._stretches = stretches
        self._sites: Mapping[Id, Past[Site | None]] = _pasts(sites)
        self._people: Mapping[Id, Past[str | None]] = _pasts(people)
        self.shifts = shifts or {}
        self._devices: Mapping[str, Past[Device | None]] = _pasts(devices)
        self.device_uses = device_uses or {}  # by device_id, in order of time
        # by punch_id: people who used its device within 7 days, before or after
        self.device_people = device_people or {}
        # by the person whose biometrics they are, in order of time
        self.biometric_uses = biometric_uses or {}
        self.baselines = baselines or {}  # by punch_id
        self.first_punch_at = first_punch_at or {}  # by site_id
        # by punch_id of the check-ins that `worker.rules.checking_out.in_question` names
        self.spell_counts = spell_counts or {}
        # by shift_id, where it may be a no-show: first its site, then its person's usual device
        self.sources = sources or {}
        self.usual_devices = usual_devices or {}  # by shift_id
        # by shift_id, where it may be a no-show: check-ins at its site by people who may have no
        # shift there, in order
        self.stand_ins = stand_ins or {}
        self.explaining = explaining
        # (subject, type) that a detector's crash left undecided: what stands there stays as it is.
        self.crashed: set[tuple[Subject, str]] = set()
        self.memo: dict[Any, Any] = {}  # what rules worked out once for this window
        self._assignments = assignments
        self._absences = absences
        self._merges = merges

    @cached_property
    def stretches(self) -> Sequence[Stretch]:
        """People's punches as they follow each other. Taps have the direction they are read with:
        those between the first and the last of a stay are no check-ins.
        """
        return [stretch for stretch, _ in self._read_stretches]

    @cached_property
    def between(self) -> frozenset[str]:
        """The ids of the taps within a stay, which are neither check-ins nor check-outs."""
        return frozenset().union(*(between for _, between in self._read_stretches))

    @cached_property
    def _read_stretches(self) -> list[tuple[Stretch, frozenset[str]]]:
        read = []
        for stretch in self._stretches:
            ordered = in_turn(stretch.punches, self.policy_of)
            own_shifts = self.shifts_of.get(stretch.person_id, ())
            punches, between = read_taps(ordered, own_shifts, self.policy_of)
            read.append((stretch._replace(punches=punches), between))
        return read

    @cached_property
    def _places(self) -> dict[str, tuple[Stretch, int]]:
        return {
            punch.punch_id: (stretch, index)
            for stretch in self.stretches
            for index, punch in enumerate(stretch.punches)
        }

    @cached_property
    def _stretches_of(self) -> dict[Id, list[Stretch]]:
        by_person: dict[Id, list[Stretch]] = {}
        for stretch in self.stretches:
            by_person.setdefault(stretch.person_id, []).append(stretch)
        return by_person

    @cached_property
    def assignments(self) -> dict[tuple[Id, Id], list[Assignment]]:
        by_pair: dict[tuple[Id, Id], list[Assignment]] = {}
        for row in self._assignments:
            by_pair.setdefault((row.person_id, row.site_id), []).append(row)
        return by_pair

    @cached_property
    def absences(self) -> dict[tuple[Id | None, Id | None], list[Absence]]:
        """Absences by whose they are: (person_id, None) or (None, site_id), by absence_id."""
        by_key: dict[tuple[Id | None, Id | None], list[Absence]] = {}
        for row in sorted(self._absences, key=lambda row: row.absence_id):
            by_key.setdefault((row.person_id, row.site_id), []).append(row)
        return by_key

    @cached_property
    def shifts_of(self) -> dict[Id, list[Shift]]:
        """Shifts that a person is entitled to, by start, then shift_id."""
        by_person: dict[Id, list[Shift]] = {}
        for shift in self._shifts_in_order:
            for person_id in dict.fromkeys(shift.entitled):
                by_person.setdefault(person_id, []).append(shift)
        return by_person

    @cached_property
    def shifts_at(self) -> dict[Id, list[Shift]]:
        """Shifts at a site, by start, then shift_id."""
        by_site: dict[Id, list[Shift]] = {}
        for shift in self._shifts_in_order:
            by_site.setdefault(shift.site_id, []).append(shift)
        return by_site

    @cached_property
    def _shifts_in_order(self) -> list[Shift]:
        return sorted(self.shifts.values(), key=lambda shift: (shift.starts_at, shift.shift_id))

    @cached_property
    def punches_to_judge(self) -> list[Punch]:
        """The punches among the subjects, each person's in order: every run decides alike."""
        judged = [self._places[s.punch_id] for s in self.subjects if s.punch_id in self._places]
        judged.sort(
            key=lambda place: (place[0].person_id, place[0].punches[0].occurred_at, place[1])
        )
        return [stretch.punches[index] for stretch, index in judged]

    @cached_property
    def shifts_to_judge(self) -> list[Shift]:
        return [
            shift for shift in self._shifts_in_order if Subject("", shift.shift_id) in self.subjects
        ]

    def of(self, subject: Subject) -> "Window":
        """Return this window with one subject only."""
        one = copy(self)
        one.subjects = frozenset((subject,))
        one.__dict__.pop("punches_to_judge", None)
        one.__dict__.pop("shifts_to_judge", None)
        return one

    def counting(self, spell_counts: Mapping[str, SpellCounts]) -> "Window":
        """Return this window with the counts of spells, which it itself says which to read."""
        counted = copy(self)
        counted.spell_counts = spell_counts
        return counted

    def policy(self, site_id: Id, at: datetime) -> Policy:
        """Return the policy that held at a site at a moment."""
        if self._only_policy is not None:
            return self._only_policy
        held = self._site_policies.get(site_id, self._policy)
        return held if isinstance(held, Policy) else held.at(at)

    def policy_of(self, row: Punch | Shift) -> Policy:
        """Return the policy of the site of a punch at its time, or of a shift at its start."""
        return self._only_policy or self.policy(row.site_id, moment_of(row))

    def site(self, site_id: Id, at: datetime) -> Site | None:
        """Return what the roster said of a site at a moment; None where it did not have it."""
        site = self._sites.get(site_id)
        return site.at(at) if site else None

    def person(self, person_id: Id, at: datetime) -> str | None:
        """Return the name of a person of the roster at a moment; None where it had none such."""
        person = self._people.get(person_id)
        return person.at(at) if person else None

    def called(self, person_id: Id, at: datetime) -> str:
        """Return what a sentence calls a person."""
        return self.person(person_id, at) or f"person {person_id}"

    def device(self, device_id: str | None, at: datetime) -> Device | None:
        """Return what the roster said of a device at a moment; None where it did not name it."""
        past = self._devices.get(device_id) if device_id else None
        device = past.at(at) if past else None
        if device is None or device.person_id is None or not self._merges:
            return device
        return device._replace(person_id=self.counted(device.person_id, at))

    def counted(self, person_id: Id, at: datetime) -> Id:
        """Return who a person counts as at a moment, as people are merged."""
        merges = self._merged_from.get(person_id, ())
        return next((merge.into_id for merge in merges if merge.holds(at)), person_id)

    def all_of(self, person_id: Id, at: datetime) -> Sequence[Id]:
        """Return the person, and all others that count as them at a moment."""
        merges = self._merged_into.get(person_id, ())
        return (person_id, *(merge.person_id for merge in merges if merge.holds(at)))

    def ever_of(self, person_id: Id) -> Sequence[Id]:
        """Return the person, and all others that count as them at some time."""
        merges = self._merged_into.get(person_id, ())
        return (person_id, *(merge.person_id for merge in merges))

    @cached_property
    def _merged_from(self) -> dict[Id, list[Merge]]:
        return _by(self._merges, lambda merge: merge.person_id)

    @cached_property
    def _merged_into(self) -> dict[Id, list[Merge]]:
        return _by(self._merges, lambda merge: merge.into_id)

    def any_person(self, at: datetime) -> bool:
        """Whether the roster had any person at a moment."""
        return self._any_person.at(at)

    def any_assignment(self, at: datetime) -> bool:
        """Whether the roster had any assignment at a moment, whenever it is valid."""
        return self._any_assignment.at(at)

    def place_in_time(self, punch: Punch) -> tuple[Stretch, int]:
        """Return the stretch that holds this punch, and its index there."""
        return self._places[punch.punch_id]

    def place_of(self, punch: Punch) -> int:
        """Return the punch's index in the stretch that holds it."""
        return self._places[punch.punch_id][1]

    def comes_before(self, punch: Punch, other: Punch) -> bool:
        """Whether one punch of a person comes before another."""
        (stretch, index), (other_stretch, other_index) = (
            self._places[punch.punch_id],
            self._places[other.punch_id],
        )
        if stretch is other_stretch:
            return index < other_index
        return punch.occurred_at < other.occurred_at

    def previous(self, punch: Punch) -> Punch | None:
        """Return the person's punch before this one; None where there is none, or none was read."""
        stretch, index = self._places[punch.punch_id]
        return stretch.punches[index - 1] if index else None

    def next(self, punch: Punch) -> Punch | None:
        """Return the person's punch after this one; None where there is none, or none was read."""
        stretch, index = self._places[punch.punch_id]
        return stretch.punches[index + 1] if index + 1 < len(stretch.punches) else None

    def is_latest(self, punch: Punch) -> bool:
        """Whether no punch of the person comes after this one, ever."""
        stretch, index = self._places[punch.punch_id]
        return stretch.is_latest and index + 1 == len(stretch.punches)

    def check_ins_at(self, punch: Punch, site_id: Id) -> Sequence[Punch]:
        """Return the check-ins at a site, in order, of the stretch that holds this punch."""
        stretch, _ = self._places[punch.punch_id]
        key = ("check-ins", punch.person_id, stretch.punches[0].punch_id)
        if key not in self.memo:
            by_site: dict[Id, list[Punch]] = {}
            for other in stretch.punches:
                if other.is_check_in:
                    by_site.setdefault(other.site_id, []).append(other)
            self.memo[key] = by_site
        check_ins: dict[Id, list[Punch]] = self.memo[key]
        return check_ins.get(site_id, ())

    def stretches_of(self, person_id: Id) -> Sequence[Stretch]:
        return self._stretches_of.get(person_id, ())

    def punch(self, punch_id: str) -> Punch | None:
        place = self._places.get(punch_id)
        return place[0].punches[place[1]] if place else None

    def punches(self) -> Iterator[Punch]:
        for stretch in self.stretches:
            yield from stretch.punches

    def name_of(self, punch: Punch) -> str | None:
        """Return the person's name: the roster's at that time, else what the punch said."""
        return self.person(punch.person_id, punch.occurred_at) or punch.person_name

    def timezone(self, site_id: Id) -> str:
        """Return a site's time zone, which has no past; UTC where the roster never had the site."""
        site = self._sites.get(site_id)
        versions = site.versions() if site else ()
        return next((version.timezone for _, version in versions if version), "UTC")

    def site_name(self, site_id: Id, at: datetime) -> str:
        site = self.site(site_id, at)
        return site.name if site else f"site {site_id}"


def _by(merges: Iterable[Merge], key: Callable[[Merge], Id]) -> dict[Id, list[Merge]]:
    by_key: dict[Id, list[Merge]] = {}
    for merge in merges:
        by_key.setdefault(key(merge), []).append(merge)
    return by_key


def _pasts(rows: Mapping[Any, Any] | None) -> Mapping[Any, Past[Any]]:
    return {key: past_of(row) for key, row in (rows or {}).items()}

"""The definitions once more, plainly: what stands by `docs/detection.md`, read without the product.

It is the measure of the detectors and of the facts that they rest on: how punches follow each
other, what spells they make and which shifts those attend. Each question goes through everything
again, however often it was asked. Of the product it uses the values alone (a punch, a shift) and
the defaults of the policy.

Not told yet, and so to be left out of companies that are compared: punches of kind `tap`, devices
taken as shared by their use, and what counts over days but for `below_own_baseline`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from geographiclib.geodesic import Geodesic

from models.ids import Id
from models.policy import KEYS
from worker.rules.window import Absence, Assignment, Device, Merge, Punch, Shift, Site

BODIES = ("face", "fingerprint", "iris")
GRAVITY = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


class Told(NamedTuple):
    """One reason that stands on a punch or shift, by its id."""

    subject: str
    anomaly_type: str
    reason: str
    severity: str
    confidence: float


class Keys:
    """A policy: the site's keys over the tenant's over the defaults."""

    def __init__(self, *overrides: Mapping[str, Any]) -> None:
        self._values = {name: value for keys in overrides for name, value in keys.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name, KEYS[name].default)

    def minutes(self, name: str) -> timedelta:
        return timedelta(minutes=self[name])

    def hours(self, name: str) -> timedelta:
        return timedelta(hours=self[name])

    def seconds(self, name: str) -> timedelta:
        return timedelta(seconds=self[name])

    def is_on(self, anomaly_type: str) -> bool:
        return bool(self[anomaly_type.lower()] == "on")

    def is_off(self, anomaly_type: str) -> bool:
        return bool(self[anomaly_type.lower()] == "off")


@dataclass
class Company:
    """All there is of a tenant, whose roster and policy never change."""

    punches: Sequence[Punch]
    shifts: Sequence[Shift]
    people: frozenset[Id]
    sites: Sequence[Site]
    as_of: datetime
    assignments: Sequence[Assignment] = ()
    absences: Sequence[Absence] = ()
    merges: Sequence[Merge] = ()  # punches and shifts are of whom they count for already
    devices: Sequence[Device] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    site_policies: Mapping[Id, Mapping[str, Any]] = field(default_factory=dict)
    roster_complete: bool = True

    def keys(self, site_id: Id) -> Keys:
        return Keys(self.policy, self.site_policies.get(site_id, {}))

    def site(self, site_id: Id) -> Site | None:
        return next((site for site in self.sites if site.site_id == site_id), None)

    def device(self, device_id: str | None) -> Device | None:
        return next((device for device in self.devices if device.device_id == device_id), None)

    def owner(self, device: Device, moment: datetime) -> Id | None:
        """Return whose a device is at a moment."""
        return next(
            (
                merge.into_id
                for merge in self.merges
                if merge.person_id == device.person_id and merge.holds(moment)
            ),
            device.person_id,
        )

    def records(self, person_id: Id, moment: datetime) -> set[Id]:
        """Return the ids that are of a person at a moment."""
        return {person_id} | {
            merge.person_id
            for merge in self.merges
            if merge.into_id == person_id and merge.holds(moment)
        }

    def own_shifts(self, person_id: Id) -> list[Shift]:
        """Return the shifts that a person is entitled to, by start, then shift_id."""
        return [shift for shift in self.shifts_in_order if person_id in shift.entitled]

    @cached_property
    def shifts_in_order(self) -> list[Shift]:
        return sorted(self.shifts, key=lambda shift: (shift.starts_at, shift.shift_id))

    def reach(self, shift: Shift) -> tuple[datetime, datetime]:
        before = self.keys(shift.site_id).minutes("early_window_minutes")
        return shift.starts_at - before, shift.ends_at

    def is_within_reach(self, shift: Shift, moment: datetime) -> bool:
        since, until = self.reach(shift)
        return since <= moment <= until

    def roves(self, person_id: Id, site_id: Id, moment: datetime) -> bool:
        return any(
            row.roving
            for row in self.assignments
            if row.person_id in self.records(person_id, moment)
            and row.site_id == site_id
            and row.is_valid(moment)
        )

    def is_on_leave(self, person_id: Id, site_id: Id, moment: datetime) -> bool:
        """Whether the person is absent at a moment, whose day is that at the site."""
        return any(
            row.person_id in self.records(person_id, moment) and self._holds(row, site_id, moment)
            for row in self.absences
        )

    def is_covered(self, shift: Shift, person_id: Id) -> bool:
        """Whether an absence of the person or of the shift's site covers the shift."""
        return self.is_on_leave(person_id, shift.site_id, shift.starts_at) or any(
            row.site_id == shift.site_id and self._holds(row, shift.site_id, shift.starts_at)
            for row in self.absences
        )

    def _holds(self, row: Absence, site_id: Id, moment: datetime) -> bool:
        site = self.site(site_id)
        zone = ZoneInfo(site.timezone if site else "UTC")
        begins = _begin_of(row.since, zone)
        if isinstance(row.until, datetime):
            return begins <= moment <= row.until
        return begins <= moment < _begin_of(row.until + timedelta(days=1), zone)

    @cached_property
    def turns(self) -> dict[Id, list[Punch]]:
        """Each person's punches as they follow each other."""
        people = sorted({punch.person_id for punch in self.punches})
        return {
            person_id: self._in_turn([p for p in self.punches if p.person_id == person_id])
            for person_id in people
        }

    def previous(self, punch: Punch) -> Punch | None:
        turn = self.turns[punch.person_id]
        index = turn.index(punch)
        return turn[index - 1] if index else None

    def _in_turn(self, punches: list[Punch]) -> list[Punch]:
        """Order one person's punches: by time, then by what was likelier at one instant."""
        turn: list[Punch] = []
        by_time = sorted(punches, key=lambda punch: (punch.occurred_at, punch.punch_id))
        for moment, group in groupby(by_time, key=lambda punch: punch.occurred_at):
            together = list(group)
            check_ins = [punch for punch in together if punch.is_check_in]
            check_outs = [punch for punch in together if not punch.is_check_in]
            last = turn[-1] if turn else None
            if (
                last
                and last.is_check_in
                and moment - last.occurred_at <= self.keys(last.site_id).hours("max_work_hours")
            ):
                turn += [*check_outs, *check_ins]
            else:
                closed = {check_out.site_id for check_out in check_outs}
                turn += [check_in for check_in in check_ins if check_in.site_id in closed]
                turn += check_outs
                turn += [check_in for check_in in check_ins if check_in.site_id not in closed]
        return self._with_hasty_check_ins_after(turn)

    def _with_hasty_check_ins_after(self, turn: list[Punch]) -> list[Punch]:
        """Put check-ins elsewhere that another clock has too early behind the check-out that ends
        the spell.
        """
        index = 0
        while index < len(turn):
            check_out = turn[index]
            slack = self.keys(check_out.site_id).seconds("clock_slack_seconds")
            first = index
            while (
                not check_out.is_check_in
                and first
                and self._is_hasty(turn[first - 1], check_out, slack)
            ):
                first -= 1
            if first < index and self._would_end_a_spell(turn[:first], check_out):
                turn[first : index + 1] = [check_out, *turn[first:index]]
            index += 1
        return turn

    def _would_end_a_spell(self, before: list[Punch], check_out: Punch) -> bool:
        """Whether a spell at its site ends with a check-out that comes after these punches."""
        if not before or before[-1].site_id != check_out.site_id:
            return False
        if before[-1].is_check_in:
            longest = self.keys(before[-1].site_id).hours("max_spell_hours")
            return check_out.occurred_at - before[-1].occurred_at <= longest
        handover = self.keys(check_out.site_id).minutes("handover_minutes")
        return check_out.occurred_at - before[
            -1
        ].occurred_at <= handover and self._would_end_a_spell(before[:-1], before[-1])

    def _is_hasty(self, punch: Punch, check_out: Punch, slack: timedelta) -> bool:
        return (
            punch.is_check_in
            and punch.site_id != check_out.site_id
            and check_out.occurred_at - punch.occurred_at <= slack
            and not is_same_device(punch, check_out)
        )


def _begin_of(moment: date, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), zone)


def is_same_device(punch: Punch, other: Punch) -> bool:
    return punch.device_id is not None and punch.device_id == other.device_id


def whose_body(punch: Punch) -> Id | None:
    if punch.biometric_method not in BODIES:
        return None
    return punch.person_id if punch.biometric_person_id is None else punch.biometric_person_id


class Place(NamedTuple):
    latitude: float
    longitude: float
    uncertain_m: float | None  # 0 of a site's own place; None where a fix does not say


def metres(one: Place, other: Place) -> float:
    way = Geodesic.WGS84.Inverse(one.latitude, one.longitude, other.latitude, other.longitude)
    return float(way["s12"])


def is_impossible(punch: Punch) -> bool:
    if punch.latitude is None or punch.longitude is None:
        return False
    is_out = abs(punch.latitude) > 90 or abs(punch.longitude) > 180
    return is_out or (abs(punch.latitude) <= 0.001 and abs(punch.longitude) <= 0.001)


def fix_of(punch: Punch) -> Place | None:
    if punch.latitude is None or punch.longitude is None or is_impossible(punch):
        return None
    return Place(punch.latitude, punch.longitude, punch.accuracy_m)


def is_fine(punch: Punch, keys: Keys) -> bool:
    """Whether a punch has a fix whose accuracy is at most `coarse_fix_cap_m`."""
    accuracy = keys["gps_accuracy_cap_m"] if punch.accuracy_m is None else punch.accuracy_m
    return fix_of(punch) is not None and accuracy <= keys["coarse_fix_cap_m"]


def slack_m(place: Place, keys: Keys) -> float:
    cap: float = keys["gps_accuracy_cap_m"]
    return cap if place.uncertain_m is None else min(place.uncertain_m, cap)


def is_too_fast(
    one: Place, other: Place, took: timedelta, keys: Keys, least_km: str, fastest_kmh: str
) -> bool:
    """Whether the way exceeds the least one, less the slack, and is covered too fast."""
    way = metres(one, other) - slack_m(one, keys) - slack_m(other, keys)
    if way <= keys[least_km] * 1000:
        return False
    hours = took.total_seconds() / 3600
    return hours <= 0 or way / 1000 / hours > keys[fastest_kmh]

"""Punches by others that the judged ones are compared with: uses of the same device and the same
biometrics, earlier scores, a site's first punch.

Each function sends its statement, and returns one that waits for the answer.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from models import bulk
from models.ids import Id
from worker.load.device_people import PeopleCount, ask_islands
from worker.load.devices import DevicePasts, undeclared, unshared
from worker.load.ranges import document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import PUNCH, as_punches
from worker.load.tenant import BASELINE_DAYS, KIOSK_DAYS
from worker.rules.biometrics import whose
from worker.rules.window import Baseline, Punch, Shift, in_order

# Without those of the one person on whose account the device is looked at, if there is just one.
_DEVICE_USES = f"""
SELECT {PUNCH} FROM json_to_recordset(%(ranges)s::json)
  AS r(device_id text, since timestamptz, until timestamptz, person_id bigint)
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
  AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
  AND p.person_id IS DISTINCT FROM r.person_id
"""
# Only where they were taken as somebody else's: the person's own uses are among their punches.
_BODIES = f"""
SELECT {PUNCH} FROM {unnest("ranges", "person_id", "bigint")}
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.biometric_person_id = r.person_id
  AND p.biometric_person_id <> p.person_id
  AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
  AND p.biometric_method IN ('face', 'fingerprint', 'iris')
"""
# Numeric sums do not depend on the order of rows: the same punches always give the same numbers.
_BASELINES = """
SELECT r.punch_id, count(*), avg(p.biometric_score::numeric),
    coalesce(stddev_samp(p.biometric_score::numeric), 0)
FROM json_to_recordset(%(punches)s::json)
  AS r(punch_id text, person_id bigint, method text, at timestamptz, is_check_in boolean,
    is_tap boolean)
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id
  AND p.occurred_at BETWEEN r.at - %(days)s AND r.at
  AND (p.occurred_at, p.is_check_in, p.is_tap, p.punch_id COLLATE "C")
    < (r.at, r.is_check_in, r.is_tap, r.punch_id COLLATE "C")
  AND p.biometric_method = r.method AND p.biometric_score IS NOT NULL AND p.voided_at IS NULL
GROUP BY r.punch_id
"""
# Of people with many such punches all scores, in the order in which each person made them: in
# whole numbers, whose sums are exact.
_SCORES = """
SELECT r.person_id, p.biometric_method, p.occurred_at, p.is_check_in, p.is_tap, p.punch_id,
    (p.biometric_score::numeric * 1e15)::bigint
FROM json_to_recordset(%(people)s::json)
  AS r(person_id bigint, since timestamptz, until timestamptz)
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id
  AND p.occurred_at BETWEEN r.since AND r.until
  AND p.biometric_method IN ('face', 'fingerprint', 'iris')
  AND p.biometric_score IS NOT NULL AND p.voided_at IS NULL
"""
_FIRST = """
SELECT r.site_id, (
    SELECT min(p.occurred_at) FROM punch p
    WHERE p.tenant_id = %s AND p.site_id = r.site_id AND p.voided_at IS NULL
)
FROM unnest(%s::bigint[]) AS r(site_id)
"""


_ONE = 10**15  # a score of 1 in `_SCORES`
_FEW = 8  # punches of one person whose baselines are summed up one by one


class Neighbours(NamedTuple):
    """The functions are sent for: each waits for its answer."""

    device_uses: dict[str, list[Punch]]
    device_people: Callable[[], dict[str, int]]
    biometric_uses: dict[Id, list[Punch]]
    baselines: Callable[[], dict[str, Baseline]]
    first_punch_at: Callable[[], dict[Id, datetime]]


def ask_neighbours(
    reading: Reading,
    judged: Sequence[Punch],
    waiting: Sequence[Shift],
    devices: DevicePasts,
) -> Neighbours:
    """Send for all neighbours, and wait only for those that say what else to ask.

    `waiting` are the shifts that are subjects, `devices` those that ever were declared.
    """
    # All are sent before the first is waited for.
    asked_device_uses = _device_uses(reading, judged, devices)
    asked_biometric_uses = _biometric_uses(reading, judged)
    asked_baselines = _baselines(reading, judged)
    asked_first_punches = _first_punches(reading, waiting)
    device_uses, biometric_uses = asked_device_uses(), asked_biometric_uses()
    asked_device_people = _device_people(reading, judged, device_uses, devices)
    return Neighbours(
        device_uses, asked_device_people, biometric_uses, asked_baselines, asked_first_punches
    )


def _device_uses(
    reading: Reading, judged: Sequence[Punch], declared: DevicePasts
) -> Callable[[], dict[str, list[Punch]]]:
    """Ask for uses of the judged punches' devices within the longest buddy window, by device_id, in
    order of time. Devices declared as shared are left out, and uses that are of nobody else.
    """
    buddy = reading.reach.buddy
    uses = unshared(judged, declared)
    ranges = list(merge((p.device_id, p.occurred_at - buddy, p.occurred_at + buddy) for p in uses))
    if not ranges:
        return dict
    people = _people(uses)
    asked_ranges = [
        {"device_id": device_id, "since": since, "until": until, "person_id": alone}
        for device_id, since, until in ranges
        for alone in [None if len(people[device_id]) > 1 else min(people[device_id])]
    ]
    parameters = {"tenant_id": reading.tenant_id, "ranges": bulk.document(asked_ranges)}
    asked = reading.cursor.execute(_DEVICE_USES, parameters)

    def answer() -> dict[str, list[Punch]]:
        by_device: dict[str, list[Punch]] = {}
        for punch in sorted(as_punches(asked.fetchall()), key=in_order):
            by_device.setdefault(punch.device_id or "", []).append(punch)
        return by_device

    return answer


def _people(uses: Iterable[Punch]) -> dict[str | None, set[Id]]:
    people: dict[str | None, set[Id]] = {}  # by device_id
    for punch in uses:
        people.setdefault(punch.device_id, set()).add(punch.person_id)
    return people


def _device_people(
    reading: Reading,
    judged: Sequence[Punch],
    uses: Mapping[str, Sequence[Punch]],
    devices: DevicePasts,
) -> Callable[[], dict[str, int]]:
    """Ask how many people used the undeclared device of a punch in the days around it, by punch_id:
    only where `uses` are of several people.
    """
    people = _people(use for device_uses in uses.values() for use in device_uses)
    shared = [
        (punch.device_id, punch)
        for punch in undeclared(judged, devices)
        if punch.device_id
        and (users := people.get(punch.device_id))
        and (len(users) > 1 or punch.person_id not in users)
    ]
    around = ((key, p.occurred_at - KIOSK_DAYS, p.occurred_at + KIOSK_DAYS) for key, p in shared)
    asked = ask_islands(reading, list(merge(around)))

    def answer() -> dict[str, int]:
        counts = {
            device_id: PeopleCount(islands, KIOSK_DAYS, KIOSK_DAYS)
            for device_id, islands in asked().items()
        }
        return {p.punch_id: counts[device_id].at(p.occurred_at) for device_id, p in shared}

    return answer


def _biometric_uses(
    reading: Reading, judged: Sequence[Punch]
) -> Callable[[], dict[Id, list[Punch]]]:
    """Ask where the biometrics of the judged punches' people were taken within the longest buddy
    window: by the person whose they are, in order of time.
    """
    buddy = reading.reach.buddy
    around = (
        (person_id, punch.occurred_at - buddy, punch.occurred_at + buddy)
        for punch in judged
        if (person_id := whose(punch)) is not None
    )
    ranges = list(merge(around))
    if not ranges:
        return dict
    parameters = {"tenant_id": reading.tenant_id, "ranges": document(ranges)}
    asked = reading.cursor.execute(_BODIES, parameters)

    def answer() -> dict[Id, list[Punch]]:
        by_person: dict[Id, list[Punch]] = {}
        for punch in reading.timelines.within(ranges):
            if whose(punch) == punch.person_id:
                by_person.setdefault(punch.person_id, []).append(punch)
        for punch in as_punches(asked.fetchall()):
            by_person.setdefault(punch.biometric_person_id or 0, []).append(punch)
        for uses in by_person.values():
            uses.sort(key=in_order)
        return by_person

    return answer


def _baselines(reading: Reading, judged: Sequence[Punch]) -> Callable[[], dict[str, Baseline]]:
    """Ask for the baselines, by punch_id, of the punches whose score could be below any at all."""
    below = reading.tenant.score_below
    low = [
        p
        for p in judged
        if whose(p) is not None and p.biometric_score is not None and p.biometric_score < below
    ]
    if not low:
        return dict
    of_person = Counter(p.person_id for p in low)
    asked = [
        _baselines_of_few(reading, [p for p in low if of_person[p.person_id] <= _FEW]),
        _baselines_of_many(reading, [p for p in low if of_person[p.person_id] > _FEW]),
    ]
    return lambda: {punch_id: base for answer in asked for punch_id, base in answer().items()}


def _baselines_of_few(reading: Reading, low: Sequence[Punch]) -> Callable[[], dict[str, Baseline]]:
    """Ask for the baselines of punches that are few of each person: each sums up for itself."""
    if not low:
        return dict
    scored = [
        {
            "punch_id": p.punch_id,
            "person_id": p.person_id,
            "method": p.biometric_method,
            "at": p.occurred_at,
            "is_check_in": p.is_check_in,
            "is_tap": p.is_tap,
        }
        for p in low
    ]
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": BASELINE_DAYS,
        "punches": bulk.document(scored),
    }
    asked = reading.cursor.execute(_BASELINES, parameters)
    return lambda: {
        punch_id: Baseline(count, round(float(mean), 9), round(float(deviation), 9))
        for punch_id, count, mean, deviation in asked.fetchall()
    }


def _baselines_of_many(reading: Reading, low: Sequence[Punch]) -> Callable[[], dict[str, Baseline]]:
    """Ask for the baselines of punches that are many of a person, whose scores are read once."""
    if not low:
        return dict
    ranges = merge((p.person_id, p.occurred_at - BASELINE_DAYS, p.occurred_at) for p in low)
    people = [{"person_id": key, "since": since, "until": until} for key, since, until in ranges]
    parameters = {"tenant_id": reading.tenant_id, "people": bulk.document(people)}
    asked = reading.cursor.execute(_SCORES, parameters)

    def answer() -> dict[str, Baseline]:
        series: dict[tuple[Id, str | None], _Scores] = {}
        for person_id, method, *place, score in sorted(asked.fetchall()):
            series.setdefault((person_id, method), _Scores()).add(tuple(place), score)
        found = ((p.punch_id, series[p.person_id, p.biometric_method].before(p)) for p in low)
        return {punch_id: baseline for punch_id, baseline in found if baseline}

    return answer


class _Scores:
    """A person's scores by one method, in order, with the sums over all before each."""

    def __init__(self) -> None:
        self._places: list[tuple[Any, ...]] = []  # as `in_order` has them
        self._totals, self._squares = [0], [0]

    def add(self, place: tuple[Any, ...], score: int) -> None:
        self._places.append(place)
        self._totals.append(self._totals[-1] + score)
        self._squares.append(self._squares[-1] + score * score)

    def before(self, punch: Punch) -> Baseline | None:
        """Return the baseline of the days before a punch, or None where they have no score."""
        first = bisect_left(self._places, (punch.occurred_at - BASELINE_DAYS,))
        last = bisect_left(self._places, in_order(punch))
        if first == last:
            return None
        count = last - first
        total = self._totals[last] - self._totals[first]
        squares = self._squares[last] - self._squares[first]
        deviation = (
            math.sqrt(Fraction(count * squares - total**2, count * (count - 1)))
            if count > 1
            else 0.0
        )
        return Baseline(count, round(total / count / _ONE, 9), round(deviation / _ONE, 9))


def _first_punches(reading: Reading, waiting: Sequence[Shift]) -> Callable[[], dict[Id, datetime]]:
    """Ask when each site of the waiting shifts began to report, by site_id."""
    if not waiting:
        return dict
    asked = reading.cursor.execute(
        _FIRST, [reading.tenant_id, sorted({shift.site_id for shift in waiting})]
    )
    return lambda: {site_id: at for site_id, at in asked.fetchall() if at is not None}

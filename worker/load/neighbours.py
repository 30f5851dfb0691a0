"""Punches by others that the judged ones are compared with: uses of the same device and the same
biometrics, earlier scores, a site's first punch.

Each function sends its statement, and returns one that waits for the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from worker.load.devices import unshared
from worker.load.ranges import document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import PUNCH, as_punches
from worker.load.tenant import BASELINE_DAYS, KIOSK_DAYS
from worker.rules.biometrics import whose
from worker.rules.window import Baseline, Device, Punch, Shift, in_order

_DEVICE_USES = f"""
SELECT DISTINCT {PUNCH} FROM {unnest("ranges", "device_id", "text")}
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
  AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
"""
_DEVICE_PEOPLE = """
SELECT r.punch_id, (
    SELECT count(DISTINCT p.person_id) FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
      AND p.occurred_at BETWEEN r.at - %(days)s AND r.at + %(days)s AND p.voided_at IS NULL
)
FROM unnest(%(punch_id)s::text[], %(device_id)s::text[], %(at)s::timestamptz[])
  AS r(punch_id, device_id, at)
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
  AS r(punch_id text, person_id bigint, method text, at timestamptz, is_check_in boolean)
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id
  AND p.occurred_at BETWEEN r.at - %(days)s AND r.at
  AND (p.occurred_at, p.is_check_in, p.punch_id COLLATE "C")
    < (r.at, r.is_check_in, r.punch_id COLLATE "C")
  AND p.biometric_method = r.method AND p.biometric_score IS NOT NULL AND p.voided_at IS NULL
GROUP BY r.punch_id
"""
_FIRST = """
SELECT r.site_id, (
    SELECT min(p.occurred_at) FROM punch p
    WHERE p.tenant_id = %s AND p.site_id = r.site_id AND p.voided_at IS NULL
)
FROM unnest(%s::bigint[]) AS r(site_id)
"""


class Neighbours(NamedTuple):
    """The functions are sent for: each waits for its answer."""

    device_uses: dict[str, list[Punch]]
    device_people: Callable[[], dict[str, int]]
    biometric_uses: dict[int, list[Punch]]
    baselines: Callable[[], dict[str, Baseline]]
    first_punch_at: Callable[[], dict[int, datetime]]


def ask_neighbours(
    reading: Reading,
    judged: Sequence[Punch],
    waiting: Sequence[Shift],
    devices: dict[str, Device],
) -> Neighbours:
    """Send for all neighbours, and wait only for those that say what else to ask.

    `waiting` are the shifts that are subjects, `devices` those declared, by device_id.
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
    reading: Reading, judged: Sequence[Punch], declared: dict[str, Device]
) -> Callable[[], dict[str, list[Punch]]]:
    """Ask for uses of the judged punches' devices within the longest buddy window, by device_id, in
    order of time. Devices declared as shared are left out.
    """
    buddy = reading.reach.buddy
    around = (
        (punch.device_id, punch.occurred_at - buddy, punch.occurred_at + buddy)
        for punch in unshared(judged, declared)
    )
    ranges = list(merge(around))
    if not ranges:
        return dict
    parameters = {"tenant_id": reading.tenant_id, "ranges": document(ranges)}
    asked = reading.cursor.execute(_DEVICE_USES, parameters)

    def answer() -> dict[str, list[Punch]]:
        by_device: dict[str, list[Punch]] = {}
        for punch in sorted(as_punches(asked.fetchall()), key=in_order):
            by_device.setdefault(punch.device_id or "", []).append(punch)
        return by_device

    return answer


def _device_people(
    reading: Reading,
    judged: Sequence[Punch],
    uses: Mapping[str, Sequence[Punch]],
    devices: Mapping[str, Device],
) -> Callable[[], dict[str, int]]:
    """Ask how many people used the undeclared device of a punch in the days around it, by punch_id:
    only where `uses` are of several people.
    """
    shared = [
        punch
        for punch in judged
        if punch.device_id
        and punch.device_id not in devices
        and any(use.person_id != punch.person_id for use in uses.get(punch.device_id, ()))
    ]
    if not shared:
        return dict
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": KIOSK_DAYS,
        "punch_id": [punch.punch_id for punch in shared],
        "device_id": [punch.device_id for punch in shared],
        "at": [punch.occurred_at for punch in shared],
    }
    counted = reading.cursor.execute(_DEVICE_PEOPLE, parameters)
    return lambda: dict(counted.fetchall())


def _biometric_uses(
    reading: Reading, judged: Sequence[Punch]
) -> Callable[[], dict[int, list[Punch]]]:
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

    def answer() -> dict[int, list[Punch]]:
        by_person: dict[int, list[Punch]] = {}
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
    scored = [
        {
            "punch_id": p.punch_id,
            "person_id": p.person_id,
            "method": p.biometric_method,
            "at": p.occurred_at,
            "is_check_in": p.is_check_in,
        }
        for p in low
    ]
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": BASELINE_DAYS,
        "punches": orjson.dumps(scored).decode(),
    }
    asked = reading.cursor.execute(_BASELINES, parameters)
    return lambda: {
        punch_id: Baseline(count, round(float(mean), 9), round(float(deviation), 9))
        for punch_id, count, mean, deviation in asked.fetchall()
    }


def _first_punches(reading: Reading, waiting: Sequence[Shift]) -> Callable[[], dict[int, datetime]]:
    """Ask when each site of the waiting shifts began to report, by site_id."""
    if not waiting:
        return dict
    asked = reading.cursor.execute(
        _FIRST, [reading.tenant_id, sorted({shift.site_id for shift in waiting})]
    )
    return lambda: {site_id: at for site_id, at in asked.fetchall() if at is not None}

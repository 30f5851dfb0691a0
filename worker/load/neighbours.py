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
from worker.load.rows import PUNCH, punches
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
    """Uses of the judged punches' devices within the longest buddy window, in order of time; none
    of those declared as shared.
    """
    buddy = reading.reach.buddy
    ranges = list(
        merge(
            (p.device_id, p.occurred_at - buddy, p.occurred_at + buddy)
            for p in unshared(judged, declared)
        )
    )
    if not ranges:
        return dict
    asked = reading.cursor.execute(
        _DEVICE_USES, {"tenant_id": reading.tenant_id, "ranges": document(ranges)}
    )

    def answer() -> dict[str, list[Punch]]:
        found: dict[str, list[Punch]] = {}
        for punch in sorted(punches(asked.fetchall()), key=in_order):
            found.setdefault(punch.device_id or "", []).append(punch)
        return found

    return answer


def _device_people(
    reading: Reading,
    judged: Sequence[Punch],
    uses: Mapping[str, Sequence[Punch]],
    devices: Mapping[str, Device],
) -> Callable[[], dict[str, int]]:
    """How many people used an undeclared device around a punch: only where several used it."""
    asked = [
        p
        for p in judged
        if p.device_id
        and p.device_id not in devices
        and any(use.person_id != p.person_id for use in uses.get(p.device_id, ()))
    ]
    if not asked:
        return dict
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": KIOSK_DAYS,
        "punch_id": [p.punch_id for p in asked],
        "device_id": [p.device_id for p in asked],
        "at": [p.occurred_at for p in asked],
    }
    counted = reading.cursor.execute(_DEVICE_PEOPLE, parameters)
    return lambda: dict(counted.fetchall())


def _biometric_uses(
    reading: Reading, judged: Sequence[Punch]
) -> Callable[[], dict[int, list[Punch]]]:
    """Where the biometrics of the judged punches' people were taken within the longest buddy
    window, in order of time.
    """
    people = ((whose(p), p.occurred_at) for p in judged)
    buddy = reading.reach.buddy
    ranges = list(
        merge(
            (person_id, at - buddy, at + buddy) for person_id, at in people if person_id is not None
        )
    )
    if not ranges:
        return dict
    asked = reading.cursor.execute(
        _BODIES, {"tenant_id": reading.tenant_id, "ranges": document(ranges)}
    )

    def answer() -> dict[int, list[Punch]]:
        found: dict[int, list[Punch]] = {}
        for punch in reading.timelines.within(ranges):
            if whose(punch) == punch.person_id:
                found.setdefault(punch.person_id, []).append(punch)
        for punch in punches(asked.fetchall()):
            found.setdefault(punch.biometric_person_id or 0, []).append(punch)
        for uses in found.values():
            uses.sort(key=in_order)
        return found

    return answer


def _baselines(reading: Reading, judged: Sequence[Punch]) -> Callable[[], dict[str, Baseline]]:
    """Of the punches whose score could be below any baseline at all."""
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
    """When each site of the waiting shifts began to report."""
    if not waiting:
        return dict
    asked = reading.cursor.execute(
        _FIRST, [reading.tenant_id, sorted({shift.site_id for shift in waiting})]
    )
    return lambda: {site_id: at for site_id, at in asked.fetchall() if at is not None}

"""Find punches whose outcome may change by somebody else's: of those who stand in for somebody, on
the same device, by the same biometrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Cursor

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.devices import undeclared, unshared
from worker.load.kiosks import kiosk_ranges
from worker.load.ranges import Range, document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import STANDING
from worker.load.tenant import BASELINE_DAYS, DAY, KIOSK_DAYS, Reach
from worker.load.touched import Touched, TouchedPunch
from worker.rules.taps import LONGEST_RUN
from worker.rules.window import Punch, Shift

_NOW = timedelta(0)
AnyRange = tuple[Any, datetime, datetime]  # key, since, until

# Check-ins at a site by people who have no shift of their own there within reach. `+ 0` keeps the
# planner to the person's shifts: it takes those of the site, a week of everybody's for each punch
# there, for as few.
STRANGERS = f"""
    (SELECT NOT EXISTS (
        SELECT FROM shift s
        WHERE s.tenant_id = p.tenant_id AND s.site_id + 0 = p.site_id
          AND (s.person_id, s.starts_at) >= (p.person_id, p.occurred_at - %(longest)s)
          AND (s.person_id, s.starts_at) <= (p.person_id, p.occurred_at + %(least_early)s)
          AND s.ends_at >= p.occurred_at AND {STANDING} AND NOT s.person_left
    )) AND (SELECT NOT EXISTS (
        SELECT FROM substitute u
        JOIN shift s ON s.tenant_id = u.tenant_id AND s.shift_id = u.shift_id
          AND s.starts_at = u.starts_at AND u.person_id = ANY(s.substitutes)
        WHERE u.tenant_id = p.tenant_id AND u.person_id = p.person_id AND s.site_id = p.site_id
          AND u.starts_at BETWEEN p.occurred_at - %(longest)s AND p.occurred_at + %(least_early)s
          AND s.ends_at >= p.occurred_at AND {STANDING}
    ))
"""


def _punches(name: str, column: str, kind: str, condition: str = "true") -> str:
    """Return SQL for the ids of punches within ranges, by one look into the column's index each."""
    return f"""
SELECT p.punch_id FROM {unnest(name, column, kind)}
CROSS JOIN LATERAL (
    SELECT p.punch_id FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.{column} = r.{column}
      AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
      AND {condition}
    OFFSET 0
) p
"""


# Only the searches that have ranges are sent, as one statement. What changed at a punch also
# matters to the way from it to the person's next one, whenever that comes.
_SEARCHES = {
    "changed": f"""
SELECT p.punch_id FROM {unnest("changed", "person_id", "bigint")}
CROSS JOIN LATERAL (
    SELECT p.punch_id FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id AND p.voided_at IS NULL
      AND p.occurred_at >= r.since
      AND p.occurred_at <= coalesce((
        SELECT n.occurred_at FROM punch n
        WHERE n.tenant_id = %(tenant_id)s AND n.person_id = r.person_id AND n.voided_at IS NULL
          AND n.occurred_at > r.until ORDER BY n.occurred_at LIMIT 1
      ), r.until)
    OFFSET 0
) p
""",
    "people": _punches("people", "person_id", "bigint"),
    "taps": _punches("taps", "person_id", "bigint", "p.is_tap"),
    "sites": _punches("sites", "site_id", "bigint", f"p.is_check_in AND {STRANGERS}"),
    "devices": _punches("devices", "device_id", "text"),
    "users": f"""
SELECT q.punch_id FROM {unnest("users", "device_id", "text")}
CROSS JOIN LATERAL (
    SELECT p.person_id, p.occurred_at FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
      AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL AND p.is_check_in
    OFFSET 0
) p
CROSS JOIN LATERAL (
    SELECT q.punch_id FROM punch q
    WHERE q.tenant_id = %(tenant_id)s AND q.person_id = p.person_id
      AND q.occurred_at BETWEEN p.occurred_at AND p.occurred_at + %(worked)s
      AND q.voided_at IS NULL AND q.is_check_in
    OFFSET 0
) q
""",
    "bodies": _punches(
        "bodies", "biometric_person_id", "bigint", "p.biometric_person_id <> p.person_id"
    ),
    "matched": _punches(
        "matched",
        "person_id",
        "bigint",
        "coalesce(p.biometric_person_id, r.person_id) = r.person_id",
    ),
    "scores": _punches(
        "scores",
        "person_id",
        "bigint",
        "p.biometric_score < %(score_below)s"
        " AND p.biometric_method IN ('face', 'fingerprint', 'iris')",
    ),
    "swept": f"""
SELECT p.punch_id FROM {unnest("swept", "wait", "bigint")}
CROSS JOIN site i
CROSS JOIN LATERAL (
    SELECT p.punch_id FROM punch p
    WHERE p.tenant_id = i.tenant_id AND p.site_id = i.site_id
      AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
      AND p.is_check_in
    OFFSET 0
) p
WHERE i.tenant_id = %(tenant_id)s
""",
}


def other_punches(
    reading: Reading,
    touched: Touched,
    timelines: Mapping[Id, Sequence[Punch]],
    shifts: Sequence[Shift],
    own_shifts: Sequence[Shift],
    taps: Sequence[AnyRange],
) -> set[str]:
    """Return the ids of punches whose outcome may have changed by somebody else's.

    `timelines` are, by person_id, the punches around the touched ones. `shifts` are those affected.
    Of these, `own_shifts` are looked at by the punches of the people entitled to them already.
    `taps` are, by person_id, those whose place may be another now.
    """
    declared = reading.devices.read(punch.device_id for punch in touched.punches)
    unshared_uses = unshared(touched.punches, declared, reading.reach.buddy)
    ranges = _ranges(reading, touched, unshared_uses, timelines, shifts, own_shifts)
    buddy = reading.reach.buddy
    ranges["bodies"] += [(key, since - buddy, until + buddy) for key, since, until in taps]
    ranges["devices"] += kiosk_ranges(
        reading, touched, undeclared(touched.punches, declared, KIOSK_DAYS)
    )
    merged = {name: list(merge(touched.recent(some))) for name, some in ranges.items()}
    searched = {name: some for name, some in merged.items() if some}
    if not searched:
        return set()
    return {punch_id for (punch_id,) in _search(reading, searched).fetchall()}


def _search(reading: Reading, ranges: Mapping[str, Sequence[Range[Any]]]) -> Cursor:
    parameters = {
        "tenant_id": reading.tenant_id,
        "longest": LONGEST_SHIFT,
        "least_early": reading.reach.least_early,
        "worked": reading.reach.spell + DAY,
        "score_below": reading.tenant.score_below,
        **{name: document(some) for name, some in ranges.items()},
    }
    return reading.cursor.execute("UNION".join(_SEARCHES[name] for name in ranges), parameters)


def _ranges(
    reading: Reading,
    touched: Touched,
    unshared_uses: Sequence[TouchedPunch],
    timelines: Mapping[Id, Sequence[Punch]],
    shifts: Sequence[Shift],
    own_shifts: Sequence[Shift],
) -> dict[str, list[AnyRange]]:
    """Return what to search, by the names of `_SEARCHES`."""
    reach = reading.reach
    buddy = reach.buddy
    uses: list[AnyRange] = [
        (p.device_id, p.occurred_at - buddy, p.occurred_at + buddy) for p in unshared_uses
    ]
    uses += touched.around(touched.devices, reach.before, reach.before)
    return {
        "changed": list(touched.around(touched.people, reach.before, reach.after)),
        "people": _entitled(touched, shifts, own_shifts, reach),
        "taps": _tapping(touched, shifts),
        "sites": [(shift.site_id, *_at_shift(shift, touched, reach)) for shift in shifts],
        "devices": uses,
        # Who used one that is not shared checks out, and whether a pair of punches is work or was
        # forgotten matters to the day after it.
        "users": list(touched.around(touched.devices, _NOW, _NOW)),
        "bodies": [
            (person_id, p.occurred_at - buddy, p.occurred_at + buddy)
            for p in touched.punches
            for person_id in {p.biometric_person_id} - {None}
        ],
        "matched": [
            (p.biometric_person_id, p.occurred_at - buddy, p.occurred_at + buddy)
            for p in touched.punches
            if p.biometric_person_id not in (None, p.person_id)
        ],
        "scores": [
            (p.person_id, p.occurred_at, p.occurred_at + BASELINE_DAYS)
            for p in touched.punches
            if _goes_on(p, timelines)
        ],
        "swept": [
            (0, touched.swept[0] - wait, touched.swept[1] - wait)
            for wait in reading.tenant.still_working
        ]
        if touched.swept
        else [],
    }


def _entitled(
    touched: Touched, shifts: Iterable[Shift], own_shifts: Iterable[Shift], reach: Reach
) -> list[tuple[Id, datetime, datetime]]:
    """When punches of the people entitled to the shifts may rest on them.

    Left out are shifts that only one person may attend, who punched: those punches are subjects.
    """
    alone = {shift.shift_id for shift in own_shifts if not shift.substitutes} - touched.shifts
    return [
        (person_id, *_for_shift(shift, touched, reach))
        for shift in shifts
        if touched.swept or shift.shift_id not in alone
        for person_id in shift.entitled
    ]


def _tapping(touched: Touched, shifts: Iterable[Shift]) -> list[AnyRange]:
    """When taps are read by what changed: a person's policy or their shifts, as far as stays of
    taps reach.
    """
    around = 2 * LONGEST_RUN
    return [
        *touched.around(touched.people, around, around),
        *(
            (person_id, shift.starts_at - around, shift.ends_at + around)
            for shift in shifts
            if shift.shift_id in touched.shifts
            for person_id in shift.entitled
        ),
    ]


def _goes_on(punch: TouchedPunch, timelines: Mapping[Id, Sequence[Punch]]) -> bool:
    """Whether the person has another punch at the same moment or later, whose score may be compared
    with this one's.
    """
    latest = timelines[punch.person_id][-1] if punch.person_id in timelines else None
    return (
        latest is not None
        and latest.occurred_at >= punch.occurred_at
        and latest.punch_id != punch.punch_id
    )


def _for_shift(shift: Shift, touched: Touched, reach: Reach) -> tuple[datetime, datetime]:
    """When punches of the people entitled to a shift may belong to it, or are judged by who else
    attends it.

    Where the shift changed itself, also those that it makes early or excuses, and those that come
    after one of them in somebody's place.
    """
    if shift.shift_id in touched.shifts:
        before = max(reach.spell + reach.early, DAY)
        after = max(reach.spell, DAY + reach.work + LONGEST_SHIFT)
        return shift.starts_at - before, shift.ends_at + after
    return shift.starts_at - reach.spell - reach.early, shift.ends_at + reach.spell


def _at_shift(shift: Shift, touched: Touched, reach: Reach) -> tuple[datetime, datetime]:
    """When others may have come in place of those entitled; and, where the shift changed itself,
    when it makes the site a rostered one.
    """
    if shift.shift_id in touched.shifts:
        return shift.starts_at - DAY, shift.ends_at + DAY
    return shift.starts_at - reach.early, shift.ends_at

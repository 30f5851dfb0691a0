"""Load one window of everything between two moments: what judging all at once would see. It is the
measure of judging bit by bit.

It shares no range and no reach with worker.load, so that a mistake there shows as a difference.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from statistics import mean, stdev
from typing import Any

from psycopg import Cursor

from models.schemas.roster import LONGEST_SHIFT
from worker.load.roster import assignment
from worker.load.rows import PUNCH, SHIFT, STANDING, as_punches, as_shifts
from worker.load.tenant import BASELINE_DAYS, KIOSK_DAYS, read_tenant
from worker.rules.biometrics import whose
from worker.rules.finding import Subject
from worker.rules.window import Baseline, Device, Punch, Site, Stretch, Window, in_order

_PUNCHES = f"""
SELECT {PUNCH} FROM punch p
WHERE p.tenant_id = %s AND p.occurred_at BETWEEN %s AND %s AND p.voided_at IS NULL
"""
_SHIFTS = f"""
SELECT {SHIFT} FROM shift s
WHERE s.tenant_id = %s AND s.starts_at BETWEEN %s AND %s AND {STANDING}
"""
_SITES = f"SELECT {', '.join(Site._fields)} FROM site WHERE tenant_id = %s"
_ASSIGNMENTS = """
SELECT person_id, site_id, valid_from, valid_from_date, valid_to, valid_to_date
FROM assignment WHERE tenant_id = %s AND NOT deleted
"""
_FIRST = """
SELECT site_id, min(occurred_at) FROM punch
WHERE tenant_id = %s AND voided_at IS NULL
GROUP BY site_id
"""
# A punch or shift beyond these matters to none between the two moments.
_BEFORE, _AFTER = BASELINE_DAYS + LONGEST_SHIFT, KIOSK_DAYS + LONGEST_SHIFT


def load_everything(
    cursor: Cursor,
    tenant_id: int,
    since: datetime,
    until: datetime,
    as_of: datetime,
    policies: Mapping[str, Any] | None = None,
) -> Window:
    """Return the window of all punches and shifts from `since` to `until`. `policies` are as in
    `read_tenant`.
    """
    tenant = read_tenant(cursor, tenant_id, policies)
    loaded = as_punches(
        cursor.execute(_PUNCHES, [tenant_id, since - _BEFORE, until + _AFTER]).fetchall()
    )
    loaded.sort(key=lambda punch: (punch.person_id, in_order(punch)))
    rostered = as_shifts(
        cursor.execute(_SHIFTS, [tenant_id, since - _BEFORE, until + _AFTER]).fetchall()
    )
    sites = {row[0]: Site(*row) for row in cursor.execute(_SITES, [tenant_id]).fetchall()}
    devices = cursor.execute(
        "SELECT device_id, shared, person_id FROM device WHERE tenant_id = %s AND NOT deleted",
        [tenant_id],
    ).fetchall()
    judged = [punch for punch in loaded if since <= punch.occurred_at <= until]
    uses = grouped((punch.device_id, punch) for punch in loaded)
    return Window(
        tenant_id=tenant_id,
        as_of=as_of,
        subjects=frozenset(
            (
                *(Subject(p.punch_id, "") for p in judged),
                *(Subject("", s.shift_id) for s in rostered if since <= s.starts_at <= until),
            )
        ),
        policy=tenant.policy,
        policy_version=tenant.policy_version,
        site_policies=tenant.site_policies,
        roster_complete=tenant.roster_complete,
        any_assignment=tenant.any_assignment,
        any_person=tenant.any_person,
        stretches=[
            Stretch(person_id, tuple(person_punches))
            for person_id, person_punches in groupby(loaded, key=lambda punch: punch.person_id)
        ],
        sites=sites,
        people=dict(
            cursor.execute(
                "SELECT person_id, name FROM person WHERE tenant_id = %s AND NOT deleted",
                [tenant_id],
            ).fetchall()
        ),
        shifts={shift.shift_id: shift for shift in rostered},
        assignments=[
            assignment(row, sites) for row in cursor.execute(_ASSIGNMENTS, [tenant_id]).fetchall()
        ],
        devices={row[0]: Device(*row) for row in devices},
        device_uses=uses,
        device_people={
            punch.punch_id: people_using(uses[punch.device_id], punch)
            for punch in judged
            if punch.device_id
        },
        biometric_uses=grouped((whose(punch), punch) for punch in loaded),
        baselines=baselines_of(loaded, judged),
        first_punch_at=dict(cursor.execute(_FIRST, [tenant_id]).fetchall()),
    )


def grouped(pairs: Iterable[tuple[Any, Punch]]) -> dict[Any, list[Punch]]:
    """Return the punches by key, in order; without those whose key is None."""
    by_key: dict[Any, list[Punch]] = {}
    for key, punch in pairs:
        if key is not None:
            by_key.setdefault(key, []).append(punch)
    for uses in by_key.values():
        uses.sort(key=in_order)
    return by_key


def people_using(uses: list[Punch], punch: Punch) -> int:
    first = bisect_left(uses, punch.occurred_at - KIOSK_DAYS, key=lambda use: use.occurred_at)
    last = bisect_right(uses, punch.occurred_at + KIOSK_DAYS, key=lambda use: use.occurred_at)
    return len({use.person_id for use in uses[first:last]})


def baselines_of(loaded: list[Punch], judged: list[Punch]) -> dict[str, Baseline]:
    scored = grouped(
        ((p.person_id, p.biometric_method), p)
        for p in loaded
        if whose(p) is not None and p.biometric_score is not None
    )
    baselines = {}
    for punch in judged:
        series = (
            scored.get((punch.person_id, punch.biometric_method), [])
            if punch.biometric_score is not None
            else []
        )
        since = punch.occurred_at - BASELINE_DAYS
        first = bisect_left(series, since, key=lambda other: other.occurred_at)
        earlier = series[first : bisect_left(series, in_order(punch), key=in_order)]
        if earlier:
            baselines[punch.punch_id] = baseline(
                [other.biometric_score or 0.0 for other in earlier]
            )
    return baselines


def baseline(scores: list[float]) -> Baseline:
    exact = [Fraction(repr(score)) for score in scores]
    return Baseline(
        len(scores),
        round(float(mean(exact)), 9),
        round(float(stdev(exact)), 9) if len(exact) > 1 else 0.0,
    )

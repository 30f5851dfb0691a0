"""Load one window of everything between two moments: what judging all at once would see. It is the
measure of judging bit by bit.

It shares no range and no reach with worker.load, so that a mistake there shows as a difference.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import groupby
from statistics import mean, stdev
from typing import Any

from psycopg import Cursor

from models.ids import Id
from models.policy import Policy, merged
from models.schemas.roster import LONGEST_SHIFT
from worker.load.rows import PUNCH, SHIFT, STANDING, as_punches, as_shifts
from worker.load.tenant import BASELINE_DAYS, KIOSK_DAYS
from worker.rules.biometrics import whose
from worker.rules.finding import Subject
from worker.rules.past import Past
from worker.rules.spells import spells_of
from worker.rules.window import (
    Absence,
    Assignment,
    Baseline,
    Device,
    Merge,
    Punch,
    Shift,
    Site,
    Source,
    SpellCounts,
    Stretch,
    Window,
    in_order,
)

_PUNCHES = f"""
SELECT {PUNCH} FROM punch p
WHERE p.tenant_id = %s AND p.occurred_at BETWEEN %s AND %s AND p.voided_at IS NULL
"""
_SHIFTS = f"""
SELECT {SHIFT} FROM shift s
WHERE s.tenant_id = %s AND s.starts_at BETWEEN %s AND %s AND {STANDING}
"""
# Python's moments know no infinity.
_SPAN = "greatest(v.since, '0002-01-01Z'), least(v.until, '9000-01-01Z')"
_SITE = ", ".join(f"{'i' if name == 'timezone' else 'v'}.{name}" for name in Site._fields)
_SITES = f"""
SELECT {_SPAN}, {_SITE}
FROM site_version v JOIN site i USING (tenant_id, site_id) WHERE tenant_id = %s
"""
_PEOPLE = f"SELECT {_SPAN}, person_id, name FROM person_version v WHERE tenant_id = %s"
_DEVICES = (
    f"SELECT {_SPAN}, device_id, shared, person_id FROM device_version v WHERE tenant_id = %s"
)
_POLICIES = f"SELECT {_SPAN}, 0, policy FROM tenant_version v WHERE tenant_id = %s"
_SITE_POLICIES = f"SELECT {_SPAN}, site_id, policy FROM site_version v WHERE tenant_id = %s"
# Dates are whole days at the site; `least` goes past nulls.
_ASSIGNMENTS = """
SELECT person_id, site_id,
    coalesce(valid_from, valid_from_date::timestamp AT TIME ZONE zone),
    least(
        valid_to,
        (valid_to_date + 1)::timestamp AT TIME ZONE zone - interval '1 microsecond',
        ended_at
    ),
    roving
FROM assignment a LEFT JOIN site i USING (tenant_id, site_id)
    CROSS JOIN LATERAL coalesce(i.timezone, 'UTC') AS zone
WHERE tenant_id = %s AND NOT a.never_was
"""
_ABSENCES = """
SELECT absence_id, person_id, site_id, absent_from, absent_from_date, absent_to, absent_to_date,
    reason
FROM absence WHERE tenant_id = %s AND standing
"""
_MERGES = """
SELECT person_id, greatest(since, '0002-01-01Z'), least(until, '9000-01-01Z'), into_id
FROM person_merge WHERE tenant_id = %s
"""
_TENANT = """
SELECT policy_version, roster_complete, people_spans::text, assigned_spans::text
FROM tenant WHERE tenant_id = %s
"""
_FIRST = """
SELECT site_id, min(occurred_at) FROM punch
WHERE tenant_id = %s AND voided_at IS NULL
GROUP BY site_id
"""
# A punch or shift beyond these matters to none between the two moments.
_BEFORE, _AFTER = BASELINE_DAYS + LONGEST_SHIFT, KIOSK_DAYS + LONGEST_SHIFT


def load_everything(
    cursor: Cursor, tenant_id: Id, since: datetime, until: datetime, as_of: datetime
) -> Window:
    """Return the window of all punches and shifts from `since` to `until`."""
    cursor.execute("SET LOCAL timezone = 'UTC'")
    loaded = as_punches(
        cursor.execute(_PUNCHES, [tenant_id, since - _BEFORE, until + _AFTER]).fetchall()
    )
    loaded.sort(key=lambda punch: (punch.person_id, in_order(punch)))
    rostered = as_shifts(
        cursor.execute(_SHIFTS, [tenant_id, since - _BEFORE, until + _AFTER]).fetchall()
    )
    judged = [punch for punch in loaded if since <= punch.occurred_at <= until]
    uses = grouped((punch.device_id, punch) for punch in loaded)
    ((version, complete, people_spans, assigned_spans),) = cursor.execute(_TENANT, [tenant_id])
    tenant, sites = policies_of(cursor, tenant_id)
    window = Window(
        tenant_id=tenant_id,
        as_of=as_of,
        subjects=frozenset(
            (
                *(Subject(p.punch_id, "") for p in judged),
                *(Subject("", s.shift_id) for s in rostered if since <= s.starts_at <= until),
            )
        ),
        policy=tenant,
        policy_version=version,
        site_policies=sites,
        roster_complete=complete,
        any_assignment=whether(cursor, assigned_spans),
        any_person=whether(cursor, people_spans),
        stretches=[
            Stretch(person_id, tuple(person_punches))
            for person_id, person_punches in groupby(loaded, key=lambda punch: punch.person_id)
        ],
        sites=pasts(cursor, _SITES, tenant_id, Site._make),
        people=pasts(cursor, _PEOPLE, tenant_id, lambda row: row[1]),
        shifts={shift.shift_id: shift for shift in rostered},
        assignments=[
            Assignment(*row) for row in cursor.execute(_ASSIGNMENTS, [tenant_id]).fetchall()
        ],
        absences=[
            Absence(absence_id, person_id, site_id, since or day, until or last, reason)
            for absence_id, person_id, site_id, since, day, until, last, reason in cursor.execute(
                _ABSENCES, [tenant_id]
            )
        ],
        merges=[Merge(*row) for row in cursor.execute(_MERGES, [tenant_id]).fetchall()],
        devices=pasts(cursor, _DEVICES, tenant_id, Device._make),
        device_uses=uses,
        device_people={
            punch.punch_id: people_using(uses[punch.device_id], punch)
            for punch in judged
            if punch.device_id
        },
        biometric_uses=grouped((whose(punch), punch) for punch in loaded),
        baselines=baselines_of(loaded, judged),
        first_punch_at=dict(cursor.execute(_FIRST, [tenant_id]).fetchall()),
        sources=sources_of(loaded, rostered),
        usual_devices=usual_devices_of(loaded, rostered),
        stand_ins=stand_ins_of(loaded, rostered),
    )
    return window.counting(spells_counted(window))


def pasts(
    cursor: Cursor, sql: str, tenant_id: Id, make: Callable[[Any], Any]
) -> dict[Any, Past[Any]]:
    """Return by key what each row was at each moment: None beside its versions."""
    steps: dict[Any, list[tuple[datetime, Any]]] = {}
    for since, until, *columns in sorted(cursor.execute(sql, [tenant_id]), key=lambda row: row[0]):
        # Where the next version begins as this one ends, that comes behind and counts.
        steps.setdefault(columns[0], []).extend([(since, make(columns)), (until, None)])
    return {key: Past(None, later) for key, later in steps.items()}


def policies_of(cursor: Cursor, tenant_id: Id) -> tuple[Past[Policy], dict[Id, Past[Policy]]]:
    """Return what policy held at each moment, of the tenant and at each site."""
    ever = datetime(2, 1, 1, tzinfo=UTC)
    tenant = pasts(cursor, _POLICIES, tenant_id, lambda row: row[1]).get(0, Past(None))
    sites = pasts(cursor, _SITE_POLICIES, tenant_id, lambda row: row[1])
    moments = {ever, *(since for past in (tenant, *sites.values()) for since, _ in past.versions())}
    ordered = sorted(moment for moment in moments if moment)

    def held(site: Past[Any]) -> Past[Policy]:
        steps = [(at, merged(tenant.at(at) or {}, site.at(at))) for at in ordered]
        return Past(steps[0][1], steps)

    return held(Past(None)), {site_id: held(past) for site_id, past in sites.items()}


def whether(cursor: Cursor, spans: str) -> Past[bool]:
    """Return whether each moment lies in a multirange: asked of Postgres, at each end and beside
    it.
    """
    asked = """
        SELECT moment, moment <@ %(spans)s::tstzmultirange
        FROM unnest(%(spans)s::tstzmultirange) AS span
            CROSS JOIN unnest(ARRAY[lower(span), upper(span)]) AS edge
            CROSS JOIN unnest(ARRAY[edge, edge + interval '1 microsecond']) AS moment
        WHERE isfinite(edge)
    """
    steps = sorted(cursor.execute(asked, {"spans": spans}))
    ((first,),) = cursor.execute("SELECT timestamptz '0002-01-01Z' <@ %s::tstzmultirange", [spans])
    return Past(bool(first), steps)


def spells_counted(window: Window) -> dict[str, SpellCounts]:
    """Return the counts of each check-in that begins a spell: one by one, over all spells."""
    begun: dict[Id, list[tuple[datetime, Id, str, bool]]] = {}
    for person_id in {stretch.person_id for stretch in window.stretches}:
        for spell in spells_of(window, person_id):
            out, first = spell.check_out, spell.check_in
            hours = window.policy_of(first).max_work_hours
            closed = (
                out is not None
                and out.site_id == first.site_id
                and (out.occurred_at - first.occurred_at) / timedelta(hours=1) <= hours
            )
            begun.setdefault(first.site_id, []).append(
                (first.occurred_at, person_id, first.punch_id, closed)
            )
    return {
        punch_id: _counts(at, person_id, punch_id, there)
        for there in begun.values()
        for at, person_id, punch_id, _ in there
    }


def _counts(
    at: datetime, person_id: Id, punch_id: str, there: list[tuple[datetime, Id, str, bool]]
) -> SpellCounts:
    before = [
        (other_person, closed)
        for began, other_person, other_id, closed in there
        if at - timedelta(days=14) <= began <= at and other_id != punch_id
    ]
    own = [closed for other_person, closed in before if other_person == person_id]
    return SpellCounts(len(own), sum(own), len(before), sum(closed for _, closed in before))


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


def sources_of(punches: Iterable[Punch], shifts: Iterable[Shift]) -> dict[str, list[Source]]:
    """Return by shift_id the site and the device by which a shift's punches come."""
    ordered = sorted(punches, key=in_order)
    at_site = grouped((punch.site_id, punch) for punch in ordered)
    by_device = grouped((punch.device_id, punch) for punch in ordered)
    rostered = list(shifts)
    usual = usual_devices_of(ordered, rostered)
    found: dict[str, list[Source]] = {}
    for shift in rostered:
        device_id = usual.get(shift.shift_id)
        for source, uses in (
            (None, at_site.get(shift.site_id, [])),
            (device_id, by_device.get(device_id, [])),
        ):
            place = bisect_right(uses, shift.starts_at, key=lambda use: use.occurred_at)
            if place:
                following = uses[place].occurred_at if place < len(uses) else None
                last = uses[place - 1].occurred_at
                found.setdefault(shift.shift_id, []).append(Source(source, last, following))
    return found


def stand_ins_of(punches: Iterable[Punch], shifts: Iterable[Shift]) -> dict[str, list[Punch]]:
    """Return by shift_id all check-ins at its site up to its end, from a day before its start."""
    at_site = grouped((punch.site_id, punch) for punch in punches if punch.is_check_in)
    return {
        shift.shift_id: [
            punch
            for punch in at_site.get(shift.site_id, [])
            if shift.starts_at - timedelta(days=1) <= punch.occurred_at <= shift.ends_at
        ]
        for shift in shifts
    }


def usual_devices_of(punches: Iterable[Punch], shifts: Iterable[Shift]) -> dict[str, str]:
    """Return by shift_id the device that brought nine in ten of its person's punches there in the
    14 days before.
    """
    own = grouped(((punch.person_id, punch.site_id), punch) for punch in punches)
    usual = {}
    for shift in shifts:
        devices = [
            punch.device_id
            for punch in own.get((shift.person_id, shift.site_id), [])
            if shift.starts_at - timedelta(days=14) <= punch.occurred_at < shift.starts_at
        ]
        for device_id in {device_id for device_id in devices if device_id}:
            if devices.count(device_id) / len(devices) >= 0.9:
                usual[shift.shift_id] = device_id
    return usual


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

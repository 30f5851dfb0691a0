"""Sources of the punches of a shift, and whether they were silent when it began: its site, and the
device that its person usually punches by there.

It is read only of shifts that may be no-shows. They are judged by the shifts that began in the same
silence: so by whatever changes one of these, or is a punch of the source, they are looked for.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from models import bulk
from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.affected import CLOCKS_DIFFER
from worker.load.missed import find_missed
from worker.load.ranges import Range, document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import SHIFT, STANDING, as_shifts
from worker.load.touched import Touched
from worker.rules.sources import SILENCE_DAYS, SOURCE_DAYS, usual_device
from worker.rules.window import Shift, Source

Point = tuple[Any, datetime]  # the id of a site or device, and a moment
Gap = tuple[datetime | None, datetime | None]  # the punches of the source on either side
Counts = dict[str | None, int]  # by device, None of punches that name none


class _Kind(NamedTuple):
    """What a source may be: the column of punches that names it, and the type of its id."""

    column: str
    type: str


_SITE, _DEVICE = _Kind("site_id", "bigint"), _Kind("device_id", "text")
_AT, _BEFORE = "<=", "<"


def _beside(kind: _Kind, before: str) -> str:
    """Return SQL for the punches of sources on either side of moments. One at the very moment is
    the one before it, or neither.
    """
    of_source = f"""
        SELECT p.occurred_at FROM punch p
        WHERE p.tenant_id = %(tenant_id)s AND p.{kind.column} = r.key AND p.voided_at IS NULL"""
    return f"""
SELECT r.place,
    ({of_source} AND p.occurred_at {before} r.at ORDER BY p.occurred_at DESC LIMIT 1),
    ({of_source} AND p.occurred_at > r.at ORDER BY p.occurred_at LIMIT 1)
FROM json_to_recordset(%(points)s::json) AS r(place integer, key {kind.type}, at timestamptz)
"""


_BESIDE = {
    (kind, sign): _beside(kind, sign) for kind in (_SITE, _DEVICE) for sign in (_AT, _BEFORE)
}
_COUNTS = """
SELECT r.shift_id, p.device_id, count(*)
FROM json_to_recordset(%(shifts)s::json)
  AS r(shift_id text, person_id bigint, site_id bigint, at timestamptz)
CROSS JOIN LATERAL (
    SELECT p.device_id FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id
      AND p.occurred_at >= r.at - %(days)s AND p.occurred_at < r.at
      AND p.site_id + 0 = r.site_id AND p.voided_at IS NULL
    OFFSET 0
) p
GROUP BY r.shift_id, p.device_id
"""
_BEGAN = f"""
SELECT {SHIFT} FROM {unnest("ranges", "site_id", "bigint")}
CROSS JOIN LATERAL (
    SELECT {SHIFT} FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
      AND s.starts_at BETWEEN r.since AND r.until AND {STANDING}
    OFFSET 0
) s
"""


class Sources(NamedTuple):
    """What a window has of sources, and the shifts by which their silences are told."""

    by_shift: Mapping[str, Sequence[Source]] = {}
    usual_devices: Mapping[str, str] = {}
    began: Sequence[Shift] = ()


def read_sources(reading: Reading, missed: Sequence[Shift], as_of: datetime) -> Sources:
    """Read the sources of shifts that may be no-shows."""
    if not missed:
        return Sources()
    asked_counts = _ask_counts(reading, missed)
    asked_sites = _ask_gaps(reading, _SITE, _AT, ((s.site_id, s.starts_at) for s in missed))
    usual = _usual(asked_counts())
    by_device = [(usual[s.shift_id], s.starts_at) for s in missed if s.shift_id in usual]
    of_devices = _ask_gaps(reading, _DEVICE, _AT, by_device)()
    of_sites = asked_sites()
    by_shift: dict[str, list[Source]] = {shift.shift_id: [] for shift in missed}
    for shift in missed:
        device_id = usual.get(shift.shift_id)
        for source, gap in (
            (None, of_sites[shift.site_id, shift.starts_at]),
            (device_id, of_devices.get((device_id, shift.starts_at), (None, None))),
        ):
            last, following = gap
            if last:
                by_shift[shift.shift_id].append(Source(source, last, following))
    began, usual_then = _began(reading, missed, by_shift, as_of)
    return Sources(by_shift, usual | usual_then, began)


def find_shifts_in_silences(
    reading: Reading, touched: Touched, affected: Iterable[Shift], as_of: datetime
) -> set[str]:
    """Return the ids of shifts that may have begun in a silence, or no more, by what was touched.

    `affected` are those whose attendance may have changed, or the waiting for them. As by changes
    of the roster, nothing is looked for further back than `rejudge_days`.
    """
    due = as_of + CLOCKS_DIFFER - reading.tenant.no_show[0]
    rejudge_days = reading.tenant.policies.of_tenant.at(as_of).rejudge_days
    oldest = max(
        as_of - timedelta(days=rejudge_days), touched.since or datetime.min.replace(tzinfo=UTC)
    )
    waited = [s for s in affected if oldest - SILENCE_DAYS <= s.starts_at <= due]
    # What a person usually punches by is told by the days before.
    moved = _later_shifts(reading, touched, due)
    telling = list({shift.shift_id: shift for shift in (*waited, *moved)}.values())
    asked_counts = _ask_counts(reading, telling)
    touched_devices: dict[Id, set[str]] = {}
    for punch in touched.punches:
        if punch.device_id:
            touched_devices.setdefault(punch.person_id, set()).add(punch.device_id)
    sites = {(punch.site_id, punch.occurred_at) for punch in touched.punches}
    sites |= {(shift.site_id, shift.starts_at) for shift in telling}
    asked_sites = _ask_gaps(reading, _SITE, _BEFORE, sites)
    counts = asked_counts()
    devices = {(p.device_id, p.occurred_at) for p in touched.punches if p.device_id}
    devices |= {
        (device_id, shift.starts_at)
        for shift in telling
        for device_id in {
            *counts.get(shift.shift_id, ()),
            *touched_devices.get(shift.person_id, ()),
        }
        if device_id
    }
    asked_devices = _ask_gaps(reading, _DEVICE, _BEFORE, devices)
    limits = _Limits(oldest, due, as_of + CLOCKS_DIFFER, reading.tenant.no_show[0])
    return find_missed(
        reading,
        list(_silences(asked_sites(), limits)),
        list(_silences(asked_devices(), limits)),
        {shift.shift_id for shift in moved if shift.starts_at >= oldest},
    )


def _later_shifts(reading: Reading, touched: Touched, due: datetime) -> list[Shift]:
    """Read the shifts, of people who punched, at which it matters by what they did."""
    ranges = [
        (p.person_id, p.occurred_at, min(p.occurred_at + SOURCE_DAYS, due)) for p in touched.punches
    ]
    since: dict[tuple[Id, Id], list[datetime]] = {}
    for punch in touched.punches:
        since.setdefault((punch.person_id, punch.site_id), []).append(punch.occurred_at)
    return [
        shift
        for shift in reading.shifts.read(merge(ranges))
        if shift.starts_at <= due
        and any(
            at < shift.starts_at <= at + SOURCE_DAYS
            for at in since.get((shift.person_id, shift.site_id), ())
        )
    ]


class _Limits(NamedTuple):
    """Between which moments shifts begin that are looked for, and how long silences are at least.

    An unended one goes on to `now`.
    """

    oldest: datetime
    due: datetime
    now: datetime
    wait: timedelta


def _silences(gaps: Mapping[Point, Gap], limits: _Limits) -> Iterator[Range[Any]]:
    """Yield when shifts begin that may be in another silence by what happened at the points: in
    gaps about them, of which those that touch were one before what parts them came.
    """
    ranges = (
        (
            key,
            max(last or limits.oldest, at - SILENCE_DAYS - LONGEST_SHIFT),
            min(following or max(limits.now, at), at + SILENCE_DAYS),
        )
        for (key, at), (last, following) in gaps.items()
    )
    for key, since, until in merge(ranges):
        if until - since > limits.wait:
            first, last = max(since, limits.oldest), min(until, limits.due)
            if first <= last:
                yield Range(key, first, last)


def _ask_gaps(
    reading: Reading, kind: _Kind, before: str, points: Iterable[Point]
) -> Callable[[], dict[Point, Gap]]:
    """Ask for the punches of sources on either side of moments, by source and moment."""
    listed = list(dict.fromkeys(points))
    if not listed:
        return dict
    rows = [{"place": place, "key": key, "at": at} for place, (key, at) in enumerate(listed)]
    parameters = {"tenant_id": reading.tenant_id, "points": bulk.document(rows)}
    asked = reading.cursor.execute(_BESIDE[kind, before], parameters)
    return lambda: {listed[place]: (last, next_) for place, last, next_ in asked.fetchall()}


def _ask_counts(reading: Reading, shifts: Iterable[Shift]) -> Callable[[], dict[str, Counts]]:
    """Ask how many punches the person of each shift made at its site in the days before it, by
    shift_id and device.
    """
    rows = [
        {
            "shift_id": shift.shift_id,
            "person_id": shift.person_id,
            "site_id": shift.site_id,
            "at": shift.starts_at,
        }
        for shift in shifts
    ]
    if not rows:
        return dict
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": SOURCE_DAYS,
        "shifts": bulk.document(rows),
    }
    asked = reading.cursor.execute(_COUNTS, parameters)

    def answer() -> dict[str, Counts]:
        by_shift: dict[str, Counts] = {}
        for shift_id, device_id, count in asked.fetchall():
            by_shift.setdefault(shift_id, {})[device_id] = count
        return by_shift

    return answer


def _usual(counts: Mapping[str, Counts]) -> dict[str, str]:
    devices = {shift_id: usual_device(own) for shift_id, own in counts.items()}
    return {shift_id: device_id for shift_id, device_id in devices.items() if device_id}


def _began(
    reading: Reading,
    missed: Sequence[Shift],
    by_shift: Mapping[str, Sequence[Source]],
    as_of: datetime,
) -> tuple[list[Shift], dict[str, str]]:
    """Read the shifts that tell of the silences in which `missed` may have begun, and what the
    people of those that began while a device was silent usually punch by.
    """
    wait = reading.tenant.no_show[0]
    ranges: dict[str | None, list[tuple[Id, datetime, datetime]]] = {}  # by device_id
    for shift in missed:
        for source in by_shift[shift.shift_id]:
            until = min(source.next or as_of, as_of)
            if source.last + wait < until:
                since = max(source.last, shift.starts_at - SILENCE_DAYS)
                span = (shift.site_id, since, min(until, shift.starts_at + SILENCE_DAYS))
                ranges.setdefault(source.device_id, []).append(span)
    merged = {device_id: list(merge(spans)) for device_id, spans in ranges.items()}
    every = list(merge(range_ for spans in merged.values() for range_ in spans))
    if not every:
        return [], {}
    parameters = {"tenant_id": reading.tenant_id, "ranges": document(every)}
    shifts = as_shifts(reading.cursor.execute(_BEGAN, parameters).fetchall())
    began = {s.shift_id: s for s in _within(shifts, merged.pop(None, ()))}
    of_devices = [shift for spans in merged.values() for shift in _within(shifts, spans)]
    usual = _usual(_ask_counts(reading, {s.shift_id: s for s in of_devices}.values())())
    for device_id, spans in merged.items():
        of_device = (s for s in _within(shifts, spans) if usual.get(s.shift_id) == device_id)
        began |= {shift.shift_id: shift for shift in of_device}
    return list(began.values()), usual


def _within(shifts: Iterable[Shift], ranges: Iterable[Range[Id]]) -> Iterator[Shift]:
    """Yield the shifts that begin within ranges at their site, none of which overlaps another."""
    by_site: dict[Id, list[Range[Id]]] = {}
    for range_ in ranges:
        by_site.setdefault(range_.key, []).append(range_)
    for shift in shifts:
        spans = by_site.get(shift.site_id, ())
        place = bisect_right(spans, shift.starts_at, key=_since)
        if place and shift.starts_at <= spans[place - 1].until:
            yield shift


def _since(range_: Range[Id]) -> datetime:
    return range_.since

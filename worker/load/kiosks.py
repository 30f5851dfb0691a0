"""Find the uses of undeclared devices whose outcome may change as enough people used one to take it
as shared, or no longer did.

Where one punch more or less can make the difference, every use within the days around it is looked
at again. A device long known for a kiosk by others' punches is not: its nearest uses show that
already, and the rest is not counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from models.ids import Id
from worker.load.arrays import texts
from worker.load.device_people import Island, PeopleCount, ask_islands
from worker.load.ranges import Range, document, merge, unnest
from worker.load.reading import Reading
from worker.load.tenant import KIOSK_DAYS
from worker.load.touched import Touched, TouchedPunch

DeviceRange = tuple[str, datetime, datetime]  # device_id, since, until

_TOGETHER = timedelta(hours=1)
_NOW = timedelta(0)


def _people(since: str, until: str, direction: str) -> str:
    """Return SQL for how many people made the nearest uses of r.device_id between two moments, of
    those that were not touched. A hashed NOT IN: each is looked up once.
    """
    return f"""(SELECT count(DISTINCT used.person_id) FROM (
        SELECT u.person_id FROM punch u
        WHERE u.tenant_id = %(tenant_id)s AND u.device_id = r.device_id
          AND u.occurred_at BETWEEN {since} AND {until} AND u.voided_at IS NULL
          AND u.punch_id NOT IN (SELECT unnest(%(touched)s::text[]))
        ORDER BY u.occurred_at {direction} LIMIT 100
    ) used)"""


# What holds before the first of several moments and after the last holds for each of them.
_NEAR = f"""
SELECT r.ordinal, {_people("r.until - %(days)s", "r.since", "DESC")},
    {_people("r.until", "r.since + %(days)s", "")}
FROM {unnest("ranges", "device_id", "text")}
"""


class _Moments(NamedTuple):
    """Moments near each other at which a device was used, in order."""

    device_id: str
    at: list[datetime]

    @property
    def since(self) -> datetime:
        return self.at[0]

    @property
    def until(self) -> datetime:
        return self.at[-1]


def kiosk_ranges(
    reading: Reading, touched: Touched, undeclared: Sequence[TouchedPunch]
) -> list[DeviceRange]:
    """Return when uses of devices may have another outcome. `undeclared` are the touched punches on
    devices that the roster does not name, or did not some days before or after.
    """
    moments = list(_together(undeclared))
    if not moments:
        return []
    thresholds = list(reading.tenant.policies.values("kiosk_people"))
    least, most = min(thresholds), max(thresholds)
    known: list[DeviceRange] = []
    unknown: list[_Moments] = []
    for some, before, after in _near(reading, touched, moments):
        if max(before, after) < least:
            unknown.append(some)
            continue
        if before < most:
            known.append((some.device_id, some.since - KIOSK_DAYS, some.until))
        if after < most:
            known.append((some.device_id, some.since, some.until + KIOSK_DAYS))
    return [*known, *_counted(reading, touched, unknown, least, most)]


def _together(undeclared: Iterable[TouchedPunch]) -> Iterator[_Moments]:
    """Yield each device's moments, those within an hour together."""
    last: _Moments | None = None
    for device_id, at in sorted({(p.device_id, p.occurred_at) for p in undeclared if p.device_id}):
        if last and last.device_id == device_id and at - last.since <= _TOGETHER:
            last.at.append(at)
            continue
        if last:
            yield last
        last = _Moments(device_id, [at])
    if last:
        yield last


def _near(
    reading: Reading, touched: Touched, moments: Sequence[_Moments]
) -> Iterator[tuple[_Moments, int, int]]:
    """Yield the moments, each with how many people the nearest uses before and after show."""
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": KIOSK_DAYS,
        "ranges": document(Range(some.device_id, some.since, some.until) for some in moments),
        "touched": texts(punch.punch_id for punch in touched.punches),
    }
    for ordinal, before, after in reading.cursor.execute(_NEAR, parameters).fetchall():
        yield moments[ordinal - 1], before, after


def _counted(
    reading: Reading, touched: Touched, unknown: Sequence[_Moments], least: int, most: int
) -> Iterator[DeviceRange]:
    """Yield the same of devices of which the nearest uses show few people: all are counted."""
    comers: dict[str | None, set[Id]] = {}  # whose touched punches count, or no longer do
    for punch in touched.punches:
        comers.setdefault(punch.device_id, set()).add(punch.person_id)
    around = (
        (some.device_id, some.since - 2 * KIOSK_DAYS, some.until + 2 * KIOSK_DAYS)
        for some in unknown
    )
    without = (punch.punch_id for punch in touched.punches)
    islands = ask_islands(reading, list(merge(around)), without)()
    for device_id, at in _moments_by_device(unknown):
        yield from _of_device(
            device_id, at, islands.get(device_id, []), least - len(comers[device_id]), most
        )


def _moments_by_device(unknown: Iterable[_Moments]) -> Iterable[tuple[str, list[datetime]]]:
    by_device: dict[str, list[datetime]] = {}
    for device_id, at in unknown:
        by_device.setdefault(device_id, []).extend(at)
    return by_device.items()


def _of_device(
    device_id: str, moments: Iterable[datetime], islands: Sequence[Island], least: int, most: int
) -> Iterator[DeviceRange]:
    before = PeopleCount(islands, KIOSK_DAYS, _NOW)
    after = PeopleCount(islands, _NOW, KIOSK_DAYS)
    around = PeopleCount(islands, 2 * KIOSK_DAYS, 2 * KIOSK_DAYS)
    for at in moments:
        if around.at(at) >= least:
            if before.at(at) < most:
                yield device_id, at - KIOSK_DAYS, at
            if after.at(at) < most:
                yield device_id, at, at + KIOSK_DAYS

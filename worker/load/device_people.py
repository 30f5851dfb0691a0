"""How many people used a device around a moment, for any number of moments by one look at its uses:
each person's uses that follow each other closely are read as one island.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from models.ids import Id
from worker.load.arrays import texts
from worker.load.ranges import Range, document, unnest
from worker.load.reading import Reading
from worker.load.tenant import KIOSK_DAYS

# The first and the last use of each island. A use that is both comes twice.
_ISLANDS = f"""
SELECT device_id, person_id, edge FROM (
    SELECT r.device_id, p.person_id, p.occurred_at,
        lag(p.occurred_at) OVER uses AS before, lead(p.occurred_at) OVER uses AS after
    FROM {unnest("ranges", "device_id", "text")}
    JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
      AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
      AND p.punch_id NOT IN (SELECT unnest(%(without)s::text[]))
    WINDOW uses AS (PARTITION BY r.device_id, p.person_id ORDER BY p.occurred_at)
) AS used
CROSS JOIN LATERAL (
    SELECT occurred_at AS edge WHERE before IS NULL OR occurred_at - before > %(days)s
    UNION ALL
    SELECT occurred_at WHERE after IS NULL OR after - occurred_at > %(days)s
) AS edges
ORDER BY device_id, person_id, edge
"""


class Island(NamedTuple):
    """Uses of a device by one person of which none is more than 7 days after the one before."""

    person_id: Id
    first: datetime
    last: datetime


def ask_islands(
    reading: Reading, ranges: Sequence[Range[str]], without: Iterable[str] = ()
) -> Callable[[], dict[str, list[Island]]]:
    """Send for the islands within these ranges of devices, by device_id, `without` these punches.

    Return what waits for the answer.
    """
    if not ranges:
        return dict
    parameters = {
        "tenant_id": reading.tenant_id,
        "days": KIOSK_DAYS,
        "ranges": document(ranges),
        "without": texts(without),
    }
    asked = reading.cursor.execute(_ISLANDS, parameters)

    def answer() -> dict[str, list[Island]]:
        islands: dict[str, list[Island]] = {}
        edges = iter(asked.fetchall())
        for (device_id, person_id, first), (_, _, last) in zip(edges, edges, strict=True):
            islands.setdefault(device_id, []).append(Island(person_id, first, last))
        return islands

    return answer


class PeopleCount:
    """How many people used a device from some time before a moment to some time after."""

    def __init__(self, islands: Iterable[Island], back: timedelta, ahead: timedelta) -> None:
        """Take a device's islands, each person's in order."""
        since: list[datetime] = []
        until: list[datetime] = []
        person_id = None
        for island in islands:
            begins, ends = island.first - ahead, island.last + back
            if island.person_id == person_id and begins <= until[-1]:
                until[-1] = ends
            else:
                since.append(begins)
                until.append(ends)
            person_id = island.person_id
        self._since, self._until = sorted(since), sorted(until)

    def at(self, moment: datetime) -> int:
        return bisect_right(self._since, moment) - bisect_left(self._until, moment)

"""How many rows a judgement takes: as many as it judged lately in a quarter of a second.

Punches close together and changes that reach far cost more than others. So each process notes how
long it took, for each tenant. What a judgement costs however few rows it takes, as for the window
that all punches of a pile share, is to be half of it at most, as smaller batches would cost more in
all; but a judgement is not to take longer than half a second for that, unless what all share alone
takes nearly as long.
"""

from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from models.ids import Id
from worker.judging.work_queue import LEAST_A_BATCH, MOST_A_BATCH

BATCH_SECONDS = 0.25  # how long a judgement is to take
_MOST_SECONDS = 0.5  # and where what all rows share takes much of that
_LEAST_OF_ROWS = 0.25  # of what all rows share: so long is to go to the rows in any case
_FASTEST_GROWTH = 4.0
_MOST_TENANTS = 1_000  # of which a process remembers the pace
# Of the keys of a roster each may reach back over weeks, until it shows that these do not.
_FIRST = {"pending": MOST_A_BATCH, "roster_change": 50}


class _Measured(NamedTuple):
    """How long a judgement of so many rows, or keys, took."""

    units: int
    seconds: float


_Queue = tuple[Id, str, bool]  # tenant_id, table, and whether it is of a backfill


class Pace:
    """How many punches, and keys of the roster, one judgement of a tenant takes.

    A backfill has a pace of its own, as its punches are mostly near to others than live ones are.
    """

    def __init__(self) -> None:
        self._limits: OrderedDict[_Queue, int] = OrderedDict()
        # the last, and the last one before of another number of rows
        self._last: dict[_Queue, tuple[_Measured, _Measured | None]] = {}

    def limit(self, tenant_id: Id, table: str, *, backfill: bool = False) -> int:
        """Return how many rows, or keys, of a table the next judgement takes at most."""
        return self._limits.get((tenant_id, table, backfill), _FIRST[table])

    def note(
        self, tenant_id: Id, table: str, units: int, seconds: float, *, backfill: bool = False
    ) -> None:
        """Note how long a judgement of so many rows, or keys, took.

        A small one that was quick tells nothing, as half of it is the same for each.
        """
        limit = self.limit(tenant_id, table, backfill=backfill)
        if units < limit and (seconds <= BATCH_SECONDS or units <= LEAST_A_BATCH):
            return
        key, measured = (tenant_id, table, backfill), _Measured(units, seconds)
        fitting = units * min(BATCH_SECONDS / max(seconds, 0.001), _FASTEST_GROWTH)
        other = self._other(key, units)
        if other:
            # Either may have been slow by chance, so it grows step by step.
            fitting = max(fitting, min(_worthwhile(other, measured), _FASTEST_GROWTH * units))
        self._last[key] = (measured, other)
        self._limits[key] = max(LEAST_A_BATCH, min(int(fitting), MOST_A_BATCH))
        self._limits.move_to_end(key)
        if len(self._limits) > _MOST_TENANTS:
            del self._last[self._limits.popitem(last=False)[0]]

    def _other(self, key: _Queue, units: int) -> _Measured | None:
        """Return the last that was measured of another number of rows, or keys, than these."""
        last, other = self._last.get(key, (None, None))
        return last if last and last.units != units else other


def _worthwhile(one: _Measured, other: _Measured) -> float:
    """Return for how many rows a judgement takes twice what it does for none, or half a second.

    Return 0 where the rows account for all of its time.
    """
    fewer, more = sorted((one, other))
    a_row = (more.seconds - fewer.seconds) / (more.units - fewer.units)
    if a_row <= 0:  # as long for few as for many, unless one was slow by chance
        return more.units if min(fewer.seconds, more.seconds) > BATCH_SECONDS else 0.0
    shared = max(fewer.seconds - a_row * fewer.units, 0.0)
    of_rows = min(shared, max(_MOST_SECONDS - shared, _LEAST_OF_ROWS * shared))
    return of_rows / a_row


_paces: WeakKeyDictionary[Engine, Pace] = WeakKeyDictionary()


def pace_of(engine: Engine) -> Pace:
    """Return the pace at which this process judges on the engine's database."""
    return _paces.setdefault(engine, Pace())

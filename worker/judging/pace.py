"""How many rows a judgement takes: as many as it judged lately in a quarter of a second.

Punches close together and changes that reach far cost more than others. So each process notes how
long it took, for each tenant. What a judgement costs however few rows it takes, as for the window
that all punches of a pile share, is to be half of it at most: smaller batches would cost more in
all.
"""

from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from worker.judging.work_queue import LEAST_A_BATCH, MOST_A_BATCH

BATCH_SECONDS = 0.25  # how long a judgement is to take
_FASTEST_GROWTH = 4.0
_MOST_TENANTS = 1_000  # of which a process remembers the pace
# Of the keys of a roster each may reach back over weeks, until it shows that these do not.
_FIRST = {"pending": MOST_A_BATCH, "roster_change": 50}


class _Measured(NamedTuple):
    """How long a judgement of so many rows, or keys, took."""

    units: int
    seconds: float


class Pace:
    """How many punches, and keys of the roster, one judgement of a tenant takes."""

    def __init__(self) -> None:
        self._limits: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._last: dict[tuple[int, str], _Measured] = {}

    def limit(self, tenant_id: int, table: str) -> int:
        """Return how many rows, or keys, of a table the next judgement takes at most."""
        return self._limits.get((tenant_id, table), _FIRST[table])

    def note(self, tenant_id: int, table: str, units: int, seconds: float) -> None:
        """Note how long a judgement of so many rows, or keys, took.

        A small one that was quick tells nothing, as half of it is the same for each.
        """
        limit = self.limit(tenant_id, table)
        if units < limit and (seconds <= BATCH_SECONDS or units <= LEAST_A_BATCH):
            return
        key, measured = (tenant_id, table), _Measured(units, seconds)
        fitting = units * min(BATCH_SECONDS / max(seconds, 0.001), _FASTEST_GROWTH)
        if (last := self._last.get(key)) and last.units != units:
            fitting = max(fitting, _worthwhile(last, measured))
        self._last[key] = measured
        self._limits[key] = max(LEAST_A_BATCH, min(int(fitting), MOST_A_BATCH))
        self._limits.move_to_end(key)
        if len(self._limits) > _MOST_TENANTS:
            del self._last[self._limits.popitem(last=False)[0]]


def _worthwhile(one: _Measured, other: _Measured) -> float:
    """Return for how many rows a judgement takes twice what it does for none.

    Return 0 where the rows account for all of its time.
    """
    fewer, more = sorted((one, other))
    a_row = (more.seconds - fewer.seconds) / (more.units - fewer.units)
    if a_row <= 0:  # as long for few as for many
        return more.units
    return max((fewer.seconds - a_row * fewer.units) / a_row, 0.0)


_paces: WeakKeyDictionary[Engine, Pace] = WeakKeyDictionary()


def pace_of(engine: Engine) -> Pace:
    """Return the pace at which this process judges on the engine's database."""
    return _paces.setdefault(engine, Pace())

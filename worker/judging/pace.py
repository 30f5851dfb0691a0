"""How many rows a judgement takes: as many as it judged lately in a quarter of a second.

Punches close together and changes that reach far cost more than others. So each process notes how
long it took, for each tenant.
"""

from collections import OrderedDict
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from worker.judging.work_queue import LEAST_A_BATCH, MOST_A_BATCH

BATCH_SECONDS = 0.25  # how long a judgement is to take
_FASTEST_GROWTH = 4.0
_MOST_TENANTS = 1_000  # of which a process remembers the pace
# Of the keys of a roster each may reach back over weeks, until it shows that these do not.
_FIRST = {"pending": MOST_A_BATCH, "roster_change": 50}


class Pace:
    """How many punches, and keys of the roster, one judgement of a tenant takes."""

    def __init__(self) -> None:
        self._limits: OrderedDict[tuple[int, str], int] = OrderedDict()

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
        fitting = units * min(BATCH_SECONDS / max(seconds, 0.001), _FASTEST_GROWTH)
        self._limits[tenant_id, table] = max(LEAST_A_BATCH, min(int(fitting), MOST_A_BATCH))
        self._limits.move_to_end((tenant_id, table))
        if len(self._limits) > _MOST_TENANTS:
            self._limits.popitem(last=False)


_paces: WeakKeyDictionary[Engine, Pace] = WeakKeyDictionary()


def pace_of(engine: Engine) -> Pace:
    """Return the pace at which this process judges on the engine's database."""
    return _paces.setdefault(engine, Pace())

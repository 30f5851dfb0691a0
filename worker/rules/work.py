"""How much a person worked in closed spells within the 24 hours that end at a moment."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from models.ids import Id
from worker.rules.spells import Spell, spells_of
from worker.rules.window import Window

DAY = timedelta(hours=24)


class Closed(NamedTuple):
    spells: list[Spell]  # in order, none of which overlap
    worked_before: list[timedelta]  # for each place among them, the work in all before it


def closed_spells(
    window: Window, person_id: Id, which: Callable[[Window, Spell], bool] | None = None
) -> Closed:
    """Return the person's closed spells, of those that `which` says."""
    key = ("closed", person_id, which)
    if key not in window.memo:
        closed = [
            spell
            for spell in spells_of(window, person_id)
            if spell.check_out and (which is None or which(window, spell))
        ]
        window.memo[key] = Closed(closed, list(accumulate(map(length, closed), initial=_NONE)))
    spells: Closed = window.memo[key]
    return spells


def work_until(closed: Closed, until: datetime) -> tuple[timedelta, int, int]:
    """Return the work within the 24 h ending then, and the places of the spells it lies in: the
    first, and the one after the last.
    """
    spells, worked_before = closed
    since = until - DAY
    first = bisect_right(spells, since, key=_ends)
    last = bisect_left(spells, until, first, key=_begins)
    if first == last:
        return _NONE, first, last
    worked = worked_before[last] - worked_before[first]
    worked -= max(since - _begins(spells[first]), _NONE)
    worked -= max(_ends(spells[last - 1]) - until, _NONE)
    return worked, first, last


def length(closed: Spell) -> timedelta:
    return closed.until - closed.check_in.occurred_at


_NONE = timedelta(0)


def _begins(spell: Spell) -> datetime:
    return spell.check_in.occurred_at


def _ends(closed: Spell) -> datetime:
    return closed.until

"""Sources of punches: the site, or the device that people usually punch by there. And their
silences: times in which nothing came of a source while several people were due, of whom hardly any
had been heard of. Then the source is likelier silent than the people absent.

A silence is told by the shifts that began in it. Their attendance is fact; how many people it takes
and when a shift has waited long enough are limits of the rule, by the policy of the shift that is
judged.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from models.ids import Id
from models.policy.schedule_mismatch import ScheduleMismatch
from worker.rules.absences import is_covered
from worker.rules.attendance import first_check_in, is_attended
from worker.rules.window import Shift, Source, Window

SOURCE_SILENT = "SOURCE_SILENT"
SOURCE_DAYS = timedelta(days=14)  # before a shift, which tell what its person usually punches by
# Shifts that began within so many days of each other tell of one silence. A roster that takes one
# away has those judged anew that began so near to it, and no others.
SILENCE_DAYS = timedelta(days=4)
_MOST_HEARD = 10  # at most one in so many was heard of


class Silence(NamedTuple):
    """That a source was silent when a shift began."""

    site_id: Id  # of the shift
    device_id: str | None  # None where it is the site
    since: datetime  # the source's last punch before
    first: datetime  # by which it is told from other silences: its first shift's start


class _Due(NamedTuple):
    """The shifts of a source that began between two of its punches and tell whether it was heard:
    those that somebody entitled checked in for, or that nobody attends and no absence covers.
    """

    starts: Sequence[datetime]
    people: Sequence[Id]
    heard: Sequence[int]  # how many of the shifts before each place were heard of


def usual_device(counts: dict[str | None, int]) -> str | None:
    """Return the device that brought nine in ten of a person's punches at least, if one did.

    `counts` are by device, None of those that name none.
    """
    total = sum(counts.values())
    return next((device for device, n in counts.items() if device and n * 10 >= total * 9), None)


def silence_of(window: Window, shift: Shift) -> Silence | None:
    """Return the silence in which an unattended shift began: the site's, else that of the device
    which its person usually punches by there.
    """
    key = ("silence", shift.shift_id)
    if key not in window.memo:
        silences = (_silence(window, shift, s) for s in window.sources.get(shift.shift_id, ()))
        window.memo[key] = next((silence for silence in silences if silence), None)
    silence: Silence | None = window.memo[key]
    return silence


def _silence(window: Window, shift: Shift, source: Source) -> Silence | None:
    policy = window.policy_of(shift).of(ScheduleMismatch)
    ends_at = min(source.next or window.as_of, window.as_of)
    due = _due(window, shift.site_id, source)
    first = bisect_left(due.starts, shift.starts_at - SILENCE_DAYS)
    last = min(
        bisect_right(due.starts, shift.starts_at + SILENCE_DAYS),
        # Only what has waited for longer than this within the silence.
        bisect_left(due.starts, ends_at - timedelta(minutes=policy.no_show_after_minutes)),
    )
    if (due.heard[last] - due.heard[first]) * _MOST_HEARD > last - first:
        return None
    people: set[Id] = set()
    for place in range(first, last):
        people.add(due.people[place])
        if len(people) >= policy.silent_people:
            is_long = source.last < shift.starts_at - SILENCE_DAYS
            begins = source.last if is_long else due.starts[first]
            return Silence(shift.site_id, source.device_id, source.last, begins)
    return None


def _due(window: Window, site_id: Id, source: Source) -> _Due:
    key = ("due", site_id, source)
    if key not in window.memo:
        window.memo[key] = _find_due(window, site_id, source)
    due: _Due = window.memo[key]
    return due


def _find_due(window: Window, site_id: Id, source: Source) -> _Due:
    shifts = window.shifts_at.get(site_id, [])
    first = bisect_left(shifts, source.last, key=_begins)
    last = bisect_left(shifts, source.next, key=_begins) if source.next else len(shifts)
    telling: list[Shift] = []
    heard = []
    for shift in shifts[first:last]:
        if source.device_id and window.usual_devices.get(shift.shift_id) != source.device_id:
            continue
        came_at = first_check_in(window, shift)
        if came_at is None and (
            is_attended(window, shift) or is_covered(window, shift, shift.person_id)
        ):
            continue
        telling.append(shift)
        heard.append(came_at is not None and (source.next is None or came_at < source.next))
    return _Due(
        [shift.starts_at for shift in telling],
        [shift.person_id for shift in telling],
        list(accumulate(heard, initial=0)),
    )


def _begins(shift: Shift) -> datetime:
    return shift.starts_at

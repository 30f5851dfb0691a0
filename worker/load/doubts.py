"""What else decides where a shift may be an anomaly itself: nobody attends it, or nobody is there.

That is rare, and takes much to read. So it is read of such shifts only, once their own people's
punches have shown them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from worker.load.posts import post_empty, read_expected_with
from worker.load.reading import Reading
from worker.load.sources import Sources, read_sources
from worker.load.stand_ins import StandIns
from worker.load.window_shifts import WindowShifts
from worker.rules.attendance import is_attended
from worker.rules.posts import is_on, last_presence
from worker.rules.roster import stood_in
from worker.rules.window import Punch, Shift, Stretch, Window


class Doubts(NamedTuple):
    missed: Sequence[Shift]  # may be no-shows
    sources: Sources
    telling: Sequence[Shift]  # further shifts of which it matters who attends them


def read_doubts(
    reading: Reading, shifts: WindowShifts, stretches: Sequence[Stretch], as_of: datetime
) -> Doubts:
    """Read what decides of the shifts among the subjects beside their own people's punches."""
    missed, emptied = _doubtful(reading, shifts, stretches, as_of)
    sources = read_sources(reading, missed, as_of)
    return Doubts(missed, sources, [*sources.began, *read_expected_with(reading, emptied, as_of)])


def _doubtful(
    reading: Reading, shifts: WindowShifts, stretches: Sequence[Stretch], as_of: datetime
) -> tuple[list[Shift], list[Shift]]:
    """Return the shifts that may be no-shows, and those whose post may be empty."""
    missed: list[Shift] = []
    emptied: list[Shift] = []
    begun = as_of - min(reading.tenant.no_show[0], post_empty(reading.tenant)[0])
    waiting = [shift for shift in shifts.waiting if shift.starts_at < begun]
    if not waiting:
        return missed, emptied
    window = _window(reading, shifts, stretches, as_of)
    for shift in waiting:
        if not is_attended(window, shift):
            if shift.starts_at + reading.tenant.no_show[0] < as_of:
                missed.append(shift)
        elif is_on(window, shift) and _may_be_empty(reading, window, shift):
            emptied.append(shift)
    return missed, emptied


def _may_be_empty(reading: Reading, window: Window, shift: Shift) -> bool:
    """Whether nobody entitled to the shift itself has been there for long enough."""
    own = last_presence(window, [shift])
    since = max(own.until, shift.starts_at) if own else shift.starts_at
    return window.as_of - since > post_empty(reading.tenant)[0]


def undecided(
    reading: Reading,
    missed: Sequence[Shift],
    stand_ins: StandIns,
    shifts: WindowShifts,
    stretches: Sequence[Stretch],
    as_of: datetime,
) -> list[Shift]:
    """Return those of the missed shifts in which none of the check-ins that were read stands in."""
    window = _window(reading, shifts, stretches, as_of, stand_ins.by_shift)
    return [shift for shift in missed if stood_in(window, shift) is None]


def _window(
    reading: Reading,
    shifts: WindowShifts,
    stretches: Sequence[Stretch],
    as_of: datetime,
    stand_ins: Mapping[str, Sequence[Punch]] | None = None,
) -> Window:
    """Return a window of what is known of attendance so far."""
    policies = reading.tenant.policies
    return Window(
        tenant_id=reading.tenant_id,
        as_of=as_of,
        policy=policies.only or policies.of_tenant,
        site_policies={} if policies.only else policies.of_sites,
        roster_complete=reading.tenant.roster_complete,
        stretches=stretches,
        shifts=shifts.by_id,
        stand_ins=stand_ins,
    )

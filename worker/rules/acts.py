"""What of a person's punches counts to the rules of spells and shifts. Ways, fixes, devices and
bodies go by every punch.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from worker.rules.window import Punch, Stretch, Window


def acts(window: Window, stretch: Stretch) -> Sequence[Punch]:
    """Return the punches of a stretch without those that are neither check-in nor check-out: taps
    within a stay, and bounces, which are check-outs soon after their check-in that a further
    check-out there follows.
    """
    key = ("acts", id(stretch))
    if key not in window.memo:
        directed = stretch.punches
        if any(punch.is_tap for punch in directed):
            directed = [punch for punch in directed if punch.punch_id not in window.between]
        window.memo[key] = _acts(window, directed)
    counting: Sequence[Punch] = window.memo[key]
    return counting


def counts_for_nothing(window: Window, punch: Punch) -> bool:
    """Whether a punch is neither check-in nor check-out to the rules of spells and shifts."""
    if punch.is_check_in:
        return False
    stretch, _ = window.place_in_time(punch)
    counting = acts(window, stretch)
    if counting is stretch.punches:
        return False
    key = ("counting", id(stretch))
    if key not in window.memo:
        window.memo[key] = {act.punch_id for act in counting}
    return punch.punch_id not in window.memo[key]


def repeats(window: Window, punch: Punch, last: Punch) -> bool:
    """Whether a punch only repeats the check-in before it."""
    return (
        punch.is_check_in
        and punch.site_id == last.site_id
        and punch.occurred_at - last.occurred_at
        <= timedelta(minutes=window.policy_of(punch).repeat_minutes)
    )


def closes(window: Window, punch: Punch, check_in: Punch) -> bool:
    """Whether a punch is a check-out, and soon enough after the check-in to belong to it."""
    return not punch.is_check_in and punch.occurred_at - check_in.occurred_at <= timedelta(
        hours=window.policy_of(check_in).max_spell_hours
    )


def _acts(window: Window, punches: Sequence[Punch]) -> Sequence[Punch]:
    if not any(not (one.is_check_in or other.is_check_in) for one, other in pairwise(punches)):
        return punches
    return tuple(_without_bounces(window, punches))


def _without_bounces(window: Window, punches: Sequence[Punch]) -> Iterator[Punch]:
    first: Punch | None = None  # of the check-ins that repeat each other before this punch
    last: Punch | None = None
    for punch, following in pairwise((*punches, None)):
        assert punch is not None
        if punch.is_check_in:
            first = first if first and last and repeats(window, punch, last) else punch
            last = punch
        elif first and following and _is_bounce(window, first, punch, following):
            continue
        else:
            first = last = None
        yield punch


def _is_bounce(window: Window, check_in: Punch, punch: Punch, following: Punch) -> bool:
    """Whether a check-out may be one, by its check-in and the punch that follows, which closes the
    spell in its place.
    """
    soon = timedelta(minutes=window.policy_of(punch).repeat_minutes)
    return (
        punch.occurred_at - check_in.occurred_at <= soon
        and following.site_id == punch.site_id
        and closes(window, following, check_in)
    )

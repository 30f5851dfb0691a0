"""Geofence Violation: the punch was taken outside the site's boundary.

Looks at: the punch's fix and the site's fence: its boundary (polygons with holes), else the circle
of `radius_m` around its place. Distances are WGS84 geodesics to the nearest point of the edge;
edges run straight in longitude and latitude.

- `outside_fence` (HIGH 0.90): outside by more than twice the fix's accuracy (a 68 % radius), that
  taken as at most `gps_accuracy_cap_m`; no accuracy counts as the cap. Where that would hold, three
  excuses make it another reason instead:
- `coarse_fix_outside` (LOW 0.40): the claimed accuracy is above the cap, and the fix is outside by
  no more than twice the claim, that taken as at most `coarse_fix_cap_m`.
- `cached_fix_outside` (LOW 0.40): latitude, longitude and accuracy equal those of the person's
  previous punch, at another site, within `cached_fix_minutes`.
- `stale_fix` (LOW 0.40): the person tapped again (repeats of one kind at one site, each at most
  `repeat_minutes` after the one before, with nothing between), and the last of the tap's fixes with
  an accuracy of at most `coarse_fix_cap_m`, which is a later one, is not outside: a phone's first
  fix after waking may be an old one.

Policy: `outside_fence_severity`, `coarse_fix_outside_severity`, `cached_fix_outside_severity`,
`stale_fix_severity`, `repeat_minutes` (10), `gps_accuracy_cap_m` (100), `coarse_fix_cap_m` (1,000),
`cached_fix_minutes` (30), `default_radius_m` (200, where the site has none).

Cannot tell: without a possible fix, or where the site has neither boundary nor place.
"""

from datetime import timedelta

from models.policy import Policy
from models.policy.geofence_violation import GeofenceViolation
from worker.rules.evidence import distance, done, found, nothing
from worker.rules.fences import outside_m, radius_m
from worker.rules.finding import Finding, Findings
from worker.rules.geometry import Place, fix_of, slack_m
from worker.rules.one_tap import fix_of_tap
from worker.rules.window import Punch, Site, Window

TYPE = "GEOFENCE_VIOLATION"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        policy, site = window.policy_of(punch), window.site(punch.site_id, punch.occurred_at)
        fix, allowed = fix_of(punch), 2 * slack_m(punch.accuracy_m, policy)
        outside = outside_m(window, fix, site, policy) if fix and site else None
        if site and outside is not None and outside > allowed:
            yield from _outside(window, punch, site, outside, allowed)
        elif window.explaining:
            yield nothing(punch, TYPE, "outside_fence", _why_not(fix, outside, allowed))


def _outside(window: Window, punch: Punch, site: Site, outside: float, allowed: float) -> Findings:
    policy = window.policy_of(punch)
    coarse, cached = _is_coarse(punch, outside, policy), _cached_from(window, punch, policy)
    stale = _is_stale(window, punch)
    if not coarse and not cached and not stale:
        yield _finding(window, punch, site, outside, allowed, "outside_fence")
    if coarse:
        yield _finding(window, punch, site, outside, allowed, "coarse_fix_outside")
    if cached:
        yield _finding(window, punch, site, outside, allowed, "cached_fix_outside", cached)
    if stale:
        yield _finding(window, punch, site, outside, allowed, "stale_fix")


def _is_coarse(punch: Punch, outside: float, policy: Policy) -> bool:
    claimed = punch.accuracy_m
    return (
        claimed is not None
        and claimed > policy.gps_accuracy_cap_m
        and outside <= 2 * min(claimed, policy.coarse_fix_cap_m)
    )


def _is_stale(window: Window, punch: Punch) -> bool:
    """Whether a later fix of the same tap is within the fence."""
    later = fix_of_tap(window, punch)
    if later is None or not window.comes_before(punch, later):
        return False
    policy, site = window.policy_of(later), window.site(later.site_id, later.occurred_at)
    fix = fix_of(later)
    outside = outside_m(window, fix, site, policy) if fix and site else None
    return outside is not None and outside <= 2 * slack_m(later.accuracy_m, policy)


def _cached_from(window: Window, punch: Punch, policy: Policy) -> Punch | None:
    """The person's previous punch, at another site, whose fix this one repeats."""
    before = window.previous(punch)
    if before is None or before.site_id == punch.site_id:
        return None
    same = (before.latitude, before.longitude, before.accuracy_m) == (
        punch.latitude,
        punch.longitude,
        punch.accuracy_m,
    )
    recent = punch.occurred_at - before.occurred_at <= timedelta(
        minutes=policy.of(GeofenceViolation).cached_fix_minutes
    )
    return before if same and recent else None


def _finding(
    window: Window,
    punch: Punch,
    site: Site,
    outside: float,
    limit: float,
    reason: str,
    cached: Punch | None = None,
) -> Finding:
    policy = window.policy_of(punch)
    own = policy.of(GeofenceViolation)
    severities = {
        "outside_fence": own.outside_fence_severity,
        "coarse_fix_outside": own.coarse_fix_outside_severity,
        "cached_fix_outside": own.cached_fix_outside_severity,
        "stale_fix": own.stale_fix_severity,
    }
    repeats = "; the fix is the one of a punch at another site shortly before" if cached else ""
    if reason == "stale_fix":
        repeats = "; a later fix of the same tap is within it"
    return found(
        window,
        punch,
        TYPE,
        reason,
        severities[reason],
        0.90 if reason == "outside_fence" else 0.40,
        f"{done(punch)} {distance(outside)} outside {_fence(site, policy)} of {site.name} "
        f"({_accuracy(punch)}){repeats}.",
        observed=outside,
        limit=limit,
        unit="m",
        punches=[cached] if cached else [],
        accuracy_m=punch.accuracy_m,
    )


def _fence(site: Site, policy: Policy) -> str:
    return (
        "the boundary" if site.boundary is not None else f"the {radius_m(site, policy):g} m fence"
    )


def _accuracy(punch: Punch) -> str:
    return (
        "GPS accuracy unknown"
        if punch.accuracy_m is None
        else f"GPS accuracy {punch.accuracy_m:g} m"
    )


def _why_not(fix: Place | None, outside: float | None, allowed: float) -> str:
    if fix is None:
        return "it has no possible fix"
    if outside is None:
        return "the site has neither a boundary nor a place"
    return (
        f"{outside:.0f} m outside is within twice the accuracy, {allowed:g} m"
        if outside
        else "it is within the fence"
    )

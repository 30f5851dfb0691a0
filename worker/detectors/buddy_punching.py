"""Buddy Punching Detected: somebody punched for somebody else.

Looks at: other uses of the punch's device, whose device it is, and where the same person's
biometrics were taken. The subject is each of the punches.

- `same_device` (CRITICAL 0.95): one device declared `shared: false` used by two people within
  `buddy_window_minutes`, unless both were shown live by biometrics: face, fingerprint or iris,
  score and liveness present and at or above their minimum, no other match.
- `same_undeclared_device` (LOW 0.40): the same on a device that the roster does not name.
- `anothers_device` (HIGH 0.80): a device registered to somebody else.
- `two_places_at_once` (CRITICAL 0.95): one person's biometrics (the matched person's, else the
  claimed one's) taken at two sites within the window, unless a check-out is followed by a check-in
  (a tap may be either) and the way passes the measure of `too_far_too_soon`. Of two that do not
  name the same device the clocks may differ by `clock_slack_seconds`: by as much a check-in may
  seem to come first.

People queue at kiosks, seconds apart, every day: on a shared device nothing is inferred from time
alone. An undeclared device that `kiosk_people` or more people used within 7 days of the punch,
before or after, is taken as shared, and the tenant is told once, as a finding
`UNDECLARED_SHARED_DEVICE`. Of more than ten punches that one rests on, the evidence names the
nearest ten and counts all of them as `others`.

Policy: `same_device_severity`, `same_undeclared_device_severity`, `anothers_device_severity`,
`two_places_at_once_severity`, `buddy_window_minutes` (5), `kiosk_people` (5), `biometric_min_score`
(0.70), `biometric_min_liveness` (0.50), `min_travel_km` (1), `max_travel_speed_kmh` (150),
`clock_slack_seconds` (120), `gps_accuracy_cap_m` (100), `coarse_fix_cap_m` (1,000). On two real
kiosk logs the next punch on a device is another person's within 10 s in 9 % and 27 % of cases.

Cannot tell: a punch without a device or biometrics; cards and numbers that were lent, on a shared
device.
"""

from collections.abc import Callable
from datetime import timedelta

from models.ids import Id
from models.policy import Policy
from models.policy.buddy_punching import BuddyPunching
from worker.rules.biometrics import shown_live, whose
from worker.rules.bodies import impossible_uses
from worker.rules.evidence import done, duration, found, nothing
from worker.rules.finding import Finding, Findings
from worker.rules.uses import Others, Uses
from worker.rules.window import Punch, Window, in_order

TYPE = "BUDDY_PUNCHING"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        policy = window.policy_of(punch)
        yield from _same_device(window, punch, policy)
        yield from _anothers_device(window, punch, policy)
        yield from _two_places(window, punch, policy)


def _same_device(window: Window, punch: Punch, policy: Policy) -> Findings:
    silent = _why_not_told(window, punch, policy)
    unproved = None if silent else _unproved(window, punch, policy)
    if unproved and unproved.total:
        yield _shared(window, punch, policy, unproved)
    elif window.explaining:
        reason = (
            "same_device"
            if window.device(punch.device_id, punch.occurred_at)
            else "same_undeclared_device"
        )
        because = (
            "both people were shown live by biometrics"
            if not silent and _by_others(window, punch, policy, _anybody).total
            else "nobody else used the device within the window"
        )
        yield nothing(punch, TYPE, reason, silent or because)


def _why_not_told(window: Window, punch: Punch, policy: Policy) -> str:
    if punch.device_id is None:
        return "it names no device"
    device = window.device(punch.device_id, punch.occurred_at)
    if device and device.shared:
        return "the device is declared as shared"
    people = window.device_people.get(punch.punch_id, 0)
    if device is None and people >= policy.of(BuddyPunching).kiosk_people:
        return f"{people} people used the undeclared device within 7 days: it is taken as shared"
    return ""


def _unproved(window: Window, punch: Punch, policy: Policy) -> Others:
    """Return the uses by others of which this punch and they were not both shown live."""
    if not shown_live(punch, policy):
        return _by_others(window, punch, policy, _anybody)
    return _by_others(window, punch, policy, _not_live)


def _by_others(
    window: Window, punch: Punch, policy: Policy, which: Callable[[Punch, Policy], bool]
) -> Others:
    """Return the uses of the punch's device by others within the buddy window, of those that
    `which` says.
    """
    key = (
        "uses",
        punch.device_id,
        which,
        policy.biometric_min_score,
        policy.biometric_min_liveness,
    )
    if key not in window.memo:
        uses = window.device_uses.get(punch.device_id or "", ())
        window.memo[key] = Uses([use for use in uses if which(use, policy)], _person)
    uses_of_device: Uses = window.memo[key]
    at, within = punch.occurred_at, _buddy_window(policy)
    places = uses_of_device.places(at - within, at + within)
    return uses_of_device.others(punch.person_id, at, *places)


def _anybody(_use: Punch, _policy: Policy) -> bool:
    return True


def _not_live(use: Punch, policy: Policy) -> bool:
    return not shown_live(use, policy)


def _person(use: Punch) -> Id:
    return use.person_id


def _shared(window: Window, punch: Punch, policy: Policy, uses: Others) -> Finding:
    own = policy.of(BuddyPunching)
    declared = window.device(punch.device_id, punch.occurred_at)
    nearest = uses.nearest[0]
    apart = abs(nearest.occurred_at - punch.occurred_at).total_seconds()
    who = _who(window, punch, nearest)
    device = f"a {'personal' if declared else 'not declared'} device"
    return found(
        window,
        punch,
        TYPE,
        "same_device" if declared else "same_undeclared_device",
        own.same_device_severity if declared else own.same_undeclared_device_severity,
        0.95 if declared else 0.40,
        f"{done(punch)} on {device} that {who} used {duration(apart)} apart; "
        f"people who share one are expected more than {own.buddy_window_minutes:g} min apart.",
        observed=apart,
        limit=own.buddy_window_minutes * 60,
        unit="s",
        punches=sorted(uses.nearest, key=in_order),
        others=uses.total,
        device_id=punch.device_id,
    )


def _who(window: Window, punch: Punch, other: Punch) -> str:
    if other.site_id != punch.site_id:
        return "somebody at another site"
    return window.name_of(other) or f"person {other.person_id}"


def _anothers_device(window: Window, punch: Punch, policy: Policy) -> Findings:
    device = window.device(punch.device_id, punch.occurred_at)
    if (
        device
        and not device.shared
        and device.person_id is not None
        and device.person_id != punch.person_id
    ):
        owner = window.called(device.person_id, punch.occurred_at)
        yield found(
            window,
            punch,
            TYPE,
            "anothers_device",
            policy.of(BuddyPunching).anothers_device_severity,
            0.80,
            f"{done(punch)} as person {punch.person_id} on the device registered to {owner}.",
            observed=str(punch.person_id),
            limit=str(device.person_id),
            device_id=punch.device_id,
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "anothers_device", "the device is registered to nobody else")


def _two_places(window: Window, punch: Punch, policy: Policy) -> Findings:
    person_id, within = whose(punch), _buddy_window(policy)
    impossible = (
        impossible_uses(window, person_id, punch, within, policy)
        if person_id is not None and person_id in window.biometric_uses
        else None
    )
    if impossible and impossible.total:
        apart = abs(impossible.nearest[0].occurred_at - punch.occurred_at).total_seconds()
        yield found(
            window,
            punch,
            TYPE,
            "two_places_at_once",
            policy.of(BuddyPunching).two_places_at_once_severity,
            0.95,
            f"{done(punch)} by {punch.biometric_method}, and the same person's were taken at "
            f"another site {duration(apart)} apart.",
            observed=apart,
            limit=within.total_seconds(),
            unit="s",
            punches=sorted(impossible.nearest, key=in_order),
            others=impossible.total,
            other="another site",
        )
    elif window.explaining:
        because = _why_not_two(window, person_id, punch, within)
        yield nothing(punch, TYPE, "two_places_at_once", because)


def _why_not_two(window: Window, person_id: Id | None, punch: Punch, within: timedelta) -> str:
    if person_id is None:
        return "it has no biometrics"
    went = any(
        use.site_id != punch.site_id and abs(use.occurred_at - punch.occurred_at) <= within
        for use in window.biometric_uses.get(person_id, ())
    )
    return (
        "there was time for the way between"
        if went
        else "the person's biometrics were taken nowhere else within the window"
    )


def _buddy_window(policy: Policy) -> timedelta:
    return timedelta(minutes=policy.of(BuddyPunching).buddy_window_minutes)

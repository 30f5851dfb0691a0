"""Policy: every threshold, weight, severity and switch of detection, with its default.

A tenant's and, over it, a site's override each by key.

The names are those of the definitions (docs/detection). Hours, minutes, metres, kilometres and kilometres an hour as the
names say; shares are 0..1. A type is `on`, `off`, or in `shadow`: stored, never alerted or sent, and left out of the score.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Mode = Literal["on", "off", "shadow"]
Severity = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
Share = Annotated[float, Field(ge=0, le=1)]
# Bounds keep the reach of one punch in time, and so the cost of judging it, finite.
Minutes = Annotated[float, Field(ge=0, le=1_440)]
Hours = Annotated[float, Field(ge=0, le=72)]
Metres = Annotated[float, Field(ge=0, le=100_000)]
Kilometres = Annotated[float, Field(ge=0, le=20_040)]
Wait = Annotated[float, Field(gt=0, le=43_200)]  # minutes, up to 30 days
Speed = Annotated[float, Field(ge=1, le=100_000)]


class EscalationStep(BaseModel):
    """To whom an alert goes that nobody acknowledged, and how long that step waits after the one before it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    role: Annotated[str, Field(min_length=1, max_length=100)]
    after_minutes: Annotated[float, Field(gt=0, le=43_200)] | None = None


class Policy(BaseModel):
    """The defaults are the definitions'."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    wrong_person: Mode = "on"
    unauthorized_site: Mode = "on"
    impossible_shifts: Mode = "on"
    overtime_violation: Mode = "on"
    buddy_punching: Mode = "on"
    gps_spoofing: Mode = "on"
    geofence_violation: Mode = "on"
    biometric_anomaly: Mode = "on"
    schedule_mismatch: Mode = "on"

    wrong_person_weight: Share = 0.80
    unauthorized_site_weight: Share = 0.70
    impossible_shifts_weight: Share = 0.85
    overtime_violation_weight: Share = 0.30
    buddy_punching_weight: Share = 0.90
    gps_spoofing_weight: Share = 0.85
    geofence_violation_weight: Share = 0.50
    biometric_anomaly_weight: Share = 0.60
    schedule_mismatch_weight: Share = 0.20

    # Places.
    gps_accuracy_cap_m: Metres = 100
    coarse_fix_cap_m: Metres = 1_000
    default_radius_m: Metres = 200
    cached_fix_minutes: Minutes = 30
    min_travel_km: Kilometres = 1
    max_travel_speed_kmh: Speed = 150
    teleport_min_km: Kilometres = 5
    teleport_speed_kmh: Annotated[float, Field(ge=100, le=100_000)] = 1_000

    # Spells and shifts.
    repeat_minutes: Minutes = 10
    max_spell_hours: Hours = 36
    max_work_hours: Hours = 16
    missing_check_out_after_hours: Hours = 6
    holdover_minutes: Minutes = 120
    early_window_minutes: Minutes = 60
    early_limit_hours: Annotated[float, Field(ge=0, le=24)] = 4
    grace_minutes: Minutes = 15
    # Up to a year: it reaches back from the moment, and makes no punch dearer. Who enters days after the fact needs it long.
    no_show_after_minutes: Annotated[float, Field(ge=0, le=527_040)] = 30

    # Devices and biometrics.
    buddy_window_minutes: Annotated[float, Field(ge=0, le=60)] = 5
    kiosk_people: Annotated[int, Field(ge=2, le=1_000)] = 5
    biometric_min_liveness: Share = 0.50
    biometric_min_score: Share = 0.70
    biometric_z: Annotated[float, Field(gt=0, le=100)] = 4

    # Severity of each reason. Where a reason has a milder case, that case has its own.
    face_is_another_person_severity: Severity = "CRITICAL"
    in_place_of_severity: Severity = "HIGH"
    unknown_person_severity: Severity = "CRITICAL"
    unauthorized_severity: Severity = "CRITICAL"
    too_far_too_soon_severity: Severity = "CRITICAL"
    overlapping_severity: Severity = "CRITICAL"
    worked_too_long_severity: Severity = "HIGH"
    still_working_severity: Severity = "HIGH"
    forgotten_check_out_severity: Severity = "LOW"
    same_device_severity: Severity = "CRITICAL"
    same_undeclared_device_severity: Severity = "LOW"
    anothers_device_severity: Severity = "HIGH"
    two_places_at_once_severity: Severity = "CRITICAL"
    mock_location_severity: Severity = "CRITICAL"
    impossible_coordinates_severity: Severity = "CRITICAL"
    teleport_severity: Severity = "CRITICAL"
    outside_fence_severity: Severity = "HIGH"
    coarse_fix_outside_severity: Severity = "LOW"
    cached_fix_outside_severity: Severity = "LOW"
    not_live_severity: Severity = "HIGH"
    low_score_severity: Severity = "MEDIUM"
    below_own_baseline_severity: Severity = "MEDIUM"
    late_severity: Severity = "LOW"
    left_early_severity: Severity = "LOW"
    early_severity: Severity = "LOW"
    wrong_site_severity: Severity = "HIGH"
    unscheduled_severity: Severity = "MEDIUM"
    no_show_severity: Severity = "HIGH"
    missing_check_out_severity: Severity = "LOW"

    # How far back a change of roster or policy, and the sweep, re-judge.
    rejudge_days: Annotated[int, Field(ge=1, le=366)] = 35
    # Alerts of one person, device or site within this time carry a common correlation_id.
    correlation_minutes: Annotated[float, Field(gt=0, le=1_440)] = 30
    # How long an alert may stand unacknowledged before it escalates, by severity; then to whom, step by step.
    escalate_low_minutes: Wait = 120
    escalate_medium_minutes: Wait = 60
    escalate_high_minutes: Wait = 30
    escalate_critical_minutes: Wait = 15
    escalation_chain: Annotated[list[EscalationStep], Field(max_length=5)] = [EscalationStep(role="admin")]
    # An alert taken up falls back to NEW after this time without a move or note; never where it is not set.
    relapse_minutes: Wait | None = None

    def escalate_after(self, severity: str) -> float:
        """Minutes that an alert of this severity may stand unacknowledged."""
        return float(getattr(self, f"escalate_{severity.lower()}_minutes"))


DEFAULT_POLICY = Policy()


def validate(policy: object) -> list[str]:
    """What is wrong with a policy somebody sent, one clear sentence each; empty where nothing is. A null clears a key."""
    if not isinstance(policy, Mapping):
        return ["policy: must be an object of policy keys"]
    problems = [f"policy: {name!r} is no key; keys are text" for name in policy if not isinstance(name, str)]
    given = {name: value for name, value in policy.items() if isinstance(name, str) and value is not None}
    unknown = sorted(name for name in policy if isinstance(name, str) and name not in Policy.model_fields)
    problems += [f"policy.{name}: is no policy of ours{_nearest(name)}" for name in unknown]
    try:
        Policy.model_validate({name: value for name, value in given.items() if name not in unknown})
    except ValidationError as error:
        problems += [f"policy.{detail['loc'][0]}: {detail['msg']}, got {detail['input']!r:.80}" for detail in error.errors()]
    return problems


def merged(tenant: Mapping[str, Any], site: Mapping[str, Any] | None = None) -> Policy:
    """The policy in force: the site's keys over the tenant's over the defaults.

    Raises pydantic.ValidationError where `validate` was not asked before storing.
    """
    keys = {**tenant, **{name: value for name, value in (site or {}).items() if value is not None}}
    return Policy.model_validate({name: value for name, value in keys.items() if value is not None})


def _nearest(name: str) -> str:
    near = get_close_matches(name, Policy.model_fields, n=1)
    return f"; did you mean {near[0]}?" if near else ""

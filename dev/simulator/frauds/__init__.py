"""Frauds to plant on an honest day: a planter for each reason of the nine types, named as the
reason is.

A planter changes the day (it picks a visit by `Day.pick` and tampers with it) and returns what must
be found on it; [] where the day offered no chance. Two frauds never share a visit.
"""

from collections.abc import Callable

from dev.simulator.day import Day
from dev.simulator.frauds import (
    biometric_anomaly,
    buddy_punching,
    geofence_violation,
    gps_spoofing,
    impossible_shifts,
    overtime_violation,
    schedule_mismatch,
    unauthorized_site,
    wrong_person,
)
from dev.simulator.rows import Expected

Planter = Callable[[Day], list[Expected]]

PLANTERS: dict[str, Planter] = {
    planter.__name__: planter
    for planter in (
        biometric_anomaly.below_own_baseline,
        biometric_anomaly.low_score,
        biometric_anomaly.not_live,
        buddy_punching.anothers_device,
        buddy_punching.same_device,
        buddy_punching.same_undeclared_device,
        buddy_punching.two_places_at_once,
        geofence_violation.cached_fix_outside,
        geofence_violation.coarse_fix_outside,
        geofence_violation.outside_fence,
        gps_spoofing.impossible_coordinates,
        gps_spoofing.mock_location,
        gps_spoofing.teleport,
        impossible_shifts.overlapping,
        impossible_shifts.too_far_too_soon,
        overtime_violation.still_working,
        overtime_violation.worked_too_long,
        schedule_mismatch.early,
        schedule_mismatch.late,
        schedule_mismatch.left_early,
        schedule_mismatch.missing_check_out,
        schedule_mismatch.no_show,
        schedule_mismatch.on_leave,
        schedule_mismatch.unscheduled,
        schedule_mismatch.wrong_site,
        unauthorized_site.not_assigned,
        unauthorized_site.unknown_person,
        wrong_person.face_is_another_person,
        wrong_person.in_place_of,
    )
}


def plant(day: Day, reason: str) -> list[Expected]:
    """Plant one fraud; return what must be found of it, and add that to what the day expects."""
    expected = PLANTERS[reason](day)
    day.expected += expected
    return expected

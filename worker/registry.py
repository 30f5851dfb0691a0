"""The detectors there are. A new type is three edits: its file in worker/detectors, a line here, its test."""

from worker.detectors import (
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

DETECTORS = (
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

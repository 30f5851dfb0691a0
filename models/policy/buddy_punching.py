"""The policy of Buddy Punching Detected."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class BuddyPunching(TypePolicy):
    weight: Share = 0.90

    buddy_window_minutes: Annotated[float, Field(ge=0, le=60)] = 5
    kiosk_people: Annotated[int, Field(ge=2, le=1_000)] = 5

    same_device_severity: Severity = "CRITICAL"
    same_undeclared_device_severity: Severity = "LOW"
    anothers_device_severity: Severity = "HIGH"
    two_places_at_once_severity: Severity = "CRITICAL"

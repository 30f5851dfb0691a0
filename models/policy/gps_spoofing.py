"""The policy of GPS Spoofing Suspected."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Kilometres, Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class GpsSpoofing(TypePolicy):
    weight: Share = 0.85

    teleport_min_km: Kilometres = 5
    teleport_speed_kmh: Annotated[float, Field(ge=100, le=100_000)] = 1_000

    mock_location_severity: Severity = "CRITICAL"
    impossible_coordinates_severity: Severity = "CRITICAL"
    teleport_severity: Severity = "CRITICAL"

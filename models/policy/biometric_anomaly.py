"""The policy of Biometric Pattern Anomaly."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class BiometricAnomaly(TypePolicy):
    weight: Share = 0.60

    biometric_z: Annotated[float, Field(gt=0, le=100)] = 4

    not_live_severity: Severity = "HIGH"
    low_score_severity: Severity = "MEDIUM"
    below_own_baseline_severity: Severity = "MEDIUM"

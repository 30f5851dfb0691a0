"""The policy of biometrics: when they show that it was this very person, alive."""

from models.policy.measures import Share
from models.policy.part import Part


class Biometrics(Part):
    biometric_min_liveness: Share = 0.50
    biometric_min_score: Share = 0.70

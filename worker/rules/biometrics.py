"""Which biometrics tell who somebody is: face, finger and iris; cards and numbers can be lent."""

from models.ids import Id
from models.policy import Policy
from worker.rules.window import Punch

BODILY = frozenset(("face", "fingerprint", "iris"))
LEAST_SCORES = 10  # a baseline of fewer is none
LEAST_DEVIATION = 0.02  # a reader's own noise


def is_bodily(punch: Punch) -> bool:
    return punch.biometric_method in BODILY


def whose(punch: Punch) -> Id | None:
    """Return whose biometrics were taken: the matched person's, else the claimed one's; None where
    none were.
    """
    if not is_bodily(punch):
        return None
    return punch.person_id if punch.biometric_person_id is None else punch.biometric_person_id


def shown_live(punch: Punch, policy: Policy) -> bool:
    """Whether biometrics show that this very person was there, alive."""
    return (
        is_bodily(punch)
        and punch.biometric_score is not None
        and punch.biometric_liveness is not None
        and punch.biometric_score >= policy.biometric_min_score
        and punch.biometric_liveness >= policy.biometric_min_liveness
        and punch.biometric_person_id in (None, punch.person_id)
    )

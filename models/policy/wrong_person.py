"""The policy of Wrong Person at Site."""

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class WrongPerson(TypePolicy):
    weight: Share = 0.80

    face_is_another_person_severity: Severity = "CRITICAL"
    in_place_of_severity: Severity = "HIGH"

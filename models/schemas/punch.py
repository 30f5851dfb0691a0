"""A punch as a clock, phone or kiosk reports it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from models.schemas.fields import DeviceId, Id, Incoming, Instant, Share, Text, TextId


def _measured(accuracy: object) -> object:
    """iOS says -1 of a place it does not have: that is no accuracy, and the same content as without."""
    return None if type(accuracy) in (int, float) and accuracy == -1 else accuracy


Accuracy = Annotated[
    Annotated[float, Field(ge=0)] | None, BeforeValidator(_measured), Field(description="Metres, 68 %; -1 is the same as none.")
]


class Biometric(Incoming):
    """What the reader made of the person: `score` of the match and `liveness`, 0 to 1, and whom it took them for."""

    method: Literal["face", "fingerprint", "iris", "card", "pin"] | None = None
    score: Share | None = None
    liveness: Share | None = None
    matched_person_id: Id | None = None


class Punch(Incoming):
    """One check-in or check-out. Degrees and metres; impossible coordinates are for detection, so any finite number passes."""

    punch_id: TextId
    tenant_id: Id
    person_id: Id
    site_id: Id
    kind: Literal["check_in", "check_out"]
    occurred_at: Instant
    person_name: Text | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: Accuracy = None
    is_mock_location: bool | None = None
    device_id: DeviceId | None = None
    biometric: Biometric | None = None
    schema_version: Annotated[int, Field(ge=1, le=1)] | None = 1
    sent_at: Instant | None = None

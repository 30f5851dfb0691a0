"""What changed, as keys: they tell which subjects may have another outcome now."""

from datetime import datetime
from typing import Any, NamedTuple


class TouchedPunch(NamedTuple):
    """A version of a punch that came or went: submitted, corrected away or to, or voided."""

    punch_id: str
    person_id: int
    site_id: int
    occurred_at: datetime
    device_id: str | None
    biometric_person_id: int | None
    # the correction or void behind it (models.intake.punches.cause); None of a new punch
    cause: dict[str, Any] | None = None
    received_at: datetime | None = None  # when the cause was received


class Touched(NamedTuple):
    """Everything one judgement starts from."""

    punches: tuple[TouchedPunch, ...] = ()
    # Which moments passed since the last sweep, first and last included: what was due between them
    # is looked at again.
    swept: tuple[datetime, datetime] | None = None
    # Keys of roster rows that changed, their old and new values alike; a change of a site or of the
    # tenant is spread over the people seen or expected there. Punches are looked at again from
    # `since` on (`rejudge_days`).
    people: frozenset[int] = frozenset()
    devices: frozenset[str] = frozenset()
    shifts: frozenset[str] = frozenset()
    since: datetime | None = None
    # ids of punches that did not change, and are judged again by themselves
    again: frozenset[str] = frozenset()
    # ids of shifts that did not change, and are judged by themselves
    due_shifts: frozenset[str] = frozenset()

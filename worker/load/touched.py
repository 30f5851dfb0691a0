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
    received_at: datetime | None = None  # when that came


class Touched(NamedTuple):
    """Everything one judgement starts from. Ranges of time, where given, bound the reach back
    (`rejudge_days`).
    """

    punches: tuple[TouchedPunch, ...] = ()
    # Moments that passed since the last sweep: what waits for something to happen or not and is due
    # from since to until, both included.
    swept: tuple[datetime, datetime] | None = None
    # Roster rows that changed, their old and new values alike; a site's or the tenant's is spread
    # over the people seen or expected there. Reaches back `since`.
    people: frozenset[int] = frozenset()
    devices: frozenset[str] = frozenset()
    shifts: frozenset[str] = frozenset()
    since: datetime | None = None

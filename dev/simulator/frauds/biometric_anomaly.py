"""Reads that are not a live face, or not quite the person's."""

from dev.simulator.day import Day
from dev.simulator.frauds.victims import whole, with_scores
from dev.simulator.rows import Expected, Visit

TYPE = "BIOMETRIC_ANOMALY"
_DAYS_OF_HISTORY = 14


def not_live(day: Day) -> list[Expected]:
    """A photograph in front of the camera."""
    return _read(
        day.pick(whole, with_scores), "not_live", liveness=round(day.rng.uniform(0.05, 0.4), 4)
    )


def low_score(day: Day) -> list[Expected]:
    """A bad score of somebody who reads poorly anyway: it widens a baseline for a month, and hides
    what would stand out from that.
    """
    visit = day.pick(whole, with_scores, lambda visit: visit.person.reads_poorly)
    return _read(visit, "low_score", score=round(day.rng.uniform(0.4, 0.68), 4))


def below_own_baseline(day: Day) -> list[Expected]:
    """Good enough for a stranger, but far below what this person always scores."""
    if day.history_days < _DAYS_OF_HISTORY:
        return []

    def in_turn(visit: Visit) -> bool:
        """Whether it is the person's turn, once a month: the low score itself widens the
        baseline.
        """
        return (
            (day.date.toordinal() + visit.person.person_id) % 31 == 0
            and visit.person.likeness[0] > 0.9
            and not visit.person.reads_poorly
        )

    visit = day.pick(whole, with_scores, in_turn)
    return _read(visit, "below_own_baseline", score=round(day.rng.uniform(0.71, 0.76), 4))


def _read(visit: Visit | None, reason: str, **values: float) -> list[Expected]:
    if not visit or not visit.check_in.biometric:
        return []
    visit.check_in.biometric |= values
    return [Expected(TYPE, reason, visit.check_in.punch_id)]

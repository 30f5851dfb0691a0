"""Somebody else works than the clock recognises, or than the roster expects."""

from dev.simulator.day import Day
from dev.simulator.frauds.victims import on_day_shift, rested, whole, with_scores
from dev.simulator.rows import Expected

TYPE = "WRONG_PERSON"


def face_is_another_person(day: Day) -> list[Expected]:
    """The kiosk recognises a colleague of the same site."""
    visit = day.pick(whole, with_scores)
    if not visit:
        return []
    colleague = next(
        person for person in day.company.staff_of(visit.site.site_id) if person != visit.person
    )
    assert visit.check_in.biometric
    visit.check_in.biometric |= {
        "matched_person_id": colleague.person_id,
        "score": round(day.rng.uniform(0.86, 0.97), 4),
    }
    return [Expected(TYPE, "face_is_another_person", visit.check_in.punch_id)]


def in_place_of(day: Day) -> list[Expected]:
    """A colleague who is off works the shift, and nobody entered that in the roster."""
    visit = day.pick(whole, on_day_shift, rested(day))
    substitute = day.free(visit.site) if visit else None
    if not visit or not substitute:
        return []
    stand_in = day.stay(substitute, visit.site, [(punch.kind, punch.at) for punch in visit.punches])
    visit.punches = []
    missed = Expected("SCHEDULE_MISMATCH", "stood_in_for", shift_id=visit.shifts[0].shift_id)
    return [Expected(TYPE, "in_place_of", stand_in.check_in.punch_id), missed]

"""People where they have no business to be."""

from datetime import timedelta

from dev.simulator.company import Person
from dev.simulator.day import Day
from dev.simulator.frauds.victims import whole
from dev.simulator.rota import is_free
from dev.simulator.rows import Expected

TYPE = "UNAUTHORIZED_SITE"


def unknown_person(day: Day) -> list[Expected]:
    """A badge no roster knows, beside somebody's honest visit."""
    beside = day.pick(whole)
    if not beside:
        return []
    number = 800_000_000 + day.date.toordinal() * 100 + day.rng.randrange(100)
    stranger = Person(
        number,
        "Unlisted badge",
        "stranger",
        0,
        (beside.site.site_id,),
        None,
        False,
        (0.9, 0.01),
        False,
    )
    start = beside.starts_at + timedelta(minutes=day.rng.randint(80, 150))
    stay = day.stay(
        stranger,
        beside.site,
        [("check_in", start), ("check_out", start + timedelta(minutes=day.rng.randint(20, 90)))],
    )
    return [Expected(TYPE, "unknown_person", stay.check_in.punch_id)]


def not_assigned(day: Day) -> list[Expected]:
    """Somebody off duty spends an hour or two at another site of the city, where they have no
    assignment.
    """
    beside = day.pick(whole, lambda visit: bool(day.company.neighbours(visit.site.site_id)))
    if not beside:
        return []
    homes = day.company.neighbours(beside.site.site_id)
    off = [
        person
        for home in homes
        for person in day.company.staff_of(home.site_id)
        if person.person_id not in day.busy and is_free(home, person, day.date)
    ]
    if not off:
        return []
    start = beside.starts_at + timedelta(minutes=day.rng.randint(80, 150))
    stay = day.stay(
        day.rng.choice(off),
        beside.site,
        [("check_in", start), ("check_out", start + timedelta(minutes=day.rng.randint(60, 120)))],
    )
    return [Expected(TYPE, "not_assigned", stay.check_in.punch_id)]

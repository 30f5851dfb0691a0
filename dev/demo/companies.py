"""The companies of the demo: Acme with ten sites in five cities and two desks on the real clock,
and Globex, which must see nothing of Acme.

An edition is one run of days. The next edition has the same sites and other people, so that its
days may fall on the same dates.
"""

from dataclasses import replace
from typing import Any

from dev.simulator.company import Company, Person, Site
from dev.simulator.founding import found_company
from dev.simulator.places import CITIES

ACME, GLOBEX = 1, 2
DESK, ON_CALL = 11, 12  # sites of Acme whose punches happen now
DESK_PEOPLE, ON_CALL_PEOPLE = 14, 18
# Simulated days are judged days after they happened, and a day's shifts come before its punches:
# with the usual half hour every one of them would be a no-show for a moment. The sites on the real
# clock keep the half hour.
_POLICY = {"no_show_after_minutes": 525_600}
_ON_REAL_CLOCK = {"no_show_after_minutes": 30}
_ROUND_THE_CLOCK = ("three_shifts", "two_shifts", "three_shifts")
_PEOPLE_PER_EDITION = 1_000


def companies(edition: int) -> list[Company]:
    return [_acme(edition), _globex(edition)]


def opening_roster(company: Company) -> dict[str, Any]:
    """The roster without the simulated days' shifts."""
    roster = company.roster()
    for site in roster["sites"]:
        if company.tenant_id == ACME and site["site_id"] in (DESK, ON_CALL):
            site["policy"] = _ON_REAL_CLOCK
    return roster


def on_real_clock(company: Company, site_id: int) -> list[Person]:
    return company.staff_of(site_id, "on_real_clock")


def _acme(edition: int) -> Company:
    first = 1_001 + _PEOPLE_PER_EDITION * edition
    company = found_company(
        ACME,
        "Acme Facilities",
        seed=7,
        sites=10,
        people=88,
        cities=5,
        rotas=_ROUND_THE_CLOCK,
        first_person=first,
    )
    sites = company.sites | {
        site.site_id: site for site in (_desk(DESK, "Night Desk"), _desk(ON_CALL, "On-Call Room"))
    }
    people = (
        company.people
        | _desk_people(DESK, 501, DESK_PEOPLE)
        | _desk_people(ON_CALL, 551, ON_CALL_PEOPLE)
    )
    return replace(company, sites=sites, people=people, policy=_POLICY)


def _globex(edition: int) -> Company:
    company = found_company(
        GLOBEX,
        "Globex",
        seed=8,
        sites=2,
        people=12,
        cities=1,
        first_person=1_001 + _PEOPLE_PER_EDITION * edition,
    )
    return replace(company, policy=_POLICY)


def _desk(site_id: int, name: str) -> Site:
    city = CITIES[6]
    return Site(
        site_id=site_id,
        name=f"{city.name} {name}",
        city=city,
        latitude=city.latitude,
        longitude=city.longitude,
        rota="none",
        radius_m=200.0,
        blocks=(),
        kiosks=(f"kiosk-{site_id}-a",),
        kiosks_declared=True,
        kiosk_method="card",
        kiosk_tells_place=False,
    )


def _desk_people(site_id: int, first: int, count: int) -> dict[int, Person]:
    """The people of a desk, the same in every edition: the real clock never runs again over the
    same hours.
    """
    names = found_company(
        0, "", seed=site_id, sites=1, people=count, first_person=first
    ).people.values()
    return {
        person.person_id: replace(person, role="on_real_clock", sites=(site_id,), phone=None)
        for person in names
    }

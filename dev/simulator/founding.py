"""Founds a company: sites in clusters by city, each with a rota, a fence and clocks; people with
their habits.
"""

import itertools
import random
from collections.abc import Sequence

from dev.simulator import rates
from dev.simulator.company import Company, Person, Phone, Site
from dev.simulator.places import CITIES, Block, City, moved
from dev.simulator.rota import ROTAS

_PREMISES = {
    "office": ("Main Office", "Tower", "Campus"),
    "three_shifts": ("Data Centre", "Terminal", "Plant"),
    "twelve_hours": ("Hospital", "Clinic", "Depot"),
    "two_shifts": ("Warehouse", "Store", "Market Hall"),
}
_FIRST_NAMES = (
    "Ana Bram Chiara Deniz Elif Farid Grace Hana Ines Jonas Kofi Lena Mateo Nadia Omar Priya Quinn "
    "Rosa Sofia Tomas Uma Viktor Wanda Xavier Yara Zoltan Aisha Bruno Carmen Dmitri Esther Felix "
    "Gita Hugo Irina Julia Kenji Leila Marco Noor"
).split()
_LAST_NAMES = (
    "Almeida Baker Costa Diaz Evans Fischer Garcia Haddad Ivanov Jensen Kim Lopez Moreau Nguyen "
    "Okafor Patel Quiroga Rossi Silva Tanaka Ueda Vargas Weber Xu Yilmaz Zhang Adeyemi Brandt Chen "
    "Dubois Eriksen Ferrari Gupta Hansen Ito Jansen Kaya Lindqvist Mensah Novak"
).split()


def found_company(
    tenant_id: int,
    name: str,
    *,
    seed: int,
    sites: int,
    people: int,
    cities: int = len(CITIES),
    rotas: Sequence[str] = tuple(ROTAS),
    first_person: int = 1_001,
) -> Company:
    """Found a company of so many sites, spread over the first `cities`, two or more to a city where
    they suffice, and of so many people in all.

    Four in a hundred people are relief, four rovers, where their city has several sites. Another
    `first_person` gives other people at the same sites.
    """
    rng = random.Random(f"{seed}/sites")
    site_by_id = {}
    for index in range(sites):
        lap = index // cities
        site_by_id[index + 1] = _site(
            rng, index + 1, CITIES[index % cities], lap, rotas[(index + 1 + lap) % len(rotas)]
        )
    rng = random.Random(f"{seed}/people/{first_person}")
    person_by_id: dict[int, Person] = {}
    names = rng.sample(
        [f"{first} {last}" for first in _FIRST_NAMES for last in _LAST_NAMES], people
    )
    homes = itertools.cycle(site_by_id.values())
    for index, person_name in enumerate(names):
        person_id, home = first_person + index, next(homes)
        role = _role(index, people, home, site_by_id)
        person_by_id[person_id] = _person(
            rng, person_id, person_name, home, role, index // sites, site_by_id
        )
    return Company(tenant_id, name, seed, site_by_id, person_by_id)


def _site(rng: random.Random, number: int, city: City, lap: int, rota: str) -> Site:
    latitude, longitude = moved(
        city.latitude,
        city.longitude,
        rng.uniform(-3_000, 3_000),
        6_000 * lap + rng.uniform(-1_000, 1_000),
    )
    circle = number % 2 == 0
    return Site(
        site_id=number,
        name=f"{city.name} {_PREMISES[rota][lap % 3]}",
        city=city,
        latitude=latitude,
        longitude=longitude,
        rota=rota,
        radius_m=float(rng.choice((100, 150, 200, 300))) if circle else None,
        blocks=() if circle else _blocks(rng, several=number % 3 == 0),
        kiosks=(f"kiosk-{number}-a",),
        kiosks_declared=number % 10 != 7,
        kiosk_method=("face", "fingerprint", "card")[number % 3],
        kiosk_tells_place=number % 2 == 1,
    )


def _blocks(rng: random.Random, *, several: bool) -> tuple[Block, ...]:
    first = Block(0.0, 0.0, rng.uniform(80, 160), rng.uniform(80, 160))
    return (
        (first, Block(350.0, 120.0, rng.uniform(60, 100), rng.uniform(60, 100)))
        if several
        else (first,)
    )


def _role(index: int, people: int, home: Site, site_by_id: dict[int, Site]) -> str:
    if index >= people - people // 12 and len(_sites_of("rover", home, site_by_id)) > 1:
        return ("rover", "relief")[index % 2]
    return "staff"


def _person(
    rng: random.Random,
    person_id: int,
    name: str,
    home: Site,
    role: str,
    crew: int,
    site_by_id: dict[int, Site],
) -> Person:
    caches = rng.random() < rates.CACHING_PHONES
    phone = Phone(
        f"phone-{person_id}",
        rng.uniform(*rates.CACHE_SHARE) if caches else 0.0,
        rng.random() > 0.03,
    )
    return Person(
        person_id=person_id,
        name=name,
        role=role,
        crew=crew,
        sites=_sites_of(role, home, site_by_id),
        phone=phone if role == "rover" or rng.random() < 0.45 else None,
        phone_reads_faces=rng.random() < 0.5,
        likeness=(rng.uniform(0.88, 0.96), rng.uniform(0.008, 0.02)),
        punches_breaks=rng.random() < rates.HONEST.punches_breaks,
        reads_poorly=rng.random() < rates.POOR_READERS,
    )


def _sites_of(role: str, home: Site, site_by_id: dict[int, Site]) -> tuple[int, ...]:
    """The ids of the sites that a person of the role works at, home first."""
    neighbours = tuple(
        site.site_id for site in site_by_id.values() if site.city == home.city and site != home
    )
    return (home.site_id, *neighbours) if role != "staff" else (home.site_id,)

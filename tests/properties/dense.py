"""Generated mornings on which much happens at once, and changes of their rosters one by one.

Four people share two sites, a phone and each other's faces within two hours, so that what changes
of one row matters to the punches and shifts of others.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from models.ids import Id
from tests.properties.changing import FIRST, Told
from tests.properties.days import (
    KINDS,
    PEOPLE,
    PLACES,
    POLICIES,
    START,
    Content,
    is_roving,
)

BEGIN = START + timedelta(hours=8)
# At the limits of windows, and between them.
_MINUTES = (-60, -5, 0, 1, 4, 5, 6, 15, 30, 60, 110)
_SITES = (1, 3)
# With it everything that stands is another, so that whoever is not judged anew shows.
_GRAVER = {
    f"{reason}_severity": "CRITICAL"
    for reason in (
        *("in_place_of", "anothers_device", "outside_fence", "not_live", "low_score"),
        *("late", "left_early", "early", "wrong_site", "unscheduled", "no_show"),
        *("missing_check_out", "missing_check_in", "same_undeclared_device"),
    )
} | {"same_device_severity": "LOW", "two_places_at_once_severity": "LOW"}
_SHIFTS = ("s0", "s1")

_moments = st.sampled_from(_MINUTES).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
_people = st.sampled_from(PEOPLE)
_sites = st.sampled_from((1, 1, 3))


class DenseDay(NamedTuple):
    """What is said of the roster at first, the punches, and what comes then, each by itself.

    That are changes of the roster and further punches.
    """

    told: list[Told]
    punches: list[Content]
    then: list[Told | Content]


_bodies: st.SearchStrategy[Content | None] = st.sampled_from(
    (
        None,
        {"method": "face", "score": 0.95, "liveness": 0.9},
        {"method": "face", "score": 0.9, "matched_person_id": 1},
        {"method": "face", "score": 0.9, "matched_person_id": 2},
    )
)


@st.composite
def _punches(draw: st.DrawFn) -> list[Content]:
    """Generate punches of which a few have no fix, and are where their site is."""
    contents = []
    for number in range(draw(st.integers(4, 10))):
        site_id = draw(_sites)
        fix = {
            "latitude": PLACES[site_id][0] + draw(st.sampled_from((0, 0.004))),
            "longitude": PLACES[site_id][1],
            "accuracy_m": 5.0,
        }
        content = {
            **(fix if draw(st.booleans()) else {}),
            "punch_id": f"p{number}",
            "person_id": draw(_people),
            "site_id": site_id,
            "kind": draw(st.sampled_from(KINDS)),
            "occurred_at": draw(_moments).isoformat(),
            "device_id": draw(st.sampled_from(("phone", "phone", "stray", None))),
            "biometric": draw(_bodies),
        }
        contents.append({name: value for name, value in content.items() if value is not None})
    return contents


def _shift(shift_id: str) -> st.SearchStrategy[Content]:
    return st.builds(
        lambda person, site, start, hours, substitutes: {
            "shift_id": shift_id,
            "person_id": person,
            "site_id": site,
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=hours)).isoformat(),
            "substitutes": sorted({*substitutes} - {person}),
        },
        _people,
        _sites,
        _moments,
        st.sampled_from((1, 8)),
        st.lists(_people, max_size=2),
    )


def _assignments(person_id: Id, site_id: int) -> st.SearchStrategy[Content]:
    until = st.none() | _moments.map(datetime.isoformat)
    key = {"person_id": st.just(person_id), "site_id": st.just(site_id)}
    return st.fixed_dictionaries({**key, "valid_to": until}, optional={"roving": is_roving})


def _site(site_id: int) -> Content:
    latitude, longitude = PLACES[site_id]
    return {
        "site_id": site_id,
        "name": f"Site {site_id}",
        "timezone": "Europe/Berlin",
        "latitude": latitude,
        "longitude": longitude,
        "radius_m": 200.0,
    }


def _first(people: tuple[int, ...]) -> list[Told]:
    phone = {"device_id": "phone", "shared": False, "person_id": 1}
    rows: list[tuple[str, Content]] = [("tenant", {"name": "Acme"})]
    rows += [("sites", _site(site_id)) for site_id in _SITES]
    rows += [("people", {"person_id": number, "name": f"Person {number}"}) for number in people]
    return [Told(section, row, FIRST) for section, row in [*rows, ("devices", phone)]]


_holds: st.SearchStrategy[Content] = st.one_of(
    st.just({"correction": True}),
    *(_moments.map(lambda moment: {"effective_from": moment.isoformat()}) for _ in range(3)),
)


def _change() -> st.SearchStrategy[Told]:
    """Generate a change of a row with a past, from a moment of the morning or as a correction."""
    names = st.sampled_from(("Ada", "Bea"))
    person = st.sampled_from((1, 1, 2, 2, 3, 4)).map(lambda number: {"person_id": number})
    site = st.sampled_from(_SITES).map(lambda site_id: {"site_id": site_id})
    policies = st.sampled_from((*POLICIES[1:], *(_GRAVER for _ in POLICIES)))
    policy = policies.map(lambda policy: {"policy": policy})
    cleared = st.just({"policy": None})
    place = st.sampled_from((0, 0.004, 0.05)).map(
        lambda moved: {"latitude": PLACES[1][0] + moved, "longitude": PLACES[1][1]}
    )
    device = st.builds(
        lambda shared, owner: {"device_id": "phone", "shared": shared, "person_id": owner},
        st.sampled_from((False, False, True)),
        st.sampled_from((None, *PEOPLE)),
    )
    gone = st.just({"deleted": True})
    return st.one_of(
        _told("tenant", policy | cleared),
        _told("sites", site, policy | cleared | place | names.map(lambda name: {"name": name})),
        _told("people", person, gone | names.map(lambda name: {"name": name})),
        _told("people", person, gone | names.map(lambda name: {"name": name})),
        _told("devices", device),
    )


def _told(section: str, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    return st.tuples(*parts, _holds).map(
        lambda rows: Told(section, {name: row[name] for row in rows for name in row}, None)
    )


@st.composite
def dense_days(draw: st.DrawFn) -> DenseDay:
    """Generate a morning, and up to ten changes of what its roster said with its later plans."""
    told = _first(draw(st.sampled_from((PEOPLE, PEOPLE, (1, 2)))))
    shifts = _SHIFTS[: draw(st.integers(0, 2))]
    told += [Told("shifts", draw(_shift(shift_id)), FIRST) for shift_id in shifts]
    pairs = draw(st.lists(st.tuples(_people, _sites), min_size=1, max_size=2, unique=True))
    told += [Told("assignments", draw(_assignments(*pair)), FIRST) for pair in pairs]
    then: list[Told | Content] = [*draw(st.lists(_change(), min_size=3, max_size=10))]
    then += [Told("shifts", draw(_shift(shift_id)), None) for shift_id in shifts]
    then += [Told("assignments", draw(_assignments(*pair)), None) for pair in pairs]
    punches = draw(_punches())
    late = draw(st.integers(0, 2))
    return DenseDay(told, punches[late:], draw(st.permutations([*then, *punches[:late]])))

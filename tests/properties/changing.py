"""Generated rosters that change in time, and the working days of such companies.

People leave and return, phones are handed on, sites move, thresholds are set from a moment in the
past or for one to come; some of it is corrected, removed, purged or said again. It is said at
moments at which shifts start and end, and arrives in whatever order.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from models.ids import Id
from tests.properties.days import (
    DEVICES,
    END,
    PEOPLE,
    PLACES,
    POLICIES,
    START,
    Content,
    Submission,
    is_roving,
    punches_near,
    ring,
    shift_contents,
    with_sent_at,
)
from tests.properties.held import KINDS, Statement, key_of

FIRST = START - timedelta(days=40)  # before every punch
HOURS = (6, 8, 14, 15, 22, 30, 38, 54)


class Told(NamedTuple):
    """A row of a roster to submit, and the `sent_at` of its roster, None where it has none."""

    section: str
    row: Content
    sent_at: datetime | None

    def received(self, at: datetime) -> Statement:
        return Statement(self.row, at, self.sent_at)


class ChangingDay(NamedTuple):
    """What was said of a roster and what happened; `final_punches` is what the latter comes to."""

    told: list[Told]
    submissions: list[Submission]
    final_punches: list[Content]


class Arrivals(NamedTuple):
    """In which order all of a day arrives: batches, and as many values of all else.

    Those are the time that passes before each, and whether it is judged by itself.
    """

    batches: list[list[Told | Submission]]
    waits: list[timedelta]
    judged: list[bool]


def calls(batch: Iterable[Told]) -> list[list[Told]]:
    """Return what goes into one roster each: of one `sent_at`, with no row named twice."""
    groups: dict[tuple[datetime | None, int], list[Told]] = {}
    times: dict[tuple[str, Any, datetime | None], int] = {}
    for told in batch:
        name = told.section, key_of(told.section, told.row), told.sent_at
        times[name] = times.get(name, 0) + 1
        groups.setdefault((told.sent_at, times[name]), []).append(told)
    return list(groups.values())


def roster_of(tenant_id: Id, told: Iterable[Told]) -> Content:
    """Return the roster that says all this at once."""
    roster: Content = {"tenant": {"tenant_id": tenant_id}}
    for section, row, sent_at in told:
        if section == "tenant":
            roster["tenant"] |= row
        else:
            roster.setdefault(section, []).append(row)
        if sent_at:
            roster["sent_at"] = sent_at.isoformat()
    return roster


_hours = st.sampled_from(HOURS)
_moments = _hours.map(lambda hour: START + timedelta(hours=hour))
_dates = st.sampled_from((0, 1, 2)).map(lambda days: (START + timedelta(days=days)).date())
_effective = st.one_of(
    *(st.none() for _ in range(5)),
    _moments,
    _moments,
    _dates,
    st.just(FIRST + timedelta(days=20)),
    st.just(END + timedelta(days=20)),
)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Content]:
    """Generate rows that bring some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


_policies = st.one_of(
    st.sampled_from(POLICIES),
    st.sampled_from(POLICIES),
    st.just({"kiosk_people": None, "max_work_hours": None, "grace_minutes": None}),
    st.none(),
)
_places = st.tuples(st.sampled_from((0, 0.01)), st.booleans(), st.sampled_from((150.0, None)))


def _site_fields(site_id: int) -> tuple[st.SearchStrategy[Content], st.SearchStrategy[Content]]:
    """Generate what a site's first row says, and what later ones do."""
    latitude, longitude = PLACES[site_id]

    def placed(place: tuple[float, bool, float | None]) -> Content:
        moved, fenced, radius = place
        return {
            "latitude": latitude + moved,
            "longitude": longitude,
            "boundary": ring(latitude, longitude) if fenced else None,
            "radius_m": radius,
        }

    names = st.sampled_from(("Main Office", "Depot"))
    zones = st.sampled_from(("Europe/Berlin", "America/New_York"))
    policies = st.sampled_from(({}, {}, *POLICIES))
    first = st.builds(
        lambda name, zone, place, policy: {
            "name": name,
            "timezone": zone,
            "policy": policy,
            **placed(place),
        },
        names,
        zones,
        _places,
        policies,
    )
    later = st.one_of(
        _places.map(placed),
        _some(name=names, radius_m=st.sampled_from((150.0, 2000.0, None)), policy=_policies),
        _some(policy=_policies, timezone=zones),
    )
    return first, later


_person = st.sampled_from(("Ada", "Bea", "Cleo")).map(lambda name: {"name": name})
_device = st.builds(
    lambda shared, person: {"shared": shared, "person_id": person},
    st.booleans(),
    st.sampled_from((None, 1, 2)),
)
_device_later = _some(shared=st.booleans(), person_id=st.sampled_from((None, 1, 2)))
_tenant = st.builds(
    lambda policy, complete: {"name": "Acme", "policy": policy, **complete},
    st.sampled_from(({}, {}, *POLICIES)),
    st.sampled_from(({}, {}, {"roster_complete": False}, {"roster_complete": True})),
)
_tenant_later = st.one_of(
    _some(policy=_policies, name=st.sampled_from(("Acme", "Acme Ltd"))),
    st.just({"roster_complete": True}),
)
_until = st.sampled_from(
    (None, None, (START + timedelta(hours=8)).isoformat(), START.date().isoformat())
)
_assignment = st.fixed_dictionaries({"valid_to": _until}, optional={"roving": is_roving})

SHIFTS = tuple(f"s{number}" for number in range(4))


class _Row(NamedTuple):
    """How the statements about one row are generated: the first by its sender's clock is whole."""

    section: str
    key: Content
    first: st.SearchStrategy[Content]
    later: st.SearchStrategy[Content]
    has_past: bool = True
    may_go: bool = True
    goes: tuple[bool, ...] = (False, False, True)  # how often, if it may


def _rows(people: tuple[int, ...]) -> list[_Row]:
    rows = [_Row("sites", {"site_id": site}, *_site_fields(site), may_go=False) for site in PLACES]
    rows += [_Row("people", {"person_id": person}, _person, _person) for person in people]
    return rows + [
        _Row("devices", {"device_id": device}, _device, _device_later) for device in DEVICES[:2]
    ]


@st.composite
def _plans(draw: st.DrawFn) -> list[_Row]:
    """Generate shifts and assignments, which carry their own times."""
    rows = [
        _Row("shifts", {"shift_id": shift}, shift_contents, shift_contents, has_past=False)
        for shift in SHIFTS[: draw(st.integers(0, 4))]
    ]
    pairs = st.tuples(st.sampled_from(PEOPLE), st.sampled_from((1, 1, *PLACES)))
    for person_id, site_id in draw(st.lists(pairs, max_size=4, unique=True)):
        key = {"person_id": person_id, "site_id": site_id}
        row = _Row("assignments", key, _assignment, _assignment, has_past=False)
        rows.append(row._replace(goes=(False, True)))
    return rows


@st.composite
def rosters(draw: st.DrawFn, *, rows_may_go: bool = False, plans: bool = True) -> list[Told]:
    """Generate what is said of a roster, the tenant's first row first.

    Sites were there since ever and stay, unless `rows_may_go`: a punch at a site that was not there
    is not stored. So they have a `sent_at`, by which what is whole was said first.
    """
    told = _statements(draw, _Row("tenant", {}, _tenant, _tenant_later, may_go=False), True)
    rows = _rows(draw(st.sampled_from(((1, 2, 3), (1, 2), PEOPLE, ()))))
    rows += draw(_plans()) if plans else []
    has_clock = draw(st.booleans())
    for row in rows:
        is_lasting = row.section == "sites" and not rows_may_go
        row = row._replace(may_go=row.may_go or rows_may_go)
        told += _statements(draw, row, has_clock or is_lasting or draw(st.booleans()))
    return told


def _statements(draw: st.DrawFn, row: _Row, has_clock: bool) -> list[Told]:
    """Generate one to four statements, with a `sent_at` each or none with any."""
    first_said = FIRST
    if row.section != "tenant":
        first_said = draw(st.sampled_from((*(FIRST,) * 3, START, START + timedelta(hours=7))))
    count = draw(st.sampled_from((0, 0, 1, 1, 2, 3)))
    later = draw(st.lists(_moments, min_size=count, max_size=count))
    told = [Told(row.section, row.key | draw(row.first), first_said)]
    told += [
        Told(row.section, row.key | draw(_later(row)), max(moment, first_said)) for moment in later
    ]
    return told if has_clock else [statement._replace(sent_at=None) for statement in told]


@st.composite
def _later(draw: st.DrawFn, row: _Row) -> Content:
    """Generate what a row may say after the first, with all that tells from when it holds."""
    is_deletion = row.may_go and draw(st.sampled_from(row.goes))
    content: Content = {"deleted": True} if is_deletion else dict(draw(row.later))
    if draw(st.sampled_from((False,) * 7 + (True,))) and (row.has_past or is_deletion):
        content["correction"] = True
    moment = draw(_effective) if row.has_past else None
    if moment is not None:
        content["effective_from"] = _spelled(moment)
    return content


def _spelled(moment: date) -> str:
    return moment.isoformat()


@st.composite
def changing_days(draw: st.DrawFn) -> ChangingDay:
    """Generate a day of a company whose roster changes, and the night and the days that follow."""
    told = draw(rosters())
    edges = tuple(
        datetime.fromisoformat(said.row[edge])
        for said in told
        for edge in ("starts_at", "ends_at")
        if edge in said.row
    )
    said_at = {said.sent_at for said in told if said.sent_at and said.sent_at > FIRST}
    contents = draw(punches_near((*edges, *sorted(said_at))))
    voided = set(draw(st.lists(st.sampled_from(sorted(contents)), max_size=1)))
    submissions = [
        Submission("punches", [with_sent_at(content, version)])
        for versions in contents.values()
        for version, content in enumerate(versions)
    ]
    submissions += [Submission("void", punch_id) for punch_id in sorted(voided)]
    standing = [
        with_sent_at(versions[-1], len(versions) - 1)
        for punch_id, versions in contents.items()
        if punch_id not in voided
    ]
    return ChangingDay(told, submissions, standing)


@st.composite
def arrivals(draw: st.DrawFn, told: list[Told], submissions: list[Submission]) -> Arrivals:
    """Submit everything in any order, some of it again, in batches of any size.

    The tenant itself comes first. Some of what a row says after its first comes last, and alone:
    else the next change would have everything judged that it forgot.
    """
    everything: list[Told | Submission] = [*told, *submissions]
    again = draw(st.lists(st.sampled_from(everything), max_size=3))
    later = _later_of(told)
    last = draw(st.lists(st.sampled_from(later), max_size=3)) if later else []
    rest = [item for item in everything[1:] if item not in last]
    batches: list[list[Told | Submission]] = [[everything[0]]]
    for item in draw(st.permutations([*rest, *again])):
        batches[-1].append(item)
        if len(batches) < 5 and draw(st.sampled_from((False, False, True))):
            batches.append([])
    waits = [
        timedelta(minutes=draw(st.sampled_from((0, 30, 465, 600, 960, 1440)))) for _ in batches
    ]
    judged = [draw(st.sampled_from((True, True, False))) for _ in batches]
    if last:
        judged[-1] = True
    for item in last:
        batches.append([item])
        waits.append(timedelta(minutes=30))
        judged.append(True)
    return Arrivals(batches, waits, judged)


def _later_of(told: list[Told]) -> list[Told]:
    """Return what rows with a past say after the first."""
    seen: set[tuple[str, Any]] = set()
    later = []
    for statement in told:
        name = statement.section, key_of(statement.section, statement.row)
        if name in seen and statement.section in KINDS:
            later.append(statement)
        seen.add(name)
    return later


@st.composite
def arriving_days(draw: st.DrawFn) -> tuple[ChangingDay, Arrivals]:
    day = draw(changing_days())
    return day, draw(arrivals(day.told, day.submissions))


@st.composite
def arriving_rosters(draw: st.DrawFn) -> Arrivals:
    """Generate a roster of which anything may go, in the order in which it arrives."""
    return draw(arrivals(draw(rosters(rows_may_go=True)), []))


@st.composite
def arriving_pasts(draw: st.DrawFn) -> Arrivals:
    """Generate the same without what carries its own times."""
    return draw(arrivals(draw(rosters(rows_may_go=True, plans=False)), []))


@st.composite
def arriving_leavers(draw: st.DrawFn) -> Arrivals:
    """Generate shifts of two people who come and go, of which everything arrives in any order."""
    told = [Told("tenant", {"name": "Acme"}, FIRST)]
    site = {"site_id": 1, "name": "Main Office", "timezone": "Europe/Berlin"}
    told.append(Told("sites", site, FIRST))
    whose = st.sampled_from(({"person_id": 1}, {"person_id": 1}, {"person_id": 2}))
    shifts = st.builds(
        lambda row, person, others: row | person | {"site_id": 1, "substitutes": others},
        shift_contents,
        whose,
        st.sampled_from(([], [], [3])),
    )
    rows = [
        _Row("people", {"person_id": person}, _person, _person, goes=(False, True, True))
        for person in (1, 2)
    ]
    rows += [
        _Row("shifts", {"shift_id": shift}, shifts, shifts, has_past=False)
        for shift in SHIFTS[: draw(st.integers(1, 4))]
    ]
    for row in rows:
        told += _statements(draw, row, draw(st.booleans()))
    return draw(arrivals(told, []))


@st.composite
def late_changes(draw: st.DrawFn) -> tuple[timedelta, list[Told]]:
    """Generate changes that are said weeks later and hold from long before.

    The time is from the start of the day to the last moment that they are judged anew for.
    """
    told = [
        Told("tenant", {"policy": draw(st.sampled_from(POLICIES))}, None),
        Told("people", {"person_id": 1, "deleted": True}, None),
        Told("people", {"person_id": 4, "name": "New"}, None),
        Told(
            "sites", {"site_id": 1, "name": "Moved", "latitude": 52.53, "longitude": 13.405}, None
        ),
        Told("sites", {"site_id": 2, "radius_m": 10.0}, None),
        Told("devices", {"device_id": "phone", "shared": False, "person_id": 2}, None),
        Told("devices", {"device_id": "kiosk", "shared": True, "person_id": None}, None),
    ]
    planned = Told("assignments", {"person_id": 1, "site_id": 1, "roving": True}, None)
    chosen = draw(st.lists(st.sampled_from(told), min_size=1, max_size=3, unique_by=str))
    moments = st.one_of(
        st.just({"correction": True}), _moments.map(lambda m: {"effective_from": _spelled(m)})
    )
    since = draw(st.sampled_from((-48, 7, 14, 23, 40)))
    late = [said._replace(row=said.row | draw(moments)) for said in chosen]
    return timedelta(hours=since), late + draw(st.sampled_from(([], [planned])))

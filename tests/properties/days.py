"""Generated working days: what happened, and how it is submitted.

Their world is small, so that things meet: four people, three sites, a few shifts and devices, times
at the limits of the rules. What came before goes back a month. Everything has a version and a
`sent_at`, so that what it comes to does not depend on the order in which it is submitted. A roster
is said in the midst of it all: what has a past is so from then on, or from a moment of its own.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

Content = dict[str, Any]

START = datetime(2026, 3, 28, tzinfo=UTC)  # the clocks change in the night that follows
END = START + timedelta(days=4)
_SENT = START + timedelta(days=30)
# When the roster of each version was said.
_SAID = tuple(START + timedelta(hours=hours) for hours in (-480, 9, 26.5, 55))
# From when rows hold that have a past: the first of a site or tenant since ever, as no punch is
# taken where there is none.
_HOLDS: tuple[Content, ...] = (
    {},
    {},
    {},
    {"correction": True},
    {"effective_from": (START + timedelta(hours=14)).isoformat()},
    {"effective_from": (START - timedelta(days=5)).isoformat()},
    {"effective_from": "2026-03-29"},
    {"effective_from": "2026-12-31"},
)

PEOPLE = (1, 2, 3, 4)
KINDS = (*("check_in",) * 4, *("check_out",) * 3, "tap")
# The second is 679 m from the first, the third 11 km.
PLACES = {1: (52.52, 13.405), 2: (52.52, 13.415), 3: (52.60, 13.50)}

# Minutes from the edges of shifts, and from the hours of the day: at each limit, and a second
# beyond it.
_SECOND = 1 / 60
_OFFSETS = (
    0,
    0,
    0,
    5,
    15,
    15 + _SECOND,
    30,
    -15,
    -15 - _SECOND,
    -60,
    -60 - _SECOND,
    10,
    10 + _SECOND,
    120,
    120 + _SECOND,
)
_LONG_OFFSETS = (*_OFFSETS, -240, 240, 480, 960, 960 + _SECOND, 1320, 1440, 2160)
_HOURS = (6, 8, 14, 22, 30, 32, 60, 76)

POLICIES: tuple[Content, ...] = (
    {},
    {"kiosk_people": 2},
    {"max_work_hours": 8.0, "repeat_minutes": 0.0},
    {"early_window_minutes": 30.0, "grace_minutes": 0.0},
    {"unauthorized_site": "shadow", "schedule_mismatch": "off"},
    {"wrong_person": "off", "biometric_z": 1.0},
    {"missing_check_out_after_hours": 1.0, "no_show_after_minutes": 0.0},
    {"max_spell_hours": 12.0, "buddy_window_minutes": 60.0},
    {"overtime_violation_weight": 1.0, "late_severity": "HIGH", "holdover_minutes": 0.0},
    {"kiosk_people": 3, "repeat_minutes": 1440.0},
    {
        "early_limit_hours": 24.0,
        "holdover_minutes": 1440.0,
        "max_spell_hours": 4.0,
        "max_work_hours": 2.0,
    },
    {"early_window_minutes": 1440.0, "grace_minutes": 120.0, "missing_check_out_after_hours": 0.0},
    {
        "teleport_speed_kmh": 100.0,
        "teleport_min_km": 0.2,
        "min_travel_km": 0.2,
        "max_travel_speed_kmh": 1.0,
    },
    {"gps_accuracy_cap_m": 0.0, "coarse_fix_cap_m": 100.0, "cached_fix_minutes": 1440.0},
    {"silent_people": 1},
    {"silent_people": 2, "no_show_after_minutes": 5.0},
    {"no_show_after_minutes": 1440.0, "max_spell_hours": 72.0, "biometric_min_score": 0.9},
    {"handover_minutes": 1440.0, "clock_slack_seconds": 3600.0, "max_break_minutes": 0.0},
    {"tap_gap_hours": 24.0, "handover_minutes": 0.0, "max_break_minutes": 1440.0},
    {"tap_gap_hours": 1.0, "clock_slack_seconds": 0.0},
)
# A policy merges by key: each version names all keys, so that the last one sent says everything.
_CLEARED = dict.fromkeys(name for policy in POLICIES for name in policy)


class Submission(NamedTuple):
    """One thing to submit. `kind` is "punches", "void", or the section of a roster's row."""

    kind: str
    content: Any
    version: int = 0

    @property
    def call(self) -> str:
        """The function it goes by; submissions of one call and version may go together."""
        return {"punches": "submit", "void": "void"}.get(self.kind, "sync_roster")


class Day(NamedTuple):
    """What happened.

    `rosters`, by version, and `final_punches` name everything once, and come to the same as
    `submissions` in whatever order.
    """

    submissions: list[Submission]
    rosters: list[dict[str, Any]]
    final_punches: list[Content]


class Delivery(NamedTuple):
    """How a day is submitted: batches in order, and as many values of all else.

    Those are the time that passes before each, whether it is a backfill, and whether it is judged
    by itself.
    """

    batches: list[list[Submission]]
    waits: list[timedelta]
    backfills: list[bool]
    judged: list[bool]


def sent_at(version: int) -> str:
    return (_SENT + timedelta(minutes=version)).isoformat()


def said_at(version: int) -> str:
    return _SAID[version].isoformat()


def _times(edges: tuple[datetime, ...]) -> st.SearchStrategy[datetime]:
    hours = tuple(START + timedelta(hours=hour) for hour in _HOURS)
    near = (
        st.builds(_moved, st.sampled_from(edges), st.sampled_from(_OFFSETS))
        if edges
        else st.nothing()
    )
    return near | near | st.builds(_moved, st.sampled_from(hours), st.sampled_from(_LONG_OFFSETS))


def _moved(moment: datetime, minutes: float) -> datetime:
    return moment + timedelta(seconds=round(minutes * 60))


_people = st.sampled_from(PEOPLE)
_sites = st.sampled_from((1, 1, 1, 2, 3))
_policy = st.sampled_from(POLICIES).map(lambda policy: {**_CLEARED, **policy})

shift_contents = st.builds(
    lambda person, site, hour, length, substitutes, cancelled: {
        "person_id": person,
        "site_id": site,
        "starts_at": (START + timedelta(hours=hour)).isoformat(),
        "ends_at": (START + timedelta(hours=hour + length)).isoformat(),
        "substitutes": sorted({*substitutes} - {person}),
        "cancelled": cancelled,
    },
    person=_people,
    site=_sites,
    hour=st.sampled_from((6, 8, 14, 14, 22, 30)),
    length=st.sampled_from((8, 8, 4, 16, 72)),
    substitutes=st.lists(_people, max_size=2),
    cancelled=st.sampled_from((False, False, False, True)),
)
_devices = st.builds(
    lambda shared, person: {"shared": shared, "person_id": person},
    st.booleans(),
    st.sampled_from((None, 1, 2)),
)
is_roving = st.sampled_from((True, True, False, None))
_until = st.sampled_from((None, None, (START + timedelta(hours=8)).isoformat(), "2026-03-28"))
_site_fields = st.builds(
    lambda name, moved, fenced, radius, zone, policy: {
        "name": name,
        "moved": moved,
        "fenced": fenced,
        "radius_m": radius,
        "timezone": zone,
        "policy": policy,
    },
    st.sampled_from(("Main Office", "Main Office", "Depot")),
    st.sampled_from((0, 0, 0.01)),
    st.sampled_from((False, False, True)),
    st.sampled_from((150.0, None, 2000.0)),
    st.sampled_from(("Europe/Berlin", "America/New_York")),
    st.just(_CLEARED) | _policy,
)

_FIXES: tuple[tuple[float, float | None, bool | None] | str | None, ...] = (
    None,
    None,
    None,
    (0.0, 5.0, None),
    (0.0, 2000.0, None),
    (0.0, 5.0, True),
    (0.004, 5.0, None),  # 445 m away
    (0.004, 150.0, False),
    (0.004, None, None),
    (3.0, 5.0, None),
    "nowhere",
)
_BODIES: tuple[Content | None, ...] = (
    None,
    None,
    None,
    {"method": "face", "score": 0.95, "liveness": 0.9},
    {"method": "face", "score": 0.85, "liveness": 0.9, "matched_person_id": 1},
    {"method": "face", "score": 0.9, "matched_person_id": 2},
    {"method": "iris", "score": 0.6, "liveness": 0.4},
    {"method": "card"},
)
DEVICES = ("kiosk", "phone", "stray")


@st.composite
def _punch(draw: st.DrawFn, edges: tuple[datetime, ...]) -> Content:
    site_id = draw(_sites)
    content: Content = {
        "person_id": draw(_people),
        "site_id": site_id,
        "kind": draw(st.sampled_from(KINDS)),
        "occurred_at": draw(_times(edges)).isoformat(),
    }
    fix = draw(st.sampled_from(_FIXES))
    if fix == "nowhere":
        content |= {"latitude": 0.0, "longitude": 0.0}
    elif isinstance(fix, tuple):
        latitude, longitude = PLACES[site_id]
        content |= {
            "latitude": latitude + fix[0],
            "longitude": longitude,
            "accuracy_m": fix[1],
            "is_mock_location": fix[2],
        }
    content["device_id"] = draw(st.sampled_from((None, None, *DEVICES)))
    content["biometric"] = draw(st.sampled_from(_BODIES))
    return {name: value for name, value in content.items() if value is not None}


@st.composite
def days(draw: st.DrawFn) -> Day:
    """Generate a day, and the night and the day that follow it."""
    rows = draw(_rosters())
    edges = tuple(
        datetime.fromisoformat(row[edge])
        for (section, _), versions in rows.items()
        if section == "shifts"
        for row in versions
        if "starts_at" in row
        for edge in ("starts_at", "ends_at")
    )
    punches = draw(punches_near(edges))
    voided = set(draw(st.lists(st.sampled_from(sorted(punches)), max_size=2)))
    return _day(rows, punches, voided)


@st.composite
def _rosters(draw: st.DrawFn) -> dict[tuple[str, Any], list[Content]]:
    """Generate the versions of each row of a roster, by its section and key."""
    rows: dict[tuple[str, Any], list[Content]] = {}

    def name(
        section: str,
        key: Content,
        fields: st.SearchStrategy[Content],
        chance_of_more: tuple[int, ...] = (0, 0, 0, 1),
    ) -> None:
        versions = [key | draw(fields) for _ in range(1 + draw(st.sampled_from(chance_of_more)))]
        if section not in ("tenant", "sites") and draw(st.sampled_from((False,) * 9 + (True,))):
            versions.append({**key, "deleted": True})
        if section in ("tenant", "sites", "people", "devices"):
            is_there = section in ("tenant", "sites")
            versions = [
                row if is_there and not number else row | draw(st.sampled_from(_HOLDS))
                for number, row in enumerate(versions)
            ]
        rows[section, tuple(key.values())] = versions

    tenant = st.builds(
        lambda whole, policy: {"roster_complete": whole, "policy": policy},
        st.sampled_from((True, True, False)),
        _policy,
    )
    name("tenant", {"name": "Acme"}, tenant, (0, 0, 1, 2))
    for site_id in PLACES:
        name("sites", {"site_id": site_id}, _site_fields)
    for person_id in draw(st.sampled_from(((1, 2, 3), (1, 2), (), (1, 2, 3, 4)))):
        name(
            "people",
            {"person_id": person_id},
            st.builds(
                lambda family: {"name": f"Person {family}"}, st.sampled_from((person_id, "New"))
            ),
        )
    for person_id, site_id in draw(st.lists(st.tuples(_people, _sites), max_size=4, unique=True)):
        name(
            "assignments",
            {"person_id": person_id, "site_id": site_id},
            st.fixed_dictionaries({"valid_to": _until}, optional={"roving": is_roving}),
        )
    for device_id in draw(st.lists(st.sampled_from(DEVICES[:2]), max_size=2, unique=True)):
        name("devices", {"device_id": device_id}, _devices)
    for number in range(draw(st.integers(0, 4))):
        name("shifts", {"shift_id": f"s{number}"}, shift_contents)
    return rows


@st.composite
def punches_near(draw: st.DrawFn, edges: tuple[datetime, ...]) -> dict[str, list[Content]]:
    """Generate the contents that each punch has in turn, by its id."""
    punches: dict[str, list[Content]] = {}
    for number in range(draw(st.integers(1, 9))):
        versions = [
            draw(_punch(edges)) for _ in range(1 + draw(st.sampled_from((0, 0, 0, 0, 1, 2))))
        ]
        punches[f"p{number}"] = [{"punch_id": f"p{number}", **content} for content in versions]
    if draw(st.sampled_from((False, False, False, True))):
        for content in (*_history(), *draw(st.sampled_from(((), _MORNINGS)))):
            again = draw(
                st.sampled_from(
                    ({},) * 9 + ({"device_id": "phone"}, {"person_id": 4}, {"biometric": _POOR})
                )
            )
            punches[content["punch_id"]] = [content, *([content | again] if again else [])]
    return punches


_POOR = {"method": "face", "score": 0.55, "liveness": 0.9}


def _history() -> list[Content]:
    """Return punches of the month before, at which the same face was recognised well.

    They are on a device that others have used as well.
    """
    return [
        {
            "punch_id": f"h{number}",
            "person_id": {0: 3, 12: 2}.get(number, 1),
            "site_id": 1,
            "kind": "check_in" if number % 2 else "check_out",
            "occurred_at": (START - timedelta(days=_AGO[number], hours=4)).isoformat(),
            "device_id": "stray",
            "biometric": {"method": "face", "score": 0.97, "liveness": 0.9},
        }
        for number in range(len(_AGO))
    ]


# A second site where some tap in the morning, and seldom again: one of them often enough to tell by
# their own, and all together.
_MORNINGS = tuple(
    {
        "punch_id": f"m{person}-{day}-{kind}",
        "person_id": person,
        "site_id": 1 if person < 4 else 2,
        "kind": kind,
        "occurred_at": (START - timedelta(days=day, hours=hours)).isoformat(),
    }
    for person, days in ((1, (1, 2, 3, 4)), (2, (1, 9)), (3, (2, 13)), (4, (1, 2, 3)))
    for day in days
    for kind, hours in (("check_in", -8), ("check_out", -15))
    if kind == "check_in" or (person, day) in ((1, 2), (2, 9), (4, 1), (4, 2))
)


# How many days ago each was. Seven and thirty days, and a little more, are limits of some rule in
# the days that follow.
_AGO = (4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 26, 29, 3)


def _day(
    rows: dict[tuple[str, Any], list[Content]], punches: dict[str, list[Content]], voided: set[str]
) -> Day:
    submissions = [
        Submission(section, _row(row), version)
        for (section, _), versions in rows.items()
        for version, row in enumerate(versions)
    ]
    submissions += [
        Submission("punches", [with_sent_at(content, version)])
        for contents in punches.values()
        for version, content in enumerate(contents)
    ]
    submissions += [Submission("void", punch_id) for punch_id in sorted(voided)]
    rosters: list[dict[str, Any]] = [{} for _ in _SAID]
    for (section, _), versions in rows.items():
        for roster, row in zip(rosters, versions, strict=False):
            if section == "tenant":
                roster[section] = _row(row)
            else:
                roster.setdefault(section, []).append(_row(row))
    standing = [
        with_sent_at(contents[-1], len(contents) - 1)
        for punch_id, contents in punches.items()
        if punch_id not in voided
    ]
    return Day(submissions, rosters, standing)


def _row(row: Content) -> Content:
    if "moved" not in row:
        return row
    latitude, longitude = PLACES[row["site_id"]]
    place = {
        "latitude": latitude + row["moved"],
        "longitude": longitude,
        "boundary": ring(latitude, longitude) if row["fenced"] else None,
    }
    return {**{name: row[name] for name in row if name not in ("moved", "fenced")}, **place}


def ring(latitude: float, longitude: float) -> Content:
    """Return a square of a kilometre without its middle, in the form in which it is stored."""
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    rings = [
        [[longitude + x * d, latitude + y * d] for x, y in turn]
        for d, turn in ((0.005, corners), (0.001, corners[::-1]))
    ]
    return {"type": "Polygon", "coordinates": rings}


def with_sent_at(content: Content, version: int) -> Content:
    """Give all but the first content a `sent_at`; the first is older than any that has one."""
    return {**content, "sent_at": sent_at(version)} if version else content


@st.composite
def deliveries(draw: st.DrawFn, day: Day) -> Delivery:
    """Submit everything in any order, some of it again, in batches of any size.

    The tenant itself mostly comes first.
    """
    count = len(day.submissions)
    indexes = [*range(count), *draw(st.lists(st.integers(0, count - 1), max_size=3))]
    order = draw(st.permutations(indexes))
    if draw(st.sampled_from((True, True, True, False))):
        order = [0, *order]
    batches: list[list[Submission]] = [[]]
    for index in order:
        batches[-1].append(day.submissions[index])
        if len(batches) < 6 and draw(st.sampled_from((False, True))):
            batches.append([])
    waits = [
        timedelta(minutes=draw(st.sampled_from((0, 30, 465, 600, 960, 1440)))) for _ in batches
    ]
    backfills = [draw(st.sampled_from((False,) * 7 + (True,))) for _ in batches]
    return Delivery(
        batches, waits, backfills, [draw(st.sampled_from((True, True, False))) for _ in batches]
    )


@st.composite
def delivered_days(draw: st.DrawFn) -> tuple[Day, Delivery]:
    day = draw(days())
    return day, draw(deliveries(day))

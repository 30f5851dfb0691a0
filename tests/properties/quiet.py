"""Generated days at two small sites of which little is heard: clocks are silent, posts are left,
and others come in somebody's place.

Seven people share two kiosks, by which most of them punched on the days before. What the kiosks
have of the day comes in any order, and some of it is taken back.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.properties.days import START, Content, Day, Submission, with_sent_at

PEOPLE = range(1, 8)
KIOSKS = {1: "gate", 2: "door"}
_POLICIES: tuple[Content, ...] = (
    {},
    {"silent_people": 2, "no_show_after_minutes": 10.0},
    {"silent_people": 1, "no_show_after_minutes": 0.0},
    {"silent_people": 2, "post_empty_minutes": 15.0},
    {"silent_people": 2, "max_work_hours": 2.0, "post_empty_minutes": 30.0},
    {"post_empty_minutes": 0.0, "wrong_person": "shadow"},
    {"silent_people": 2, "early_window_minutes": 1440.0, "repeat_minutes": 60.0},
    {"wrong_person": "off", "schedule_mismatch": "shadow", "silent_people": 1},
)
_CLEARED = dict.fromkeys(name for policy in _POLICIES for name in policy)
_STARTS = (6, 8, 8, 8, 10, 14, 30, 32, 32)
_MINUTES = (-70, -15, -1, 0, 0, 1, 10, 29, 30, 31, 60, 90, 91, 120, 180, 239, 240, 241, 480)

_people = st.sampled_from(PEOPLE)
_sites = st.sampled_from((1, 1, 1, 2))
_policy = st.sampled_from(_POLICIES).map(lambda policy: {**_CLEARED, **policy})


@st.composite
def quiet_days(draw: st.DrawFn) -> Day:
    """Generate two days after three on which most punched by the kiosk of their site."""
    rosters: list[dict[str, Any]] = [{} for _ in range(3)]
    submissions: list[Submission] = []

    def say(section: str, row: Content, version: int = 0) -> None:
        submissions.append(Submission(section, row, version))
        if section == "tenant":
            rosters[version][section] = row
        else:
            rosters[version].setdefault(section, []).append(row)

    say("tenant", {"name": "Acme", "roster_complete": True, "policy": draw(_policy)})
    for site_id in KIOSKS:
        site = {"site_id": site_id, "name": f"Site {site_id}", "timezone": "Europe/Berlin"}
        say("sites", {**site, "policy": draw(st.just(_CLEARED) | _policy)})
    for number in range(draw(st.integers(2, 7))):
        shift = {"shift_id": f"s{number}", **draw(_shifts())}
        say("shifts", shift)
        if draw(st.sampled_from((False, False, False, True))):
            change: Content = draw(st.sampled_from(({"cancelled": True}, {}, {"person_id": 7})))
            say("shifts", {**shift, **(change or draw(_shifts()))}, 1)
    for number in range(draw(st.sampled_from((0, 0, 1, 2)))):
        absence = {"absence_id": f"a{number}", **draw(_absences())}
        version = draw(st.sampled_from((0, 1)))
        say("absences", absence, version)
        if draw(st.booleans()):
            change = draw(st.sampled_from(({"deleted": True}, {"to": absence["from"]})))
            say("absences", {**absence, **change}, version + 1)
    punches = _days_before(draw(st.lists(st.sampled_from((*KIOSKS.values(), None)), min_size=7)))
    shifts = [row.content for row in submissions if row.kind == "shifts"]
    came = draw(st.sampled_from(([], shifts, shifts)))
    happened = [content for shift in came for content in draw(_visit(shift))]
    happened += [draw(_punch(shifts)) for _ in range(draw(st.integers(1, 5)))]
    if draw(st.sampled_from((False, False, True))):  # by clocks that do not tell which way
        happened = [{**content, "kind": "tap"} for content in happened]
    for number, first in enumerate(happened):
        again = [draw(_punch(shifts))] if draw(st.sampled_from((False,) * 9 + (True,))) else []
        punches[f"p{number}"] = [{"punch_id": f"p{number}", **row} for row in (first, *again)]
    voided = set(draw(st.lists(st.sampled_from(sorted(punches)), max_size=2)))
    for contents in punches.values():
        submissions += [
            Submission("punches", [with_sent_at(content, version)])
            for version, content in enumerate(contents)
        ]
    submissions += [Submission("void", punch_id) for punch_id in sorted(voided)]
    final = [
        with_sent_at(contents[-1], len(contents) - 1)
        for punch_id, contents in punches.items()
        if punch_id not in voided
    ]
    return Day(submissions, rosters, final)


@st.composite
def _shifts(draw: st.DrawFn) -> Content:
    person, hour = draw(_people), draw(st.sampled_from(_STARTS))
    hours = draw(st.sampled_from((4, 8, 8, 24)))
    return {
        "person_id": person,
        "site_id": draw(_sites),
        "starts_at": (START + timedelta(hours=hour)).isoformat(),
        "ends_at": (START + timedelta(hours=hour + hours)).isoformat(),
        "substitutes": sorted({*draw(st.lists(_people, max_size=1))} - {person}),
    }


@st.composite
def _absences(draw: st.DrawFn) -> Content:
    """Generate leave of somebody, or a holiday of a site, of a day or two."""
    first = draw(st.sampled_from((0, 0, 1)))
    return {
        **draw(st.one_of(_people.map(_of("person_id")), _sites.map(_of("site_id")))),
        "from": (START + timedelta(days=first)).date().isoformat(),
        "to": (START + timedelta(days=first + draw(st.sampled_from((0, 1))))).date().isoformat(),
    }


def _of(name: str) -> Callable[[int], Content]:
    return lambda value: {name: value}


@st.composite
def _visit(draw: st.DrawFn, shift: Content) -> list[Content]:
    """Generate that its person, or somebody in their place, comes to a shift, goes, or is back."""
    kinds = draw(
        st.sampled_from(((), (), ("in",), ("in", "out"), ("in", "out"), ("in", "out", "in")))
    )
    person = draw(st.sampled_from((shift["person_id"],) * 3 + (7,)))
    at = datetime.fromisoformat(shift["starts_at"])
    at += timedelta(minutes=draw(st.sampled_from((-50, -15, 0, 10, 40))))
    contents = []
    for kind in kinds:
        contents.append(
            {
                "person_id": person,
                "site_id": shift["site_id"],
                "kind": f"check_{kind}",
                "occurred_at": at.isoformat(),
                "device_id": KIOSKS[shift["site_id"]],
            }
        )
        at += timedelta(minutes=draw(st.sampled_from((20, 45, 100, 200))))
    return contents


@st.composite
def _punch(draw: st.DrawFn, shifts: list[Content]) -> Content:
    """Generate a punch about a shift, mostly at its site, and as often as not by its person."""
    shift = draw(st.sampled_from(shifts))
    edge = datetime.fromisoformat(
        shift[draw(st.sampled_from(("starts_at", "starts_at", "ends_at")))]
    )
    site_id = draw(st.sampled_from((shift["site_id"], shift["site_id"], 1, 2)))
    content = {
        "person_id": draw(st.just(shift["person_id"]) | _people),
        "site_id": site_id,
        "kind": draw(st.sampled_from(("check_in", "check_out"))),
        "occurred_at": (edge + timedelta(minutes=draw(st.sampled_from(_MINUTES)))).isoformat(),
        "device_id": draw(st.sampled_from((KIOSKS[site_id], KIOSKS[site_id], "door", None))),
    }
    return {name: value for name, value in content.items() if value is not None}


def _days_before(devices: list[str | None]) -> dict[str, list[Content]]:
    """Return that everybody punched on three days before, each by a device of theirs."""
    punches: dict[str, list[Content]] = {}
    for person_id, device_id in zip(PEOPLE, devices, strict=False):
        for number in range(3):
            at = START - timedelta(hours=20 * number + 4, minutes=person_id)
            content = {
                "punch_id": f"h{person_id}-{number}",
                "person_id": person_id,
                "site_id": 2 if device_id == "door" else 1,
                "kind": "check_out",
                "occurred_at": at.isoformat(),
                "device_id": device_id,
            }
            punches[f"h{person_id}-{number}"] = [
                {name: value for name, value in content.items() if value is not None}
            ]
    return punches

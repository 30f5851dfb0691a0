"""Whatever is said of a roster, in whatever order: what is stored is what held, at every moment.

And what is noted for the judge is the time for which something changed.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings

from tests.properties.changing import (
    Arrivals,
    Told,
    arriving_leavers,
    arriving_pasts,
    arriving_rosters,
    calls,
)
from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import START
from tests.properties.held import (
    KINDS,
    PERSON,
    Statement,
    Time,
    by_key,
    differing,
    edges,
    entitled,
    is_any_held,
    is_complete,
    is_there,
    is_valid,
    last_said,
    roves,
    shift_of,
    time_of,
    versions,
    zone_of,
)
from tests.properties.stored import Stored

Rows = Mapping[tuple[str, Any], list[Statement]]

EVER: Time = (None, None)
MICROSECOND = timedelta(microseconds=1)


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(arrivals=arriving_rosters())
def test_what_is_stored_is_what_held(
    arrivals: Arrivals, received: Clock, new_company: Callable[[], Company]
) -> None:
    assert_stored_throughout(new_company(), received, arrivals)


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(arrivals=arriving_leavers())
def test_whose_shifts_of_people_who_come_and_go_are_is_what_held(
    arrivals: Arrivals, received: Clock, new_company: Callable[[], Company]
) -> None:
    assert_stored_throughout(new_company(), received, arrivals)


def assert_stored_throughout(company: Company, received: Clock, arrivals: Arrivals) -> None:
    """Submit everything, and check what is stored after each batch."""
    stored = Stored(company.engine, company.tenant_id)
    told: list[tuple[str, Statement]] = []
    received.moment = START
    for batch, wait in zip(arrivals.batches, arrivals.waits, strict=True):
        received.moment += wait
        for call in calls(row for row in batch if isinstance(row, Told)):
            received.tick()
            company.sync(call)
            told += [(row.section, row.received(received.moment)) for row in call]
        assert_stored_as_held(stored, by_key(told))


def assert_stored_as_held(stored: Stored, said: Rows) -> None:
    """Check versions, what has no past, shifts, assignments, and when there were any."""
    expected = {
        name: past
        for name, statements in said.items()
        if name[0] in KINDS and (past := versions(KINDS[name[0]], statements))
    }
    assert stored.versions() == expected
    is_complete_now, zones = stored.lasting()
    assert is_complete_now == is_complete(said["tenant", ""])
    assert (
        zones.items()
        <= {
            key: last_said(statements, "timezone")
            for (section, key), statements in said.items()
            if section == "sites"
        }.items()
    )
    assert stored.shifts() == _shifts(said)
    moments = sorted(
        {
            near
            for past in expected.values()
            for version in past
            for moment in (version.since, version.until)
            for near in _near(moment or START)
        }
        | {near for statement in _of(said, "assignments") for near in _edges(statement)}
    )
    people = _rows_of(said, "people")
    presence = stored.presence(moments)
    assert [there for there, _ in presence] == [
        is_any_held(PERSON, people, moment) for moment in moments
    ]
    _assert_assigned_as_held(stored, said, moments)
    assignments = _rows_of(said, "assignments")
    assert [assigned for _, assigned in presence] == [
        any(is_there(statements, moment) for statements in assignments) for moment in moments
    ]


def _assert_assigned_as_held(stored: Stored, said: Rows, moments: Iterable[datetime]) -> None:
    rows = stored.assignments()
    for moment in moments:
        valid = {
            (person_id, site_id): content["roving"]
            for person_id, site_id, content, ended_at in rows
            if is_valid(
                [Statement(content, START)], moment, zone_of(said.get(("sites", site_id), []))
            )
            and (ended_at is None or moment <= ended_at)
        }
        assert valid == _valid(said, moment), moment


def _valid(said: Rows, moment: datetime) -> dict[tuple[int, int], bool]:
    """Return whose assignments to which sites are valid, each with whether they rove there."""
    found = {}
    for (section, key), statements in said.items():
        if section == "assignments":
            zone = zone_of(said.get(("sites", key[1]), []))
            if is_valid(statements, moment, zone):
                found[key[:2]] = roves(statements, moment, zone)
    return found


def _shifts(said: Rows) -> dict[str, tuple[Any, ...]]:
    found = {}
    for (section, key), statements in said.items():
        content = shift_of(statements) if section == "shifts" else None
        if content and (
            people := entitled(statements, said.get(("people", content["person_id"]), []))
        ):
            starts_at = datetime.fromisoformat(content["starts_at"])
            found[key] = content["site_id"], starts_at, people
    return found


def _rows_of(said: Rows, section: str) -> list[list[Statement]]:
    return [statements for (name, _), statements in said.items() if name == section]


def _of(said: Rows, section: str) -> list[Statement]:
    return [statement for statements in _rows_of(said, section) for statement in statements]


def _near(moment: datetime) -> tuple[datetime, ...]:
    return moment - MICROSECOND, moment, moment + MICROSECOND


def _edges(assignment: Statement) -> Iterable[datetime]:
    """Yield moments about the end of an assignment, and those of the days about it."""
    for value in (assignment.row.get("valid_to"), assignment.said_at.isoformat()):
        if value:
            edge = datetime.fromisoformat(value)
            edge = edge if edge.tzinfo else edge.replace(tzinfo=UTC)
            for hours in (-6, -2, -1, 0, 22, 23, 24, 28):
                yield from _near(edge + timedelta(hours=hours))


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(arrivals=arriving_pasts())
def test_noted_is_the_time_for_which_something_changed(
    arrivals: Arrivals, received: Clock, new_company: Callable[[], Company]
) -> None:
    company = new_company()
    stored = Stored(company.engine, company.tenant_id)
    told: list[tuple[str, Statement]] = []
    received.moment = START
    for batch, wait in zip(arrivals.batches, arrivals.waits, strict=True):
        received.moment += wait
        for call in calls(row for row in batch if isinstance(row, Told)):
            before = by_key(told)
            received.tick()
            company.sync(call)
            told += [(row.section, row.received(received.moment)) for row in call]
            noted: dict[tuple[str, str], list[Time]] = {}
            for kind, key, since, until in stored.new_changes():
                noted.setdefault((kind, key), []).append((since, until))
            hulls = {name: _hull(times) for name, times in noted.items()}
            assert hulls == changed(before, by_key(told))


_AS_NOTED = {
    "tenant": ("tenant",),
    "sites": ("site",),
    "people": ("person", "named"),
    "devices": ("device",),
}


def changed(before: Rows, after: Rows) -> dict[tuple[str, str], Time]:
    """Return the time for which each row is another, by the kind and key it is noted with."""
    found: dict[tuple[str, str], Time] = {}
    for (section, key), statements in after.items():
        if time := _changed(section, before.get((section, key), []), statements):
            found |= {(kind, str(key)): time for kind in _AS_NOTED[section]}
    if time := _presence_changed(_rows_of(before, "people"), _rows_of(after, "people")):
        found["tenant", ""] = _hull([time, found.get(("tenant", ""), time)])
    return found


def _changed(section: str, before: list[Statement], after: list[Statement]) -> Time | None:
    """Return the time for which a row is another: all where what has no past is.

    The first zone that is said of a site is news of no punch: none is taken there before.
    """
    kind = KINDS[section]
    zone = last_said(before, "timezone")
    if is_complete(before) != is_complete(after) or (
        zone is not None and zone != last_said(after, "timezone")
    ):
        return EVER
    return differing(kind, before, after)


def _presence_changed(before: list[list[Statement]], after: list[list[Statement]]) -> Time | None:
    """Return the time in which there were people before and are none now, or the reverse."""
    return time_of(
        {moment for rows in (before, after) for statements in rows for moment in edges(statements)},
        lambda moment: is_any_held(PERSON, before, moment) != is_any_held(PERSON, after, moment),
    )


def _hull(times: Iterable[Time]) -> Time:
    """Return the time from the first beginning to the last end."""
    since, until = zip(*times, strict=True)
    return None if None in since else min(since), None if None in until else max(until)

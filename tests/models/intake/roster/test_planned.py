"""Shifts and assignments carry their own times, and are removed from a moment on."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.intake import RosterOutcome, sync_roster
from models.intake.roster.kinds import SHIFT as SHIFT_KIND
from models.intake.roster.kinds import Columns
from models.intake.roster.planned import asks_for_removals, merge
from models.intake.roster.statement import Statement, statement_of
from models.schemas.roster import ShiftIn
from tests.models.intake.stored import Content, codes, forget, rows

START, END = datetime(2026, 3, 10, 8, tzinfo=UTC), datetime(2026, 3, 10, 16, tzinfo=UTC)
SHIFT = {
    "shift_id": "s-1",
    "person_id": 7,
    "site_id": 15,
    "starts_at": START.isoformat(),
    "ends_at": END.isoformat(),
}
GONE = {"shift_id": "s-1", "deleted": True}
SAID: list[Content] = [
    SHIFT,
    SHIFT | {"substitutes": [9]},
    SHIFT | {"person_id": 8, "cancelled": True},
    {"shift_id": "s-1", "cancelled": True},
    {"shift_id": "s-1", "cancelled": False, "site_id": 16},
    {"shift_id": "s-1", "person_id": 9, "site_id": 18},
    {"shift_id": "s-1", "person_id": 10},
    {"shift_id": "s-1", "site_id": 17},
    {"shift_id": "s-1", "substitutes": [8]},
    {"shift_id": "s-1", "substitutes": None},
    GONE,
    GONE | {"correction": True},
]
ASSIGNED = {"person_id": 7, "site_id": 15}
HOUR = timedelta(hours=1)


def sync(engine: Engine, sent_at: datetime | None = None, **sections: Any) -> RosterOutcome:
    roster = {"tenant": {"tenant_id": 1, "name": "Acme"}, **sections}
    return sync_roster(engine, roster | ({"sent_at": sent_at.isoformat()} if sent_at else {}))


def shift(engine: Engine) -> Content:
    [row] = rows(engine, "SELECT * FROM shift")
    return row


def assignment(engine: Engine) -> Content:
    [row] = rows(engine, "SELECT * FROM assignment")
    return row


def test_a_content_counts_whenever_it_is_said(bare_engine: Engine) -> None:
    sync(bare_engine, END, shifts=[SHIFT])
    row = shift(bare_engine)
    assert (row["standing"], row["said_at"], row["removed_at"]) == (True, END, None)


@pytest.mark.parametrize(
    ("removed_at", "fields", "standing"),
    [
        (START - HOUR, {}, False),
        (START, {}, True),
        (START + HOUR, {}, True),
        (START + HOUR, {"correction": True}, False),
    ],
)
def test_a_removal_counts_if_it_was_said_before_the_start_or_as_a_correction(
    bare_engine: Engine, removed_at: datetime, fields: Content, standing: bool
) -> None:
    sync(bare_engine, START - 2 * HOUR, shifts=[SHIFT])
    forget(bare_engine)
    outcome = sync(bare_engine, removed_at, shifts=[GONE | fields])
    row = shift(bare_engine)
    assert (row["standing"], row["removed_at"], row["deleted"]) == (standing, removed_at, True)
    assert bool(outcome.changes) == (not standing)


def test_removing_it_every_night_leaves_the_first_removal(bare_engine: Engine) -> None:
    sync(bare_engine, START - 3 * HOUR, shifts=[SHIFT])
    for hours in (1, -5, -9):
        sync(bare_engine, START - hours * HOUR, shifts=[GONE])
    row = shift(bare_engine)
    assert (row["standing"], row["removed_at"]) == (False, START - HOUR)


ARRIVALS: list[tuple[int, Content]] = [
    (1, SHIFT | {"substitutes": [8]}),
    (2, GONE),
    (3, SHIFT | {"substitutes": [9]}),
    (4, GONE | {"correction": True}),
    (5, GONE),
]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_no_order_of_arrival_makes_a_difference(bare_engine: Engine, count: int) -> None:
    seen = set()
    for order in permutations(ARRIVALS[:count]):
        for hours, row in order:
            assert not sync(bare_engine, START - 9 * HOUR + hours * HOUR, shifts=[row]).refused
        stored = shift(bare_engine)
        names = ("substitutes", "standing", "removed_at", "removed_as_correction", "said_at")
        seen.add(str([stored[name] for name in names]))
        with bare_engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE shift, statement")
    assert len(seen) == 1


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_contents_said_at_once_the_bytewise_later_one_stands(
    bare_engine: Engine, is_reversed: bool
) -> None:
    told = [{"shifts": [SHIFT | {"person_id": person_id}]} for person_id in (7, 8)]
    told += [{"assignments": [ASSIGNED | {"valid_to": f"2026-03-0{day}"}]} for day in (4, 5)]
    for sections in reversed(told) if is_reversed else told:
        assert not sync(bare_engine, START - HOUR, **sections).refused
    assert shift(bare_engine)["person_id"] == 8
    assert assignment(bare_engine)["valid_to_date"] == date(2026, 3, 5)


def test_content_that_was_said_before_its_removal_is_taken(bare_engine: Engine) -> None:
    sync(bare_engine, START + HOUR, shifts=[GONE])
    assert not shift(bare_engine)["standing"]
    outcome = sync(bare_engine, START - HOUR, shifts=[SHIFT | {"substitutes": [9]}])
    row = shift(bare_engine)
    assert (row["standing"], row["removed_at"]) == (True, START + HOUR)
    assert outcome.changed_keys == {("shift", "s-1")}
    assert [row["person_id"] for row in rows(bare_engine, "SELECT * FROM substitute")] == [9]


def test_content_said_later_revives_it_and_all_of_it_begins_anew(bare_engine: Engine) -> None:
    sync(bare_engine, START - 5 * HOUR, shifts=[SHIFT | {"substitutes": [9], "cancelled": True}])
    sync(bare_engine, START - 4 * HOUR, shifts=[GONE])
    sync(bare_engine, START - 3 * HOUR, shifts=[{"shift_id": "s-1", "site_id": 16}])
    row = shift(bare_engine)
    assert (row["removed_at"], row["site_id"], row["substitutes"]) == (None, 16, [9])
    sync(bare_engine, START - 2 * HOUR, shifts=[SHIFT])
    row = shift(bare_engine)
    assert (row["standing"], row["site_id"], row["substitutes"]) == (True, 15, [])


def test_a_shift_that_lacks_something_is_kept_until_that_comes(bare_engine: Engine) -> None:
    sync(bare_engine, START - 2 * HOUR, shifts=[{"shift_id": "s-1", "site_id": 16}])
    assert not shift(bare_engine)["standing"]
    outcome = sync(bare_engine, START - 3 * HOUR, shifts=[SHIFT])
    row = shift(bare_engine)
    assert (row["standing"], row["site_id"], row["person_id"]) == (True, 16, 7)
    assert outcome.changed_keys == {("shift", "s-1")}


def test_a_shift_needs_its_times(bare_engine: Engine) -> None:
    outcome = sync(bare_engine, START, shifts=[SHIFT | {"ends_at": None}])
    assert codes(outcome.refused[0].reasons) == [("missing", "ends_at")]


@given(
    order=st.permutations(range(5)),
    told=st.lists(st.sampled_from(SAID), min_size=5, max_size=5),
)
@settings(max_examples=60)
def test_what_is_said_of_a_shift_comes_out_alike_in_any_order(
    order: list[int], told: list[Content]
) -> None:
    """Merging is pure: as roster.sync does it, row by row, with all removals that are known."""
    in_turn = [(START + HOUR * (place - 3), row) for place, row in enumerate(told)]
    assert merged(in_turn) == merged([in_turn[place] for place in order])


def test_of_contents_said_at_once_each_field_comes_out_alike_in_any_order() -> None:
    parts = [{"person_id": 8, "site_id": 16}, {"person_id": 9}, {"site_id": 14}]
    at_once = [(START, {"shift_id": "s-1"} | part) for part in parts]
    before = (START - HOUR, SHIFT)
    [outcome] = {
        (row["person_id"], row["site_id"])
        for order in permutations(at_once)
        for row in [merged([before, *order])]
    }
    assert outcome == (9, 16)


def merged(told: list[tuple[datetime, Content]]) -> Columns:
    """Return what a shift is once all of these have arrived in this order.

    Not when a field was cleared: to whoever says something of it later that is the same.
    """
    stored: Columns | None = None
    removals: list[Statement] = []
    for said_at, content in told:
        row = ShiftIn.model_validate(content)
        asked = removals if asks_for_removals(SHIFT_KIND, stored, row) else []
        stored = merge(SHIFT_KIND, stored, row, asked, sent_at=said_at, now=END)
        if row.deleted:
            removals.append(statement_of(SHIFT_KIND, row, said_at))
    return {name: value for name, value in (stored or {}).items() if name != "fields_said_at"}


def test_a_shift_whose_person_left_is_its_substitutes_only(bare_engine: Engine) -> None:
    people = [{"person_id": 7, "name": "Ada"}]
    second = SHIFT | {"shift_id": "s-2", "substitutes": [8]}
    early = SHIFT | {"shift_id": "s-0", "starts_at": (START - 48 * HOUR).isoformat()}
    sync(bare_engine, START - 9 * HOUR, people=people, shifts=[SHIFT, second, early])
    forget(bare_engine)
    outcome = sync(bare_engine, START - HOUR, people=[{"person_id": 7, "deleted": True}])
    marked = rows(bare_engine, "SELECT shift_id, person_left, standing FROM shift ORDER BY 1")
    assert [tuple(row.values()) for row in marked] == [
        ("s-0", False, True),
        ("s-1", True, False),
        ("s-2", True, True),
    ]
    assert outcome.changed_keys == {
        ("person", "7"),
        ("named", "7"),
        ("shift", "s-1"),
        ("shift", "s-2"),
        ("tenant", ""),
    }
    back = sync(bare_engine, START - HOUR / 2, people=people)
    assert {("shift", "s-1"), ("shift", "s-2")} <= back.changed_keys
    assert [row["standing"] for row in rows(bare_engine, "SELECT standing FROM shift")] == [
        True
    ] * 3


def test_whoever_is_not_in_the_roster_yet_has_not_left(bare_engine: Engine) -> None:
    sync(bare_engine, START - 9 * HOUR, shifts=[SHIFT])
    assert (shift(bare_engine)["person_left"], shift(bare_engine)["standing"]) == (False, True)
    joins = {"person_id": 7, "name": "Ada", "effective_from": END.isoformat()}
    sync(bare_engine, START - 8 * HOUR, people=[joins])
    assert not shift(bare_engine)["person_left"]


def test_a_shift_given_to_somebody_who_left_is_marked(bare_engine: Engine) -> None:
    sync(bare_engine, START - 9 * HOUR, people=[{"person_id": 7, "name": "Ada"}])
    sync(bare_engine, START - 8 * HOUR, people=[{"person_id": 7, "deleted": True}])
    sync(bare_engine, START - 7 * HOUR, shifts=[SHIFT])
    assert (shift(bare_engine)["person_left"], shift(bare_engine)["standing"]) == (True, False)
    sync(bare_engine, START - 6 * HOUR, shifts=[{"shift_id": "s-1", "person_id": 8}])
    assert (shift(bare_engine)["person_left"], shift(bare_engine)["standing"]) == (False, True)


def test_an_assignment_ends_when_its_removal_was_said(bare_engine: Engine) -> None:
    sync(bare_engine, START, assignments=[ASSIGNED])
    forget(bare_engine)
    outcome = sync(bare_engine, END, assignments=[ASSIGNED | {"deleted": True}])
    row = assignment(bare_engine)
    assert (row["deleted"], row["ended_at"], row["never_was"]) == (True, END, False)
    [person] = [change for change in outcome.changes if change.kind == "person"]
    assert person[2:] == (END, None)
    later = sync(bare_engine, END + HOUR, assignments=[ASSIGNED | {"deleted": True}])
    assert (assignment(bare_engine)["ended_at"], later.changes) == (END, ())
    sync(bare_engine, END + 2 * HOUR, assignments=[ASSIGNED])
    assert assignment(bare_engine)["ended_at"] is None


def test_one_removed_as_a_correction_never_was(bare_engine: Engine) -> None:
    sync(bare_engine, START, assignments=[ASSIGNED])
    outcome = sync(bare_engine, END, assignments=[ASSIGNED | {"deleted": True, "correction": True}])
    assert assignment(bare_engine)["never_was"]
    [person] = [change for change in outcome.changes if change.kind == "person"]
    assert person[2:] == (None, None)
    sync(bare_engine, START - HOUR, assignments=[ASSIGNED | {"valid_to": "2026-03-01"}])
    assert assignment(bare_engine)["never_was"]


def test_a_removal_that_came_first_ends_what_comes_late(bare_engine: Engine) -> None:
    sync(bare_engine, END, assignments=[ASSIGNED | {"deleted": True}])
    assert assignment(bare_engine)["never_was"]
    sync(bare_engine, START, assignments=[ASSIGNED])
    row = assignment(bare_engine)
    assert (row["deleted"], row["ended_at"], row["never_was"]) == (True, END, False)


def test_a_new_end_has_only_the_time_between_judged_anew(bare_engine: Engine) -> None:
    sync(bare_engine, START, assignments=[ASSIGNED | {"valid_to": END.isoformat()}])
    outcome = sync(
        bare_engine, START + HOUR, assignments=[ASSIGNED | {"valid_to": (END + HOUR).isoformat()}]
    )
    instant = timedelta(microseconds=1)
    [person] = [change for change in outcome.changes if change.kind == "person"]
    assert person[2:] == (END, END + HOUR + instant)


ROVING = ASSIGNED | {"roving": True}


def test_roving_is_kept_where_it_is_left_out_and_null_clears_it(bare_engine: Engine) -> None:
    told = [
        (ASSIGNED, False),
        (ROVING, True),
        (ASSIGNED | {"valid_to": "2026-03-31"}, True),
        (ASSIGNED | {"roving": None}, False),
        (ROVING | {"correction": True}, True),
        (ASSIGNED | {"roving": False}, False),
    ]
    for hours, (row, is_roving) in enumerate(told):
        assert not sync(bare_engine, START + hours * HOUR, assignments=[row]).refused
        assert assignment(bare_engine)["roving"] is is_roving
    assert assignment(bare_engine)["valid_to_date"] == date(2026, 3, 31)


def test_roving_is_true_or_false(bare_engine: Engine) -> None:
    outcome = sync(bare_engine, START, assignments=[ASSIGNED | {"roving": "yes"}])
    [refused] = outcome.refused
    assert codes(refused.reasons) == [("wrong_type", "roving")]


ROVING_ARRIVALS: list[tuple[int, Content]] = [
    (1, ROVING),
    (2, ASSIGNED | {"valid_to": "2026-03-31"}),
    (2, ASSIGNED | {"roving": False, "valid_to": "2026-03-30"}),
    (2, ROVING | {"valid_to": "2026-03-29"}),
    (3, ASSIGNED | {"deleted": True}),
    (4, ASSIGNED),
]


@pytest.mark.parametrize(
    ("count", "is_roving", "last_day"), [(4, True, date(2026, 3, 31)), (6, False, None)]
)
def test_no_order_of_arrival_makes_a_difference_to_who_roves(
    bare_engine: Engine, count: int, is_roving: bool, last_day: date | None
) -> None:
    """What was said before a removal and not since is blank; said at once, each field counts."""
    for order in permutations(ROVING_ARRIVALS[:count]):
        for hours, row in order:
            assert not sync(bare_engine, START + hours * HOUR, assignments=[row]).refused
        stored = assignment(bare_engine)
        assert (stored["roving"], stored["valid_to_date"]) == (is_roving, last_day), order
        assert (stored["deleted"], stored["never_was"]) == (False, False)
        with bare_engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE assignment, statement")


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ({"roving": True}, [(START, END + timedelta(microseconds=1))]),
        ({"roving": True, "valid_to": None}, [(START, None)]),
        (
            {"roving": True, "valid_to": (END - HOUR).isoformat()},
            [(START, END + timedelta(microseconds=1))],
        ),
        ({"roving": False}, []),
        ({"roving": None}, []),
        ({}, []),
    ],
)
def test_all_the_time_for_which_somebody_comes_to_rove_is_judged_anew_and_no_other(
    bare_engine: Engine, fields: Content, times: list[tuple[datetime, datetime | None]]
) -> None:
    row = ASSIGNED | {"valid_from": START.isoformat()}
    sync(bare_engine, START, assignments=[row | {"valid_to": END.isoformat()}])
    outcome = sync(bare_engine, END + HOUR, assignments=[row | fields])
    persons = [change for change in outcome.changes if change.kind == "person"]
    assert [change[1:] for change in persons] == [("7", *time) for time in times]
    assert assignment(bare_engine)["roving"] is bool(fields.get("roving"))


def test_of_one_that_never_was_it_makes_no_difference(bare_engine: Engine) -> None:
    sync(bare_engine, END, assignments=[ASSIGNED | {"deleted": True, "correction": True}])
    outcome = sync(bare_engine, START, assignments=[ROVING])
    assert (outcome.refused, outcome.changes) == ([], ())


def test_a_moved_shift_has_those_it_leaves_judged_around_it(bare_engine: Engine) -> None:
    sync(bare_engine, START - HOUR, shifts=[SHIFT])
    outcome = sync(bare_engine, START, shifts=[SHIFT | {"site_id": 16, "person_id": 8}])
    near = (START - 72 * HOUR, END + 72 * HOUR)
    assert {change[:2]: change[2:] for change in outcome.changes} == {
        ("shift", "s-1"): (None, None),
        ("site", "15"): near,
        ("person", "7"): near,
    }


def test_the_same_again_without_sent_at_writes_nothing(bare_engine: Engine) -> None:
    sections = {"shifts": [SHIFT], "assignments": [ASSIGNED]}
    sync(bare_engine, None, **sections)
    query = "SELECT xmin::text FROM shift UNION ALL SELECT xmin::text FROM assignment"
    before = rows(bare_engine, query)
    sync(bare_engine, None, **sections)
    assert rows(bare_engine, query) == before

"""What statements make of a row, sentence by sentence of the definition."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from models.intake.roster.kinds import DEVICE, PERSON, SITE, TENANT, Columns
from models.intake.roster.laying import (
    BEGINNING,
    END,
    Version,
    adds_nothing,
    difference,
    lay,
    superfluous,
    version_at,
)
from models.intake.roster.past_rows import row_by_now
from models.intake.roster.statement import Statement
from tests.models.intake.roster.told import day, names, say, versions

ADA, EDA, IDA = {"name": "Ada"}, {"name": "Eda"}, {"name": "Ida"}
OFFICE = {"name": "Office", "timezone": "Europe/Oslo"}


def test_what_is_said_first_holds_since_ever() -> None:
    assert names(PERSON, say(PERSON, 5, **ADA)) == [(None, None, "Ada")]


def test_unless_it_names_a_moment() -> None:
    first = say(PERSON, 5, **ADA, effective_from="2026-03-03T00:00:00Z")
    assert names(PERSON, first) == [(3, None, "Ada")]


def test_what_is_said_later_holds_from_when_it_was_said() -> None:
    assert names(PERSON, say(PERSON, 5, **ADA), say(PERSON, 8, **EDA)) == [
        (None, 8, "Ada"),
        (8, None, "Eda"),
    ]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-02T00:00:00Z", [(None, 2, "Ada"), (2, None, "Eda")]),
        ("2026-03-20T00:00:00Z", [(None, 20, "Ada"), (20, None, "Eda")]),
    ],
)
def test_it_may_hold_from_before_or_after(
    moment: str, expected: list[tuple[int | None, int | None, str]]
) -> None:
    later = say(PERSON, 8, **EDA, effective_from=moment)
    assert names(PERSON, say(PERSON, 5, **ADA), later) == expected


def test_a_correction_holds_since_ever() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 8, **EDA), say(PERSON, 9, **IDA, correction=True)]
    assert names(PERSON, *told) == [(None, None, "Ida")]


def test_a_correction_that_names_a_moment_holds_from_then() -> None:
    later = say(PERSON, 9, **EDA, correction=True, effective_from="2026-03-04T00:00:00Z")
    assert names(PERSON, say(PERSON, 5, **ADA), later) == [(None, 4, "Ada"), (4, None, "Eda")]


def test_what_was_told_ahead_lies_over_what_is_said_before_its_moment() -> None:
    told = [
        say(PERSON, 5, **ADA),
        say(PERSON, 6, **EDA, effective_from="2026-03-20T00:00:00Z"),
        say(PERSON, 8, **IDA),
    ]
    assert names(PERSON, *told) == [(None, 8, "Ada"), (8, 20, "Ida"), (20, None, "Eda")]


def test_what_is_told_of_the_past_lies_over_what_was_said_until_then() -> None:
    told = [
        say(PERSON, 5, **ADA),
        say(PERSON, 8, **EDA),
        say(PERSON, 10, **IDA, effective_from="2026-03-06T00:00:00Z"),
    ]
    assert names(PERSON, *told) == [(None, 6, "Ada"), (6, None, "Ida")]


def test_of_two_for_one_moment_the_one_said_later_lies_above() -> None:
    moment = "2026-03-20T00:00:00Z"
    told = [
        say(PERSON, 5, **ADA),
        say(PERSON, 7, **IDA, effective_from=moment),
        say(PERSON, 6, **EDA, effective_from=moment),
    ]
    assert names(PERSON, *told) == [(None, 20, "Ada"), (20, None, "Ida")]


def test_of_two_said_at_once_the_greater_json_lies_above() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 8, **EDA), say(PERSON, 8, **IDA)]
    assert names(PERSON, *told) == [(None, 8, "Ada"), (8, None, "Ida")]


def test_two_that_are_said_first_at_once_both_hold_since_ever() -> None:
    told = [say(SITE, 5, **OFFICE), say(SITE, 5, name="Zoo", radius_m=50)]
    [version] = versions(SITE, *told)
    assert (version.columns["name"], version.columns["radius_m"]) == ("Zoo", 50)


def test_fields_that_are_left_out_keep_their_value() -> None:
    told = [say(SITE, 5, **OFFICE, radius_m=50), say(SITE, 8, name="Depot")]
    assert [version.columns["radius_m"] for version in versions(SITE, *told)] == [50, 50]


def test_null_clears_a_field_to_its_default() -> None:
    told = [say(SITE, 5, **OFFICE, radius_m=50), say(SITE, 8, radius_m=None)]
    assert [version.columns["radius_m"] for version in versions(SITE, *told)] == [50, None]


def test_a_policy_merges_by_key() -> None:
    told = [
        say(SITE, 5, **OFFICE, policy={"grace_minutes": 5, "repeat_minutes": 1}),
        say(SITE, 8, policy={"grace_minutes": None, "max_work_hours": 9}),
        say(SITE, 9, policy=None),
    ]
    assert [version.columns["policy"] for version in versions(SITE, *told)] == [
        {"grace_minutes": 5, "repeat_minutes": 1},
        {"repeat_minutes": 1, "max_work_hours": 9},
        {},
    ]


def test_what_the_first_leaves_out_is_the_default_since_ever() -> None:
    told = [say(TENANT, 5, name="Acme"), say(TENANT, 8, policy={"grace_minutes": 5})]
    assert versions(TENANT, *told) == [
        Version(BEGINNING, day(8), {"name": "Acme", "policy": {}}),
        Version(day(8), END, {"name": "Acme", "policy": {"grace_minutes": 5}}),
    ]


def test_a_deletion_empties_the_row_and_what_follows_begins_anew() -> None:
    told = [
        say(SITE, 5, **OFFICE, radius_m=50),
        say(SITE, 8, deleted=True),
        say(SITE, 11, name="Depot"),
    ]
    assert names(SITE, *told) == [(None, 8, "Office"), (11, None, "Depot")]
    assert versions(SITE, *told)[1].columns["radius_m"] is None


def test_a_leaver_may_be_told_ahead_and_afterwards() -> None:
    ahead = say(PERSON, 6, deleted=True, effective_from="2026-03-20")
    assert names(PERSON, say(PERSON, 5, **ADA), ahead) == [(None, 20, "Ada")]
    afterwards = say(PERSON, 8, deleted=True, effective_from="2026-03-06")
    assert names(PERSON, say(PERSON, 5, **ADA), afterwards) == [(None, 6, "Ada")]


def test_who_was_deleted_as_a_correction_never_was() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 8, deleted=True, correction=True)]
    assert names(PERSON, *told) == []


def test_a_removal_that_is_all_that_came_makes_no_row() -> None:
    assert names(PERSON, say(PERSON, 5, deleted=True)) == []
    assert names(PERSON, say(PERSON, 5, deleted=True), say(PERSON, 8, **ADA)) == [(8, None, "Ada")]


def test_a_date_is_its_start_at_the_site() -> None:
    told = [say(SITE, 5, **OFFICE), say(SITE, 6, name="Depot", effective_from="2026-07-01")]
    midnight_in_oslo = datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert [version.since for version in versions(SITE, *told)] == [BEGINNING, midnight_in_oslo]


def test_it_follows_the_zone_that_is_said_last() -> None:
    told = [
        say(SITE, 5, **OFFICE),
        say(SITE, 6, name="Depot", effective_from="2026-07-01"),
        say(SITE, 7, timezone="Asia/Tokyo"),
    ]
    midnight_in_tokyo = datetime(2026, 6, 30, 15, tzinfo=UTC)
    assert [version.since for version in versions(SITE, *told)] == [BEGINNING, midnight_in_tokyo]


def test_a_date_of_other_kinds_is_its_start_in_utc() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 6, **EDA, effective_from="2026-03-10")]
    assert names(PERSON, *told) == [(None, 10, "Ada"), (10, None, "Eda")]


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_ends_of_the_calendar_are_dates_as_well(date: str, timezone: str) -> None:
    told = say(SITE, 5, name="Office", timezone=timezone, effective_from=date)
    assert len(versions(SITE, told)) == 1


def test_a_row_counts_once_what_it_lacks_has_come() -> None:
    first = say(SITE, 5, timezone="UTC", radius_m=50)
    assert versions(SITE, first) == []
    [version] = versions(SITE, first, say(SITE, 8, name="Office"))
    assert (version.since, version.until, version.columns["radius_m"]) == (day(8), END, 50)


def test_a_zone_that_comes_later_holds_throughout() -> None:
    told = [say(SITE, 5, name="Office"), say(SITE, 8, timezone="UTC")]
    assert names(SITE, *told) == [(None, None, "Office")]


def test_a_device_counts_once_it_is_known_to_be_shared_or_not() -> None:
    told = [say(DEVICE, 5, person_id=7), say(DEVICE, 8, shared=False)]
    assert versions(DEVICE, *told) == [Version(day(8), END, {"shared": False, "person_id": 7})]


def test_whether_the_roster_is_complete_is_as_said_last_even_if_told_ahead() -> None:
    told = [
        say(TENANT, 5, name="Acme", roster_complete=False),
        say(TENANT, 8, roster_complete=True, effective_from="2026-03-30"),
    ]
    assert lay(TENANT, told).throughout["roster_complete"] is True


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"])
def test_the_end_of_time_does_not_come(moment: str) -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 8, **EDA, effective_from=moment)]
    assert at(day(31), *told) == "Ada"
    assert all(version.since < version.until for version in versions(PERSON, *told))


def test_versions_that_meet_differ() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 8, **ADA, badge=1), say(PERSON, 9, **EDA)]
    assert names(PERSON, *told) == [(None, 9, "Ada"), (9, None, "Eda")]


def test_the_row_by_now_has_what_holds_and_its_unknown_fields() -> None:
    told = [
        say(PERSON, 5, **ADA, badge=1, team="A"),
        say(PERSON, 8, badge=2, team=None),
        say(PERSON, 9, **EDA, effective_from="2026-03-20"),
    ]
    assert now(told, day(10)) == ("Ada", {"badge": 2}, False)
    assert now(told, day(20)) == ("Eda", {"badge": 2}, False)
    assert now([*told, say(PERSON, 10, deleted=True)], day(10)) == ("Ada", None, True)
    assert now([say(PERSON, 5, **ADA, effective_from="2026-03-20")], day(10)) == ("Ada", None, True)


def now(told: Sequence[Statement], moment: datetime) -> tuple[str, Columns | None, bool]:
    """Return name, unknown fields and whether the row is removed at a moment."""
    laid = lay(PERSON, told)
    row = row_by_now(PERSON, (7,), None, laid.versions, laid.throughout, None, moment)
    assert row
    return row["name"], row["extra"], row["deleted"]


PAST = [
    say(SITE, 5, **OFFICE, radius_m=50, policy={"grace_minutes": 5}),
    say(SITE, 6, name="Depot", effective_from="2026-03-20"),
    say(SITE, 8, deleted=True),
    say(SITE, 9, name="Zoo", policy={"repeat_minutes": 1}),
    say(SITE, 9, name="Ark", radius_m=None),
    say(SITE, 11, radius_m=70, effective_from="2026-03-03", correction=True),
    say(SITE, 12, policy={"grace_minutes": 7}, correction=True),
]


def test_no_order_of_arrival_makes_a_difference() -> None:
    expected = lay(SITE, PAST)
    assert len(expected.versions) > 3
    for order in permutations(PAST):
        assert lay(SITE, order) == expected


def at(moment: datetime, *told: Statement) -> str | None:
    version = version_at(versions(PERSON, *told), moment)
    return version and version.columns["name"]


def test_a_version_holds_from_its_first_moment_to_before_its_last() -> None:
    told = [say(PERSON, 5, **ADA, effective_from="2026-03-05"), say(PERSON, 8, deleted=True)]
    microsecond = day(6).resolution
    assert [at(day(5) - microsecond, *told), at(day(5), *told)] == [None, "Ada"]
    assert [at(day(8) - microsecond, *told), at(day(8), *told)] == ["Ada", None]


def test_what_differs_is_told_from_the_first_moment_to_the_last() -> None:
    before = versions(PERSON, say(PERSON, 5, **ADA))
    after = versions(
        PERSON,
        say(PERSON, 5, **ADA),
        say(PERSON, 6, **EDA, effective_from="2026-03-10"),
        say(PERSON, 7, **ADA, effective_from="2026-03-20"),
    )
    assert difference(before, after, lambda columns: columns) == (day(10), day(20))
    assert difference(before, after, lambda columns: columns is None) is None
    assert difference([], after, lambda columns: columns) == (BEGINNING, END)
    assert difference(after, after, lambda columns: columns) is None


def test_only_what_changes_nothing_is_superfluous() -> None:
    repeats = [say(PERSON, 6, **ADA), say(PERSON, 9, **EDA), say(PERSON, 12, deleted=True)]
    needed = [
        say(PERSON, 5, **ADA),
        say(PERSON, 8, **EDA),
        say(PERSON, 10, **EDA, effective_from="2026-03-02"),
        say(PERSON, 11, deleted=True),
        say(PERSON, 30, deleted=True),
    ]
    told = [*repeats, *needed]
    assert superfluous(PERSON, told, day(20)) == repeats
    assert versions(PERSON, *needed) == versions(PERSON, *told)


@pytest.mark.parametrize("fields", [{"correction": True}, {"effective_from": "2026-02-01"}])
def test_a_row_that_names_from_when_it_holds_each_night_is_forgotten(
    fields: dict[str, Any],
) -> None:
    told = [say(PERSON, night, **ADA, **fields) for night in range(1, 20)]
    assert superfluous(PERSON, told, day(15)) == told[1:14]
    plan = say(PERSON, 3, **EDA, effective_from="2026-03-05")
    assert told[4] not in superfluous(PERSON, [*told, plan], day(15))


def test_what_says_last_how_it_is_throughout_is_not_superfluous() -> None:
    told = [
        say(SITE, 5, **OFFICE),
        say(SITE, 6, timezone="UTC", effective_from="2026-03-10"),
        say(SITE, 7, timezone="Europe/Oslo"),
        say(SITE, 12, timezone="UTC"),
    ]
    # Oslo was said before, and is not said last.
    assert superfluous(SITE, told, day(20)) == [told[2]]


def test_what_repeats_itself_adds_nothing() -> None:
    told = [say(PERSON, 5, **ADA), say(PERSON, 6, **EDA, effective_from="2026-03-20")]
    assert adds_nothing(PERSON, told, say(PERSON, 8, **ADA))
    assert adds_nothing(PERSON, told, say(PERSON, 8, **ADA, correction=True))
    assert adds_nothing(PERSON, told, say(PERSON, 8, **EDA, effective_from="2026-03-20"))
    assert not adds_nothing(PERSON, told, say(PERSON, 8, **EDA))
    assert not adds_nothing(PERSON, [], say(PERSON, 8, **ADA))


def test_a_plan_that_would_change_nothing_yet_is_no_repetition() -> None:
    """The person leaves meanwhile, and comes back as planned."""
    told, planned = [say(PERSON, 5, **ADA)], say(PERSON, 6, **ADA, effective_from="2026-03-20")
    assert versions(PERSON, *told) == versions(PERSON, *told, planned)
    assert not adds_nothing(PERSON, told, planned)
    gone = say(PERSON, 8, deleted=True)
    assert names(PERSON, *told, planned, gone) == [(None, 8, "Ada"), (20, None, "Ada")]


def test_what_is_said_of_a_row_that_lacks_something_adds_to_it() -> None:
    told, owner = [say(DEVICE, 5, deleted=True)], {"person_id": 7}
    assert versions(DEVICE, *told) == versions(DEVICE, *told, say(DEVICE, 6, **owner)) == []
    assert not adds_nothing(DEVICE, told, say(DEVICE, 6, **owner))
    assert not adds_nothing(DEVICE, told, say(DEVICE, 6, **owner, effective_from="2026-03-20"))


def test_what_says_how_it_is_throughout_adds_that() -> None:
    told = [say(TENANT, 5, **ADA, roster_complete=False)]
    assert not adds_nothing(TENANT, told, say(TENANT, 6, roster_complete=True))
    assert adds_nothing(TENANT, told, say(TENANT, 6, roster_complete=False))

"""The measure itself, by cases that are worked out by hand from the definitions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.ids import Id
from tests.properties.held import (
    DEVICE,
    PERSON,
    SITE,
    TENANT,
    Content,
    Statement,
    Version,
    differing,
    entitled,
    has_left,
    held,
    is_complete,
    is_there,
    is_valid,
    roves,
    shift_of,
    versions,
    zone_of,
)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


RECEIPT = day(31)


def said(number: int, **row: Any) -> Statement:
    """Return what was said at the beginning of a day of March."""
    return Statement(row, RECEIPT, day(number))


def names(*statements: Statement) -> list[tuple[Id, str]]:
    """Return the name of a person from each day on, 0 for ever, '' where there is none."""
    found: list[tuple[Id, str]] = []
    for version in versions(PERSON, statements):
        if found and version.since and found[-1][0] != version.since.day:
            found.append((version.since.day, version.row["name"]))
        else:
            found[-1:] = [(version.since.day if version.since else 0, version.row["name"])]
        if version.until:
            found.append((version.until.day, ""))
    return found


ADA = said(1, name="Ada")


def test_what_is_said_holds_from_when_it_was_said_and_the_first_since_ever() -> None:
    assert names(ADA) == [(0, "Ada")]
    assert names(ADA, said(5, name="Bea")) == [(0, "Ada"), (5, "Bea")]
    assert names(said(5, name="Bea"), ADA) == [(0, "Ada"), (5, "Bea")]


def test_the_first_that_names_a_moment_holds_from_then_only() -> None:
    first = said(1, name="Ada", effective_from="2026-03-03T00:00:00+00:00")
    assert names(first) == [(3, "Ada")]
    assert names(first, said(5, name="Bea")) == [(3, "Ada"), (5, "Bea")]


def test_a_moment_in_the_past_or_the_future_counts_instead_of_that_of_saying() -> None:
    assert names(ADA, said(9, name="Bea", effective_from="2026-03-04")) == [(0, "Ada"), (4, "Bea")]
    later = said(2, name="Bea", effective_from="2026-03-20")
    assert names(ADA, later) == [(0, "Ada"), (20, "Bea")]


def test_what_was_said_later_prevails_where_both_hold() -> None:
    planned = said(2, name="Bea", effective_from="2026-03-04")
    assert names(ADA, planned, said(9, name="Cleo", effective_from="2026-03-04")) == [
        (0, "Ada"),
        (4, "Cleo"),
    ]
    # Said on the 9th, it holds from the 3rd on, over what was said on the 5th.
    assert names(ADA, said(5, name="Bea"), said(9, name="Cleo", effective_from="2026-03-03")) == [
        (0, "Ada"),
        (3, "Cleo"),
    ]
    # What is planned for the 20th prevails from the 20th on over what was said meanwhile.
    planned = said(2, name="Bea", effective_from="2026-03-20")
    assert names(ADA, planned, said(9, name="Cleo")) == [(0, "Ada"), (9, "Cleo"), (20, "Bea")]


def test_a_correction_was_never_otherwise() -> None:
    assert names(ADA, said(5, name="Bea"), said(9, name="Cleo", correction=True)) == [(0, "Cleo")]
    # Only until something said later holds.
    assert names(ADA, said(5, name="Cleo", correction=True), said(9, name="Bea")) == [
        (0, "Cleo"),
        (9, "Bea"),
    ]
    # A moment that it names goes before.
    named = said(5, name="Cleo", correction=True, effective_from="2026-03-03")
    assert names(ADA, named) == [(0, "Ada"), (3, "Cleo")]


def test_a_deletion_empties_the_row_and_what_comes_later_begins_anew() -> None:
    assert names(ADA, said(5, deleted=True)) == [(0, "Ada"), (5, "")]
    assert names(ADA, said(5, deleted=True), said(9, name="Ada")) == [
        (0, "Ada"),
        (5, ""),
        (9, "Ada"),
    ]
    assert names(ADA, said(5, deleted=True, correction=True)) == []
    assert names(ADA, said(5, deleted=True, effective_from="2026-03-08")) == [(0, "Ada"), (8, "")]
    site = [
        said(1, name="Office", timezone="Europe/Oslo", radius_m=50.0),
        said(5, deleted=True),
        said(9, name="Depot", timezone="Europe/Oslo"),
    ]
    assert _radii(*site) == [(None, day(5), 50.0), (day(9), None, None)]


def test_the_first_said_of_all_may_be_a_deletion() -> None:
    assert names(said(1, deleted=True), said(5, name="Ada")) == [(5, "Ada")]


def _radii(*statements: Statement) -> list[tuple[datetime | None, datetime | None, float | None]]:
    return [
        (version.since, version.until, version.row["radius_m"])
        for version in versions(SITE, statements)
    ]


def test_fields_lie_over_each_other_singly_and_null_clears() -> None:
    site = [
        said(1, name="Office", timezone="Europe/Oslo", radius_m=50.0),
        said(5, name="Main Office"),
        said(9, radius_m=None),
    ]
    row: Content = {"latitude": None, "longitude": None, "boundary": None, "policy": {}}
    assert versions(SITE, site) == [
        Version(None, day(5), {"name": "Office", "radius_m": 50.0, **row}),
        Version(day(5), day(9), {"name": "Main Office", "radius_m": 50.0, **row}),
        Version(day(9), None, {"name": "Main Office", "radius_m": None, **row}),
    ]
    # A plan for one field leaves the others as they are by then.
    planned = said(2, radius_m=80.0, effective_from="2026-03-20T00:00:00Z")
    held_then = held(SITE, [*site, planned], day(21))
    assert held_then == {**row, "name": "Main Office", "radius_m": 80.0}


def test_policy_merges_by_key() -> None:
    tenant = [
        said(1, name="Acme", policy={"grace_minutes": 5.0, "repeat_minutes": 1.0}),
        said(3, policy={"repeat_minutes": 2.0}),
        said(5, policy={"grace_minutes": None}),
        said(7, policy=None),
    ]
    assert [version.row["policy"] for version in versions(TENANT, tenant)] == [
        {"grace_minutes": 5.0, "repeat_minutes": 1.0},
        {"grace_minutes": 5.0, "repeat_minutes": 2.0},
        {"repeat_minutes": 2.0},
        {},
    ]


def test_what_the_first_leaves_out_is_the_default_since_ever() -> None:
    tenant = [said(1, name="Acme"), said(5, policy={"grace_minutes": 1.0})]
    assert [(v.since, v.row["policy"]) for v in versions(TENANT, tenant)] == [
        (None, {}),
        (day(5), {"grace_minutes": 1.0}),
    ]


def test_without_what_it_requires_a_row_is_not_there_until_that_comes() -> None:
    device = [said(1, person_id=1), said(5, shared=False)]
    assert versions(DEVICE, device) == [
        Version(day(5), None, {"shared": False, "person_id": 1}),
    ]
    # Said to have never been otherwise, it was there all along.
    assert versions(DEVICE, [*device, said(9, shared=True, correction=True)]) == [
        Version(None, None, {"shared": True, "person_id": 1}),
    ]
    assert versions(PERSON, [said(1, name=None)]) == []
    assert versions(SITE, [said(1, name="Office")]) == []
    # A time zone has no past: said later, it was never lacking.
    assert _radii(said(1, name="Office", radius_m=1.0), said(5, timezone="Asia/Tokyo")) == [
        (None, None, 1.0)
    ]


def test_a_date_begins_at_the_site_by_the_zone_that_was_said_last() -> None:
    site = [
        said(1, name="Office", timezone="Europe/Oslo"),
        said(2, radius_m=50.0, effective_from="2026-03-10"),
    ]
    assert _radii(*site)[1][0] == day(9, 23)
    moved = said(5, timezone="America/New_York")
    assert _radii(*site, moved)[1][0] == day(10, 4)
    assert zone_of([*site, moved]).key == "America/New_York"
    assert names(ADA, said(2, name="Bea", effective_from="2026-03-10")) == [(0, "Ada"), (10, "Bea")]


def test_whether_a_roster_is_complete_is_as_last_said() -> None:
    first = said(1, name="Acme", roster_complete=False)
    assert not is_complete([first])
    assert is_complete([first, said(5, roster_complete=True)])
    assert is_complete([said(5, roster_complete=True), first])
    assert is_complete([said(1, name="Acme")])


def test_said_at_is_its_receipt_without_a_sent_at_or_with_one_that_is_ahead() -> None:
    assert Statement({}, RECEIPT).said_at == RECEIPT
    slightly = RECEIPT + timedelta(minutes=5)
    assert Statement({}, RECEIPT, slightly).said_at == slightly
    assert Statement({}, RECEIPT, slightly + timedelta(seconds=1)).said_at == RECEIPT


def test_of_two_said_at_once_the_bytewise_later_one_prevails() -> None:
    assert names(said(1, name="Bea"), said(1, name="Ada")) == [(0, "Bea")]
    assert names(ADA, said(5, name="Bea"), said(5, name="Cleo")) == [(0, "Ada"), (5, "Cleo")]


def test_of_two_that_begin_at_once_the_one_said_later_prevails() -> None:
    planned = said(2, name="Zoe", effective_from="2026-03-09T00:00:00Z")
    assert names(ADA, planned, said(9, name="Bea")) == [(0, "Ada"), (9, "Bea")]


OSLO = zone_of([said(1, timezone="Europe/Oslo")])


@pytest.mark.parametrize(
    ("number", "hour", "is_it"), [(3, 22, False), (3, 23, True), (5, 22, True), (5, 23, False)]
)
def test_an_assignment_of_whole_days_is_valid_on_them_at_the_site(
    number: int, hour: int, is_it: bool
) -> None:
    row = said(9, person_id=1, site_id=1, valid_from="2026-03-04", valid_to="2026-03-05")
    assert is_valid([row], day(number, hour), OSLO) is is_it


def test_an_assignment_ends_when_its_deletion_is_said_and_is_revived_by_what_is_said_later() -> (
    None
):
    row, deletion = said(2, person_id=1, site_id=1), said(5, person_id=1, site_id=1, deleted=True)
    assert [is_valid([row, deletion], at, OSLO) for at in (day(1), day(5), day(5, 1))] == [
        True,
        True,
        False,
    ]
    assert is_valid([deletion, row, said(8, person_id=1, site_id=1)], day(6), OSLO)
    again = said(8, person_id=1, site_id=1, deleted=True)
    assert not is_valid([row, deletion, again], day(6), OSLO)
    wrong = said(5, person_id=1, site_id=1, deleted=True, correction=True)
    assert not is_valid([row, wrong], day(1), OSLO)
    ends = said(6, person_id=1, site_id=1, valid_to=day(3).isoformat())
    assert [is_valid([row, ends], at, OSLO) for at in (day(3), day(3, 1))] == [True, False]
    assert not is_valid([deletion], day(1), OSLO)


def test_an_assignment_is_there_since_ever_until_it_is_removed_whenever_it_is_valid() -> None:
    times = {"valid_from": "2026-03-04", "valid_to": "2026-03-05"}
    row = said(6, person_id=1, site_id=1, **times)
    assert all(is_there([row], at) for at in (day(1), day(4), day(6), day(30)))
    removal = said(9, person_id=1, site_id=1, deleted=True)
    assert [is_there([row, removal], at) for at in (day(1), day(9), day(9, 1))] == [
        True,
        True,
        False,
    ]
    assert is_there([row, removal, said(10, person_id=1, site_id=1, **times)], day(12))
    wrong = said(9, person_id=1, site_id=1, deleted=True, correction=True)
    assert not any(is_there(statements, day(4)) for statements in ([], [removal], [row, wrong]))


def test_who_roves_is_as_last_said_of_a_valid_assignment_and_not_before_it_was_removed() -> None:
    def row(number: int, **fields: Any) -> Statement:
        return said(number, person_id=1, site_id=1, **fields)

    def roving(*statements: Statement, at: datetime = day(6)) -> bool:
        return roves(statements, at, OSLO)

    assert not roving(row(2))
    assert roving(row(2, roving=True))
    assert roving(row(3), row(2, roving=True), row(1, roving=False))
    assert not roving(row(3, roving=None), row(2, roving=True))
    assert roving(row(3, roving=False), row(3, roving=True))
    assert not roving(row(2, roving=True, valid_to=day(5).isoformat()))
    removal = row(4, deleted=True)
    assert not roving(row(2, roving=True), removal)
    assert roving(row(2, roving=True), removal, at=day(4))
    assert not roving(row(2, roving=True), removal, row(5))
    assert roving(row(2, roving=True), removal, row(5, roving=True))


def _shift(number: int, **fields: Any) -> Statement:
    times = {"starts_at": day(10).isoformat(), "ends_at": day(10, 8).isoformat()}
    return said(number, shift_id="s", person_id=1, site_id=1, **times, **fields)


def _removal(number: int, **fields: Any) -> Statement:
    return said(number, shift_id="s", deleted=True, **fields)


def test_a_shift_removed_before_its_start_is_cancelled_and_removed_after_it_counts_on() -> None:
    shift = _shift(1)
    assert shift_of([shift]) == shift.row
    assert shift_of([shift, _removal(5)]) is None
    assert shift_of([_removal(11), shift]) == shift.row
    assert shift_of([shift, _removal(11, correction=True)]) is None
    assert shift_of([shift, _removal(5), _removal(11)]) is None
    assert shift_of([shift, _removal(5), _shift(6)]) is not None
    assert shift_of([_shift(1, cancelled=True)]) is None
    assert shift_of([_removal(5)]) is None


def test_the_last_content_of_a_shift_holds_for_all_of_it() -> None:
    moved = _shift(15)
    moved.row["starts_at"] = day(3).isoformat()
    assert shift_of([_shift(1), moved]) == moved.row
    # By the start that was said last it was removed after it.
    assert shift_of([_shift(1), _removal(16), moved]) is not None


def test_a_shift_of_who_left_is_its_substitutes_only() -> None:
    shift = [_shift(1, substitutes=[2])]
    assert entitled(shift, [ADA]) == (1, 2)
    assert entitled(shift, [ADA, said(9, deleted=True)]) == (2,)
    assert entitled(shift, [ADA, said(11, deleted=True)]) == (1, 2)
    assert entitled([_shift(1)], [ADA, said(9, deleted=True)]) == ()
    # Who never was in the roster has not left it, nor who comes later.
    assert entitled(shift, []) == (1, 2)
    later = said(1, name="Ada", effective_from="2026-03-12")
    assert not has_left([later], day(10))
    assert has_left([ADA, said(5, deleted=True), said(12, name="Ada")], day(10))


def test_differing_is_from_the_first_moment_to_the_end_of_the_last_time() -> None:
    bea = said(5, name="Bea")
    assert differing(PERSON, [], [ADA]) == (None, None)
    assert differing(PERSON, [ADA], [ADA, bea]) == (day(5), None)
    assert differing(PERSON, [ADA, bea], [ADA, bea, said(9, name="Bea")]) is None
    assert differing(PERSON, [ADA, bea], [ADA, bea, said(3, name="Cleo")]) == (day(3), day(5))
    gone = said(7, deleted=True)
    assert differing(PERSON, [ADA, gone], [ADA, gone, bea]) == (day(5), day(7))

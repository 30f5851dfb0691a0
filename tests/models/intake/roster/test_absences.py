"""Absences carry their own times: what was said of them last holds, as if it always had."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine

from models.intake import RosterOutcome, submit, sync_roster
from models.intake.roster.extent import Extent
from tests.models.intake.stored import Content, a_punch, codes, forget, rejected, rows

SAID = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEAVE = {"absence_id": "l-1", "person_id": 7, "from": "2026-03-10", "to": "2026-03-12"}
GONE = {"absence_id": "l-1", "deleted": True}


def sync(engine: Engine, *absences: Content, sent_at: datetime | None = None) -> RosterOutcome:
    roster = {"tenant": {"tenant_id": 1, "name": "Acme"}, "absences": list(absences)}
    return sync_roster(engine, roster | ({"sent_at": sent_at.isoformat()} if sent_at else {}))


def absence(engine: Engine) -> Content:
    [row] = rows(engine, "SELECT * FROM absence")
    return row


def spans(outcome: RosterOutcome) -> list[tuple[str, str, str, str]]:
    """Return what is judged again, each with from when until when."""
    return [
        (change.kind, change.key, _text(change.since), _text(change.until))
        for change in outcome.changes
    ]


def _text(moment: datetime | None) -> str:
    return f"{moment:%m-%d %H:%M:%S.%f}".removesuffix(".000000") if moment else "ever"


def test_days_are_kept_as_days_and_moments_as_moments(bare_engine: Engine) -> None:
    outcome = sync(bare_engine, LEAVE | {"to": "2026-03-12T08:00:00+01:00", "reason": "leave"})
    row = absence(bare_engine)
    assert not outcome.refused
    assert (row["standing"], row["person_id"], row["site_id"]) == (True, 7, None)
    assert (row["absent_from"], row["absent_from_date"]) == (None, date(2026, 3, 10))
    assert row["absent_to"] == datetime(2026, 3, 12, 7, tzinfo=UTC)
    assert (row["absent_to_date"], row["reason"]) == (None, "leave")
    assert row["covers_since"] == datetime(2026, 3, 9, 9, tzinfo=UTC)  # wherever the site is
    assert row["covers_until"] == datetime(2026, 3, 12, 7, tzinfo=UTC)


MOMENT = "2026-03-10T08:00:00Z"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"to": "2026-03-09"}, [("out_of_range", "to")]),
        ({"from": MOMENT, "to": "2026-03-10T07:59:59Z"}, [("out_of_range", "to")]),
        ({"from": MOMENT, "to": "2026-03-08"}, [("out_of_range", "to")]),
        ({"from": MOMENT, "to": MOMENT}, []),
        ({"to": "2026-03-10"}, []),
        ({"from": MOMENT, "to": "2026-03-09"}, []),  # far to the west it is still that day
        ({"site_id": 15}, [("out_of_range", "site_id")]),
        ({"site_id": 15, "person_id": None}, []),
        ({"from": None}, [("missing", "from")]),
        ({"to": None, "deleted": False}, [("missing", "to")]),
        ({"from": "2026-03-10T08:00:00"}, [("no_offset", "from")]),
        ({"to": "tomorrow"}, [("not_a_time", "to")]),
        ({"reason": "x" * 501}, [("out_of_range", "reason")]),
        ({"reason": "x" * 500}, []),
        ({"reason": ""}, [("out_of_range", "reason")]),
        ({"absence_id": "x" * 65}, [("out_of_range", "absence_id")]),
        ({"absence_id": "x" * 64}, []),
    ],
)
def test_what_is_refused(
    bare_engine: Engine, fields: Content, expected: list[tuple[str, str]]
) -> None:
    outcome = sync(bare_engine, LEAVE | fields)
    assert [codes(row.reasons) for row in outcome.refused] == ([expected] if expected else [])
    assert len(rejected(bare_engine)) == bool(expected)
    assert bool(rows(bare_engine, "SELECT FROM absence")) == (not expected)


def test_one_of_a_person_becomes_one_of_a_site_only_where_it_is_no_longer_the_persons(
    bare_engine: Engine,
) -> None:
    sync(bare_engine, LEAVE)
    outcome = sync(bare_engine, {"absence_id": "l-1", "site_id": 15})
    assert codes(outcome.refused[0].reasons) == [("out_of_range", "site_id")]
    assert "set the other to null" in outcome.refused[0].reasons[0]["message"]
    assert not sync(bare_engine, {"absence_id": "l-1", "site_id": 15, "person_id": None}).refused
    assert (absence(bare_engine)["person_id"], absence(bare_engine)["site_id"]) == (None, 15)


def test_what_lacks_something_is_kept_until_that_comes(engine: Engine) -> None:
    outcome = sync(engine, {"absence_id": "l-1", "person_id": 7, "from": "2026-03-10"})
    assert (outcome.refused, outcome.changes) == ([], ())
    assert not absence(engine)["standing"]
    assert spans(sync(engine, {"absence_id": "l-1", "to": "2026-03-12"})) == [
        ("person", "7", "03-09 09:00:00", "03-13 15:00:00.000001")
    ]
    assert absence(engine)["standing"]


ARRIVALS: list[Content] = [
    LEAVE,
    LEAVE | {"to": "2026-03-14", "reason": "leave"},
    GONE,
    {"absence_id": "l-1", "person_id": 8},
    LEAVE | {"person_id": None, "site_id": 15},
]


@pytest.mark.parametrize("numbers", [(0, 1), (0, 1, 2), (0, 2, 3), (0, 4, 2), (0, 2, 1, 3)])
def test_no_order_of_arrival_makes_a_difference(
    bare_engine: Engine, numbers: tuple[int, ...]
) -> None:
    told = [(SAID + place * HOUR, ARRIVALS[number]) for place, number in enumerate(numbers)]
    seen = set()
    for order in permutations(told):
        for sent_at, row in order:
            assert not sync(bare_engine, row, sent_at=sent_at).refused
        stored = absence(bare_engine)
        names = ("person_id", "site_id", "absent_to_date", "reason", "standing", "removed_at")
        seen.add(str([stored[name] for name in names]))
        with bare_engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE absence, statement")
    assert len(seen) == 1


def test_an_older_one_loses_to_a_newer(bare_engine: Engine) -> None:
    sync(bare_engine, LEAVE, sent_at=SAID)
    assert sync(bare_engine, LEAVE | {"to": "2026-03-20"}, sent_at=SAID - HOUR).changes == ()
    assert absence(bare_engine)["absent_to_date"] == date(2026, 3, 12)
    assert sync(bare_engine, GONE, sent_at=SAID - HOUR).changes == ()
    assert absence(bare_engine)["standing"]


def test_removed_it_is_as_if_it_had_never_been(bare_engine: Engine) -> None:
    """Also where its removal is said after it, and what it was is not remembered."""
    sync(bare_engine, LEAVE | {"reason": "leave"}, sent_at=SAID)
    whole = [("person", "7", "03-09 09:00:00", "03-13 15:00:00.000001")]
    assert spans(sync(bare_engine, GONE, sent_at=SAID + 9000 * HOUR)) == whole
    row = absence(bare_engine)
    assert (row["standing"], row["deleted"]) == (False, True)
    assert sync(bare_engine, {"absence_id": "l-1", "person_id": 7}).changes == ()
    assert spans(sync(bare_engine, LEAVE)) == whole
    row = absence(bare_engine)
    assert (row["standing"], row["deleted"], row["reason"]) == (True, False, None)


def test_the_removal_of_what_never_came_is_remembered(engine: Engine) -> None:
    assert sync(engine, GONE, sent_at=SAID).changes == ()
    assert sync(engine, LEAVE, sent_at=SAID - HOUR).changes == ()
    assert not absence(engine)["standing"]


MOMENTS = {"from": "2026-03-10T08:00:00Z", "to": "2026-03-12T08:00:00Z"}
WHOLE = ("person", "7", "03-10 08:00:00", "03-12 08:00:00.000001")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (MOMENTS, MOMENTS, []),
        (MOMENTS, MOMENTS | {"reason": "leave"}, [WHOLE]),
        (
            MOMENTS,
            {"to": "2026-03-12T09:00:00Z"},
            [("person", "7", "03-12 08:00:00.000001", "03-12 09:00:00.000001")],
        ),
        (
            MOMENTS,
            {"to": "2026-03-11T08:00:00Z"},
            [("person", "7", "03-11 08:00:00.000001", "03-12 08:00:00.000001")],
        ),
        (
            MOMENTS,
            {"from": "2026-03-09T08:00:00Z"},
            [("person", "7", "03-09 08:00:00", "03-10 08:00:00")],
        ),
        (
            MOMENTS,
            {"from": "2026-03-09T08:00:00Z", "to": "2026-03-11T08:00:00Z"},
            [("person", "7", "03-09 08:00:00", "03-12 08:00:00.000001")],
        ),
        # In one zone the 12th ends 15 hours before it does in UTC, in another as long after.
        ({}, {"to": "2026-03-13"}, [("person", "7", "03-12 09:00:00", "03-14 15:00:00.000001")]),
        ({}, {"from": "2026-03-09"}, [("person", "7", "03-08 09:00:00", "03-10 15:00:00")]),
        (MOMENTS, {"person_id": 8}, [WHOLE, ("person", "8", *WHOLE[2:])]),
        (MOMENTS, {"person_id": None, "site_id": 15}, [WHOLE, ("site", "15", *WHOLE[2:])]),
        (
            MOMENTS | {"person_id": None, "site_id": 15},
            {"reason": "Easter"},  # no finding speaks of it
            [],
        ),
    ],
)
def test_the_time_is_judged_again_for_which_it_covers_otherwise(
    engine: Engine, before: Content, after: Content, expected: list[Any]
) -> None:
    sync(engine, LEAVE | before)
    forget(engine)
    assert spans(sync(engine, {"absence_id": "l-1"} | after)) == expected


def test_the_outcome_counts_what_is_judged_again(engine: Engine) -> None:
    now = datetime.now(UTC)

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).isoformat()

    shift = {"person_id": 7, "site_id": 15}
    shifts = [
        shift | {"shift_id": f"{days}", "starts_at": ago(days), "ends_at": ago(days - 0.5)}
        for days in (40, 20, 10, 2)
    ]
    sync_roster(engine, {"tenant": {"tenant_id": 1}, "shifts": shifts})
    submit(engine, [a_punch(punch_id=f"p-{days}", occurred_at=ago(days)) for days in (40, 20, 10)])
    submit(engine, [a_punch(punch_id="other", occurred_at=ago(10), person_id=8)])
    times = {"absence_id": "l-1", "from": ago(50), "to": ago(5)}
    assert sync(engine, times | {"person_id": 7}).extent == Extent(2, 2)  # of 35 days
    assert sync(engine, times | {"person_id": 7}).extent == Extent(0, 0)
    assert sync(engine, times | {"person_id": 7, "to": ago(15)}).extent == Extent(1, 1)
    assert sync(engine, times | {"absence_id": "h-1", "site_id": 15}).extent == Extent(3, 2)


def test_absences_of_another_tenant_are_others(engine: Engine) -> None:
    sync(engine, LEAVE)
    sync_roster(
        engine, {"tenant": {"tenant_id": 2}, "absences": [LEAVE | {"to": "2026-03-11"}, GONE]}
    )
    sync_roster(engine, {"tenant": {"tenant_id": 2}, "absences": [LEAVE | {"to": "2026-03-11"}]})
    stored = rows(engine, "SELECT tenant_id, absent_to_date FROM absence ORDER BY tenant_id")
    assert [tuple(row.values()) for row in stored] == [
        (1, date(2026, 3, 12)),
        (2, date(2026, 3, 11)),
    ]

"""People who are merged: who counts as whom, what is refused, and whose punches and shifts are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models.ids import Id
from models.intake import RosterOutcome, submit, sync_roster, void
from models.intake.roster.laying import BEGINNING, END
from models.intake.roster.merges import (
    LONGEST_CHAIN,
    Merge,
    by_person,
    circle,
    counts_as,
    differing,
    followed,
)
from tests.models.intake.stored import Content, a_punch, codes, forget, rows

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number: int) -> datetime:
    return FIRST + (number - 1) * DAY


def merge(person_id: Id, into_id: Id, since: int | None = None, until: int | None = None) -> Merge:
    begins = BEGINNING if since is None else day(since)
    return Merge(person_id, begins, END if until is None else day(until), into_id)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([merge(1, 2)], [merge(1, 2)]),
        ([merge(1, 9)], []),  # who has not come
        ([merge(1, 2), merge(2, 3)], [merge(1, 3), merge(2, 3)]),
        ([merge(1, 2), merge(2, 9)], [merge(1, 2)]),
        (
            [merge(1, 2), merge(2, 3, 4, 6)],
            [merge(1, 2, None, 4), merge(1, 3, 4, 6), merge(1, 2, 6), merge(2, 3, 4, 6)],
        ),
        (
            [merge(1, 2, 5), merge(2, 3, None, 7)],
            [merge(1, 3, 5, 7), merge(1, 2, 7), merge(2, 3, None, 7)],
        ),
        # Into one and then into the other, who is merged into the first.
        ([merge(1, 2, 3, 5), merge(1, 3, 5), merge(3, 2, 5)], [merge(1, 2, 3), merge(3, 2, 5)]),
    ],
)
def test_chains_are_followed_to_the_last_as_it_is_at_each_moment(
    said: list[Merge], expected: list[Merge]
) -> None:
    assert followed(by_person(said), {2, 3}) == expected
    for number in range(1, 9):
        asked = counts_as(by_person(expected), 1, day(number))
        assert asked == counts_as(by_person(followed(by_person(said), {2, 3})), 1, day(number))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([merge(1, 1)], [1]),
        ([merge(1, 2), merge(2, 1)], [1, 2]),
        ([merge(1, 2), merge(2, 3), merge(3, 1)], [1, 2, 3]),
        ([merge(1, 2, None, 5), merge(2, 1, 5)], []),  # at no moment both
        ([merge(1, 2, None, 6), merge(2, 1, 5)], [1, 2]),
        ([merge(1, 2), merge(2, 3), merge(3, 2)], []),  # a circle, but not through it
        ([merge(1, 2), merge(2, 3)], []),
    ],
)
def test_circles_are_found_at_any_moment(said: list[Merge], expected: list[int]) -> None:
    assert circle(by_person(said), 1) == expected


def test_a_chain_has_an_end() -> None:
    said = by_person([merge(number, number + 1) for number in range(1, LONGEST_CHAIN + 1)])
    assert len(circle(said, 1)) == LONGEST_CHAIN
    assert circle(said, 2) == []


def test_the_time_differs_for_which_somebody_counts_as_another() -> None:
    before, after = [merge(1, 2, 3)], [merge(1, 2, 5), merge(3, 2)]
    assert differing(before, after) == {1: (day(3), END), 3: (BEGINNING, END)}
    assert differing(after, after) == {}


def sync(engine: Engine, *people: Content, **sections: Any) -> RosterOutcome:
    return sync_roster(engine, {"tenant": {"tenant_id": 1}, "people": list(people), **sections})


def into(person_id: Id, into_id: Id | None, **fields: Any) -> Content:
    return {"person_id": person_id, "merged_into": into_id, **fields}


@pytest.fixture
def named(engine: Engine) -> Engine:
    sync(engine, *({"person_id": number, "name": f"Person {number}"} for number in range(1, 7)))
    return engine


def whose(engine: Engine) -> dict[str, tuple[int, int | None]]:
    """Return whose each punch is, and who was said where that is another."""
    found = rows(engine, "SELECT punch_id, person_id, said_person_id FROM punch")
    return {row["punch_id"]: (row["person_id"], row["said_person_id"]) for row in found}


def punch(punch_id: str, number: int, person_id: Id = 1, **fields: Any) -> Content:
    occurred_at = day(number).isoformat()
    return a_punch(punch_id=punch_id, person_id=person_id, occurred_at=occurred_at, **fields)


def test_punches_are_the_others_from_the_moment_on(named: Engine) -> None:
    submit(named, [punch("before", 3), punch("at", 5), punch("after", 9), punch("other", 9, 3)])
    sync(named, into(1, 2, effective_from=day(5).isoformat()))
    assert whose(named) == {
        "before": (1, None),
        "at": (2, 1),
        "after": (2, 1),
        "other": (3, None),
    }
    sync(named, into(1, None, effective_from=day(8).isoformat()))
    assert whose(named)["after"] == (1, None)
    assert whose(named)["at"] == (2, 1)
    sync(named, into(1, None, correction=True))
    assert whose(named)["at"] == (1, None)


def test_a_correction_merges_since_ever_and_a_chain_ends_at_the_last(named: Engine) -> None:
    submit(named, [punch("p", 1)])
    sync(named, into(1, 2, correction=True))
    assert whose(named) == {"p": (2, 1)}
    sync(named, into(2, 3, correction=True))
    assert whose(named) == {"p": (3, 1)}
    sync(named, into(2, None, correction=True))
    assert whose(named) == {"p": (2, 1)}


def test_bodies_are_merged_as_people_are(named: Engine) -> None:
    face = {"method": "face", "matched_person_id": 1}
    submit(named, [punch("own", 5, 1, biometric=face), punch("others", 5, 3, biometric=face)])
    sync(named, into(1, 2, correction=True))
    found = rows(
        named,
        "SELECT punch_id, person_id, biometric_person_id, said_biometric_person_id FROM punch",
    )
    assert sorted(tuple(row.values()) for row in found) == [("others", 3, 2, 1), ("own", 2, 2, 1)]
    sync(named, into(1, None, correction=True))
    found = rows(named, "SELECT biometric_person_id, said_biometric_person_id FROM punch")
    assert {tuple(row.values()) for row in found} == {(1, None)}


def test_who_has_not_come_is_waited_for(named: Engine) -> None:
    submit(named, [punch("p", 5)])
    outcome = sync(named, into(1, 99, correction=True))
    assert (outcome.refused, whose(named)) == ([], {"p": (1, None)})
    sync(named, {"person_id": 99, "name": "Late"})
    assert whose(named) == {"p": (99, 1)}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([[into(1, 1)]], "makes a circle of 1 into 1"),
        ([[into(1, 2)], [into(2, 1)]], "makes a circle of 2 into 1 into 2"),
        ([[into(1, 2), into(2, 3)], [into(3, 1)]], "makes a circle of 3 into 1 into 2 into 3"),
    ],
)
def test_a_circle_is_refused_and_the_rest_is_taken(
    named: Engine, calls: list[list[Content]], expected: str
) -> None:
    for call in calls[:-1]:
        assert not sync(named, *call).refused
    outcome = sync(named, *calls[-1], {"person_id": 6, "name": "Six"})
    (refused,) = outcome.refused
    assert codes(refused.reasons) == [("circular", "merged_into")]
    assert refused.reasons[0]["message"].startswith(expected)
    assert "give the one to go on with null" in refused.reasons[0]["message"]
    assert rows(named, "SELECT name FROM person WHERE person_id = 6") == [{"name": "Six"}]
    stored = rows(named, "SELECT person_id FROM person_merge ORDER BY person_id")
    assert [row["person_id"] for row in stored] == [1, 2][: len(calls[0]) if calls[1:] else 0]


def test_a_circle_of_one_call_is_refused_whole(named: Engine) -> None:
    outcome = sync(named, into(1, 2), into(2, 1), into(4, 1))
    assert sorted(row.place for row in outcome.refused) == [0, 1]
    assert [tuple(row.values()) for row in rows(named, "SELECT person_id FROM person_merge")] == [
        (4,)
    ]


def test_what_was_submitted_is_what_comes_again_and_what_is_corrected(named: Engine) -> None:
    content = punch("p", 5)
    submit(named, [content])
    sync(named, into(1, 2, correction=True))
    forget(named)
    (outcome,) = submit(named, [content])
    assert (outcome.applied, rows(named, "SELECT * FROM pending")) == (True, [])
    submit(named, [content | {"latitude": 1.0, "longitude": 1.0}])
    (stored,) = rows(named, "SELECT person_id, said_person_id, latitude FROM punch")
    assert (stored["person_id"], stored["said_person_id"]) == (1, None)  # until it is judged
    revised = rows(named, "SELECT content FROM punch_revision")
    assert {row["content"]["person_id"] for row in revised} == {1}
    assert submit(named, [content])[0].applied is False  # seen before


def test_the_same_content_sent_again_later_stays_the_others(named: Engine) -> None:
    """Apps that try again say when they sent it the last time."""
    content = punch("p", 5) | {"biometric": {"method": "face", "matched_person_id": 1}}
    submit(named, [content | {"sent_at": (day(5) + DAY).isoformat()}])
    sync(named, into(1, 2, correction=True))
    forget(named)
    submit(named, [content | {"sent_at": (day(5) + 2 * DAY).isoformat()}])
    (stored,) = rows(
        named,
        """SELECT sent_at, person_id, said_person_id, biometric_person_id,
            said_biometric_person_id AS said_body FROM punch""",
    )
    assert stored["sent_at"] == day(5) + 2 * DAY
    assert (stored["person_id"], stored["said_person_id"]) == (2, 1)
    assert (stored["biometric_person_id"], stored["said_body"]) == (2, 1)
    assert rows(named, "SELECT * FROM pending") == []


def test_a_void_finds_it(named: Engine) -> None:
    submit(named, [punch("p", 5)])
    sync(named, into(1, 2, correction=True))
    assert void(named, 1, "p", "wrong").status == "accepted"
    (stored,) = rows(named, "SELECT person_id, voided_at FROM punch")
    assert stored["person_id"] == 2
    assert stored["voided_at"]


SHIFT = {
    "shift_id": "s",
    "person_id": 1,
    "site_id": 15,
    "starts_at": day(5).isoformat(),
    "ends_at": (day(5) + DAY / 3).isoformat(),
    "substitutes": [3, 4],
}


def test_shifts_are_the_others_by_their_start_and_are_said_as_they_were(named: Engine) -> None:
    sync(named, shifts=[SHIFT])

    def planned() -> tuple[Any, ...]:
        columns = "person_id, substitutes, said_person_id, said_substitutes"
        (row,) = rows(named, f"SELECT {columns} FROM shift")
        return tuple(row.values())

    sync(named, into(1, 2, effective_from=day(6).isoformat()))
    assert planned() == (1, [3, 4], None, None)
    sync(named, into(1, 2, effective_from=day(5).isoformat()), into(3, 6, correction=True))
    assert planned() == (2, [4, 6], 1, [3, 4])
    assert {row["person_id"] for row in rows(named, "SELECT person_id FROM substitute")} >= {4, 6}
    forget(named)
    assert sync(named, shifts=[SHIFT]).changes == ()  # nothing new
    sync(named, shifts=[{"shift_id": "s", "substitutes": [3]}])
    assert planned() == (2, [6], 1, [3])
    sync(named, into(1, None, correction=True), into(3, None, correction=True))
    assert planned() == (1, [3], None, None)


def test_a_shift_that_comes_again_stays_the_others(named: Engine) -> None:
    """Also where that it was said later is all that is new."""
    sync(named, shifts=[SHIFT])
    sync(named, into(1, 2, correction=True))
    later = datetime.now(UTC) + timedelta(seconds=1)
    roster = {"tenant": {"tenant_id": 1}, "shifts": [SHIFT], "sent_at": later.isoformat()}
    assert sync_roster(named, roster).changes == ()
    (row,) = rows(named, "SELECT person_id, said_person_id FROM shift")
    assert tuple(row.values()) == (2, 1)


def test_both_are_judged_again_for_the_time(named: Engine) -> None:
    forget(named)
    outcome = sync(named, into(1, 2, effective_from=day(5).isoformat()))
    assert {(one.kind, one.key, one.since, one.until) for one in outcome.changes} == {
        (kind, key, day(5), None) for kind in ("person", "named") for key in ("1", "2")
    }
    changes = sync(named, assignments=[{"person_id": 1, "site_id": 15}]).changes
    assert {(one.kind, one.key, one.since) for one in changes} >= {
        ("person", "1", None),
        ("person", "2", day(5)),
    }

"""Another content of the same punch_id is a correction: which one stands, and what is kept."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.intake import submit
from models.intake.punches.corrections import Content, standing
from tests.models.intake.stored import (
    a_punch,
    codes,
    forget,
    pending,
    person_standing,
    punches,
    rejected,
    rows,
)

EARLY, LATE = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"


LAST = "2026-03-02T11:00:00Z"
# (person, sent_at) in the order of arrival, and who stands at the end.
CASES: list[tuple[list[tuple[int, str | None]], int]] = [
    ([(1, EARLY), (2, LATE)], 2),
    ([(2, LATE), (1, EARLY)], 2),
    ([(1, None), (2, EARLY)], 2),
    ([(2, EARLY), (1, None)], 2),
    ([(1, None), (2, None)], 2),
    ([(1, None), (2, None), (1, None)], 2),
    ([(1, EARLY), (2, LATE), (1, EARLY)], 2),
    ([(1, None), (2, None), (1, EARLY)], 1),
    ([(1, EARLY), (2, LATE), (1, LAST)], 1),
    ([(1, EARLY), (1, LAST), (2, LATE)], 1),
    ([(1, LATE), (1, EARLY), (2, "2026-03-02T09:30:00Z")], 1),
]


@pytest.mark.parametrize("at_once", [False, True])
def test_the_later_sent_at_wins(engine: Engine, at_once: bool) -> None:
    arrivals = [
        [
            a_punch(punch_id=f"case-{number:02}", person_id=person, sent_at=sent_at)
            for person, sent_at in contents
        ]
        for number, (contents, _) in enumerate(CASES)
    ]
    everything = [punch for contents in arrivals for punch in contents]
    for batch in [everything] if at_once else [[punch] for punch in everything]:
        assert {outcome.status for outcome in submit(engine, batch)} == {"accepted"}
    assert [punch["person_id"] for punch in punches(engine)] == [stands for _, stands in CASES]


def test_a_correction_is_judged_as_old_and_as_new(engine: Engine) -> None:
    submit(engine, [a_punch(person_id=7, site_id=15)])
    forget(engine)
    submit(engine, [a_punch(person_id=8, site_id=16)])
    assert pending(engine) == [("p-1", 7, 15), ("p-1", 8, 16)]


def test_a_correction_that_loses_is_kept_but_not_judged(engine: Engine) -> None:
    submit(engine, [a_punch(sent_at=LATE)])
    forget(engine)
    submit(engine, [a_punch(note="older", sent_at=EARLY)])
    assert [punch["extra"] for punch in punches(engine)] == [None]
    assert pending(engine) == []
    assert {row["content"].get("note") for row in rows(engine, "SELECT * FROM punch_revision")} == {
        None,
        "older",
    }


def test_every_content_is_kept(engine: Engine) -> None:
    for person in (7, 8, 9):
        submit(engine, [a_punch(person_id=person, note=person)])
    kept = rows(engine, "SELECT * FROM punch_revision ORDER BY received_at, content ->> 'note'")
    assert [(row["content"]["person_id"], row["content"]["note"]) for row in kept] == [
        (7, 7),
        (8, 8),
        (9, 9),
    ]


def test_a_redelivered_batch_undoes_no_correction(engine: Engine) -> None:
    submit(engine, [a_punch(person_id=7)])
    submit(engine, [a_punch(person_id=8)])
    forget(engine)
    submit(engine, [a_punch(person_id=7)])
    submit(engine, [a_punch(person_id=7), a_punch(person_id=8)])
    assert person_standing(engine) == 8
    assert pending(engine) == []


def test_an_invalid_correction_is_rejected_and_the_old_stands(engine: Engine) -> None:
    submit(engine, [a_punch()])
    before = punches(engine), pending(engine)
    wrong: list[dict[str, object]] = [
        {"site_id": 99},
        {"kind": "lunch"},
        {"occurred_at": "1990-01-01T00:00:00Z"},
        {"person_id": 8.0},
    ]
    outcomes = submit(engine, [a_punch(sent_at=LATE) | fields for fields in wrong])
    assert {outcome.status for outcome in outcomes} == {"rejected"}
    assert (punches(engine), pending(engine)) == before
    assert len(rejected(engine)) == 4


def test_a_punch_stored_already_is_no_reject_once_its_site_is_gone(engine: Engine) -> None:
    submit(engine, [a_punch()])
    submit(engine, [a_punch(person_id=8)])
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM site_version")
    outcomes = submit(engine, [a_punch(), a_punch(person_id=8), a_punch(person_id=9)])
    assert [outcome.status for outcome in outcomes] == ["accepted", "accepted", "rejected"]
    assert codes(outcomes[2].reasons) == [("unknown_site", "site_id")]


def test_the_first_content_that_can_stand_does(engine: Engine) -> None:
    outcomes = submit(engine, [a_punch(site_id=99), a_punch(person_id=8), a_punch(person_id=9)])
    assert [outcome.status for outcome in outcomes] == ["rejected", "accepted", "accepted"]
    assert person_standing(engine) == 9


START = datetime.fromisoformat(EARLY)
Arrival = tuple[int, int]  # person, minutes after the start
CONTENTS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 30)),
    min_size=1,
    max_size=6,
    unique_by=lambda content: content[1],
)  # A content, which is its person here, may come with several times.


@settings(max_examples=300, deadline=None)
@given(
    CONTENTS.flatmap(
        lambda contents: st.tuples(st.just(contents), st.permutations(contents + contents[:2]))
    )
)
def test_any_order_of_arrival_ends_in_the_same_content(
    contents_and_order: tuple[list[Arrival], list[Arrival]],
) -> None:
    contents, order = contents_and_order
    newest = max(contents, key=lambda content: content[1])
    seen: dict[bytes, Content] = {}
    stands = standing(
        Content(b"", None),
        seen,
        [Content(bytes([person]), START + timedelta(minutes=minutes)) for person, minutes in order],
    )
    assert stands == Content(bytes([newest[0]]), START + timedelta(minutes=newest[1]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.data())
def test_batching_plays_no_part(persons: list[int], data: st.DataObject) -> None:
    """However arrivals are cut into calls, with or without `sent_at`, the same content stands."""
    arrivals = [
        Content(bytes([person]), data.draw(st.sampled_from([None, START, START + timedelta(1)])))
        for person in persons
    ]
    cut = data.draw(st.integers(0, len(arrivals)))
    at_once: dict[bytes, Content] = {}
    in_two: dict[bytes, Content] = {}
    whole = standing(Content(b"", None), at_once, arrivals)
    assert (
        standing(standing(Content(b"", None), in_two, arrivals[:cut]), in_two, arrivals[cut:])
        == whole
    )
    assert in_two == at_once


def test_any_order_of_arrival_ends_in_the_same_row(engine: Engine) -> None:
    """It holds through Postgres, where each order of four contents is a punch of its own."""
    orders = list(permutations(range(4)))
    for step in range(4):
        batch = [
            a_punch(
                punch_id=f"p-{number}",
                person_id=10 + order[step],
                sent_at=f"2026-03-02T09:0{order[step]}:00Z",
            )
            for number, order in enumerate(orders)
        ]
        submit(engine, batch)
    assert {punch["person_id"] for punch in punches(engine)} == {13}
    assert len(rows(engine, "SELECT * FROM punch_revision")) == 4 * len(orders)

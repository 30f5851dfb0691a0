"""An assignment is in the roster since ever until it is removed, whenever it is valid."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from models.database import transaction
from models.intake import sync_roster
from models.intake.roster.presence import spans_differ
from tests.models.intake.statements import counted
from tests.models.intake.stored import Content, rows

NOW = datetime.now(UTC)
START = NOW - timedelta(days=20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
# From when to when, None for ever, any assignment is there otherwise; or not at all.
Change = tuple[datetime | None, datetime | None] | None


def take(engine: Engine, *assignments: Content, sent_at: datetime | None = None) -> Change:
    """Sync assignments. Return the time for which the whole tenant is judged anew."""
    sent = {"sent_at": sent_at.isoformat()} if sent_at else {}
    outcome = sync_roster(
        engine,
        {"tenant": {"tenant_id": 1, "name": "Acme"}, "assignments": list(assignments), **sent},
    )
    assert outcome.refused == []
    found = [change for change in outcome.changes if change.kind == "tenant"]
    return (found[0].since, found[0].until) if found else None


def assigned(person_id: int = 7, **columns: object) -> Content:
    return {"person_id": person_id, "site_id": 15, **columns}


def removed(person_id: int = 7, **columns: object) -> Content:
    return assigned(person_id, deleted=True, **columns)


def spans(engine: Engine) -> str:
    [(found,)] = [row.values() for row in rows(engine, "SELECT assigned_spans::text FROM tenant")]
    return str(found)


def is_right(engine: Engine) -> bool:
    with transaction(engine) as cursor:
        return not spans_differ(cursor, 1)


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"valid_from": "2020-01-01T00:00:00Z", "valid_to": "2020-01-02T00:00:00Z"},
        {"valid_from": "2020-01-01", "valid_to": "2020-01-01"},
        {"valid_from": "2999-01-01"},
    ],
)
def test_one_is_there_at_any_time_whenever_it_is_valid(bare_engine: Engine, times: Content) -> None:
    assert take(bare_engine, assigned(**times)) == (None, None)
    assert spans(bare_engine) == "{(,)}"
    assert take(bare_engine, assigned(**times | {"valid_to": "2020-01-05T00:00:00Z"})) is None
    assert is_right(bare_engine)


def test_it_is_there_up_to_its_removal_and_the_last_of_several_counts(
    bare_engine: Engine,
) -> None:
    first, second = START + DAY, START + 2 * DAY
    take(bare_engine, assigned(7), assigned(8), sent_at=START)
    assert take(bare_engine, removed(8), sent_at=second) is None
    assert take(bare_engine, removed(7), sent_at=first) == (second + INSTANT, None)
    assert rows(bare_engine, "SELECT upper(assigned_spans) AS until FROM tenant") == [
        {"until": second}
    ]
    third, fourth = START + 3 * DAY, START + 4 * DAY
    both = [assigned(9), assigned(9) | {"valid_from": "2020-01-01"}]
    assert take(bare_engine, removed(8), sent_at=third) is None
    assert take(bare_engine, *both, sent_at=third) == (second + INSTANT, None)
    ends = [row | {"deleted": True} for row in both]
    assert take(bare_engine, ends[0], sent_at=third + HOUR) is None
    assert take(bare_engine, ends[1], sent_at=fourth) == (fourth + INSTANT, None)
    assert is_right(bare_engine)


def test_one_that_never_was_is_never_there(bare_engine: Engine) -> None:
    take(bare_engine, assigned(7), sent_at=START)
    assert take(bare_engine, removed(8), sent_at=START) is None
    assert take(bare_engine, removed(7, correction=True), sent_at=START + DAY) == (None, None)
    assert (spans(bare_engine), is_right(bare_engine)) == ("{}", True)


def test_what_changes_when_it_is_valid_only_has_nothing_worked_out(bare_engine: Engine) -> None:
    steps = [
        (assigned(7), True),
        (assigned(7, valid_to="2026-03-02"), False),
        (assigned(7, roving=True), False),
        (removed(7), True),
    ]
    for row, is_worked_out in steps:
        with counted() as statements:
            take(bare_engine, row)
        assert any("UPDATE tenant SET assigned" in sql for sql in statements) == is_worked_out
        assert is_right(bare_engine), row


def test_a_worker_of_the_release_before_leaves_them_as_they_are_and_has_its_own(
    bare_engine: Engine,
) -> None:
    """It would otherwise write over them, time and again, and judge the whole tenant anew."""
    take(bare_engine, assigned(7, valid_to="2026-03-02T00:00:00Z"))
    with bare_engine.begin() as connection:
        connection.execute(
            text("UPDATE tenant SET assignment_spans = '{(,2026-03-02 00:00Z]}'")  # as it does
        )
    assert is_right(bare_engine)
    assert take(bare_engine, assigned(8)) is None
    [(theirs,)] = [
        row.values() for row in rows(bare_engine, "SELECT assignment_spans::text FROM tenant")
    ]
    assert theirs == '{(,"2026-03-02 00:00:00+00"]}'

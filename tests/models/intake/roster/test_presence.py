"""When any assignment was valid is noted, bounded, and worked out only where it may change."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from models.database import transaction
from models.intake import RosterOutcome, sync_roster
from models.intake.roster.presence import MOST_SPANS, spans_differ
from tests.models.intake.statements import counted
from tests.models.intake.stored import Content, rows

START = datetime(2020, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def take(engine: Engine, *assignments: Content) -> RosterOutcome:
    outcome = sync_roster(
        engine, {"tenant": {"tenant_id": 1, "name": "Acme"}, "assignments": list(assignments)}
    )
    assert outcome.refused == []
    return outcome


def valid(person_id: int = 7, since: datetime | None = None, until: Any = None) -> Content:
    """Return an assignment; one without `since` is open at both ends."""
    times = {"valid_from": since and since.isoformat(), "valid_to": until and until.isoformat()}
    return {"person_id": person_id, "site_id": 15} | {
        name: moment for name, moment in times.items() if moment
    }


def spans(engine: Engine) -> list[tuple[Any, ...]]:
    query = """
    SELECT lower(span), upper(span)
    FROM tenant CROSS JOIN LATERAL unnest(assignment_spans) AS span ORDER BY 1
    """
    return [tuple(row.values()) for row in rows(engine, query)]


def is_right(engine: Engine) -> bool:
    with transaction(engine) as cursor:
        return not spans_differ(cursor, 1)


def test_they_are_worked_out_where_they_may_change_only(bare_engine: Engine) -> None:
    steps: list[tuple[Content, bool]] = [
        (valid(7), True),
        (valid(8), False),
        (valid(9, START, START + DAY), False),
        (valid(9, START, START + DAY) | {"deleted": True}, False),
        (valid(7) | {"deleted": True}, False),
        (valid(8) | {"deleted": True}, True),
        (valid(9, START, START + DAY), False),
        (valid(9, START, START + 2 * DAY), False),
    ]
    for assignment, is_worked_out in steps:
        with counted() as statements:
            take(bare_engine, assignment)
        assert any("UPDATE tenant SET people" in sql for sql in statements) == is_worked_out
        assert is_right(bare_engine), assignment


def test_many_times_are_bounded_and_the_longest_gaps_stay(bare_engine: Engine) -> None:
    count = MOST_SPANS + 10
    starts = [START + DAY * place for place in range(count)]
    starts += [START + DAY * (count + 30)]
    take(bare_engine, *(valid(7, start, start + HOUR) for start in starts))
    found = spans(bare_engine)
    assert len(found) == MOST_SPANS
    assert (found[0][0], found[-1]) == (START, (starts[-1], starts[-1] + HOUR))
    assert is_right(bare_engine)


def test_the_last_moment_of_an_assignment_that_was_shortened_is_judged_anew(
    bare_engine: Engine,
) -> None:
    end = START + DAY
    take(bare_engine, valid(7, START, end))
    outcome = take(bare_engine, valid(7, START, end) | {"valid_to": (end - HOUR).isoformat()})
    [tenant] = [change for change in outcome.changes if change.kind == "tenant"]
    assert tenant[2:] == (end - HOUR, end + timedelta(microseconds=1))

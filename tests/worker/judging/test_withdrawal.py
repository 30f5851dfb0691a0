"""The correction or void that withdraws an anomaly stands in its trail, with whose it is."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models import intake
from models.intake import Submitter
from tests.models.intake.statements import counted
from tests.worker.cast import NOON, found, imposter, punch, rows
from tests.worker.conftest import Heard
from worker.judging.judge import judge

KIOSK = Submitter("POST /api/v1/punches", "kiosk-3", frozenset({15, 16}))
SUBMITTED_BY = {"door": "POST /api/v1/punches", "name": "kiosk-3"}
TRAIL = """
SELECT anomaly.punch_id, anomaly.site_id, cause,
    withdrawal_trail.punch_id, withdrawal_trail.other_sites, submitted_by
FROM withdrawal_trail
JOIN anomaly USING (tenant_id, anomaly_id)
ORDER BY at, 1, 2
"""


def test_a_correction_that_withdraws_names_itself(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, [imposter("p1")])
    judge(engine, 1, heard)
    assert rows(engine, TRAIL) == []
    intake.submit(engine, [punch("p1")], by=KIOSK)
    judge(engine, 1, heard)
    assert rows(engine, TRAIL) == [("p1", 15, "correction", "p1", "", SUBMITTED_BY)]
    contents = """
        SELECT content_hash FROM punch
        WHERE content_hash IN (SELECT content_hash FROM withdrawal_trail)
    """
    assert len(rows(engine, contents)) == 1
    intake.submit(engine, [imposter("p1", note="after all")])
    judge(engine, 1, heard)
    intake.void(engine, 1, "p1", "a test", Submitter("attendance.void", "gen7@payroll"))
    judge(engine, 1, heard)
    assert rows(engine, TRAIL)[1:] == [
        ("p1", 15, "void", "p1", "", {"door": "attendance.void", "name": "gen7@payroll"})
    ]


def test_a_punch_that_moves_away_says_where_only_to_those_who_may_know(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, [imposter("p1")])
    judge(engine, 1, heard)
    intake.submit(engine, [imposter("p1", site_id=16)], by=KIOSK)
    judge(engine, 1, heard)
    assert rows(engine, TRAIL) == [("p1", 15, "correction", "p1", "16", SUBMITTED_BY)]


def test_a_neighbours_correction_names_itself_too(engine: Engine, heard: Heard) -> None:
    """A person was at two places in no time, and one of these punches was a mistake."""
    sites = [
        {"site_id": 15, "latitude": 52.5, "longitude": 13.4, "correction": True},
        {"site_id": 16, "latitude": 48.1, "longitude": 11.6, "correction": True},
    ]
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1}, "sites": sites})
    soon = (NOON + timedelta(minutes=10)).isoformat()
    intake.submit(engine, [punch("first"), punch("far", site_id=16, occurred_at=soon)])
    judge(engine, 1, heard)
    assert [payload["anomaly_type"] for payload in found(engine)] == ["IMPOSSIBLE_SHIFTS"]
    intake.submit(engine, [punch("first", site_id=16), punch("other", person_id=5)], by=KIOSK)
    judge(engine, 1, heard)
    assert rows(engine, TRAIL) == [("far", 16, "correction", "first", "15", SUBMITTED_BY)]


def test_what_time_or_the_roster_withdraws_is_no_correction(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, [imposter("p1")])
    judge(engine, 1, heard)
    intake.submit(engine, [punch("p2", note="mended")])
    intake.submit(engine, [punch("p2", note="again")])
    policy = {"policy": {"wrong_person": "off"}, "correction": True}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **policy}})
    judge(engine, 1, heard)
    assert found(engine)[-1]["status"] == "WITHDRAWN"
    assert rows(engine, TRAIL) == []


@pytest.mark.parametrize(
    "change", ["UPDATE withdrawal_trail SET cause = 'void'", "DELETE FROM withdrawal_trail"]
)
def test_nobody_changes_the_trail(engine: Engine, heard: Heard, change: str) -> None:
    test_a_punch_that_moves_away_says_where_only_to_those_who_may_know(engine, heard)
    with pytest.raises((DBAPIError, psycopg.Error), match="append-only"):
        rows(engine, change)


def test_many_withdrawals_cost_as_many_statements_as_one(engine: Engine, heard: Heard) -> None:
    spent = []
    for size in (1, 60):
        intake.submit(engine, [imposter(f"{size}-{number}") for number in range(size)])
        judge(engine, 1, heard)
        intake.submit(engine, [punch(f"{size}-{number}") for number in range(size)])
        with counted() as statements:
            judge(engine, 1, heard)
        spent.append(len(statements))
    assert spent[0] == spent[1]
    assert len(rows(engine, TRAIL)) == 61

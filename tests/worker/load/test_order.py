"""What lies before a punch is what its person's punches of one instant have before it, by kind."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from models.database import psycopg_url
from tests.worker.load.everything import load_everything
from tests.worker.load.world import add_punch, add_roster, add_tenant
from worker.load import load_subjects
from worker.rules.finding import Subject
from worker.rules.window import Punch, Site, in_order

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAIN = Site(1, "Main Office", "UTC", 52.5, 13.4)
KINDS = ((False, False), (True, False), (True, True))  # check-out, check-in, tap


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        yield connection


@pytest.mark.parametrize("each", [1, 4], ids=["few", "many"])
def test_a_baseline_counts_what_comes_before_at_the_same_instant(
    connection: psycopg.Connection, each: int
) -> None:
    """Ids are given so that by them alone taps would come first and check-outs last."""
    punches = [
        Punch(
            f"{9 - place}-{number}",
            1,
            1,
            is_check_in,
            NOON,
            biometric_method="face",
            biometric_score=0.1 + 0.01 * (each * place + number),
            is_tap=is_tap,
        )
        for place, (is_check_in, is_tap) in enumerate(KINDS)
        for number in range(each)
    ]
    assert punches == sorted(punches, key=in_order)
    add_tenant(connection)
    add_roster(connection, sites=[MAIN], people={1: "Anna"})
    for punch in reversed(punches):
        add_punch(connection, punch)
    cursor, as_of = connection.cursor(), NOON + timedelta(days=1)
    subjects = frozenset(Subject(punch.punch_id, "") for punch in punches)
    window = load_subjects(cursor, 1, subjects, as_of)
    assert {p.punch_id for p in window.punches_to_judge} == {p.punch_id for p in punches}
    counts = [window.baselines[punch.punch_id].scores for punch in punches[1:]]
    assert counts == list(range(1, len(punches)))
    whole = load_everything(cursor, 1, NOON, NOON, as_of)
    assert window.baselines == whole.baselines

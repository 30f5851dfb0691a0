"""The absences of a window are those that matter to it, and no others are read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from models.ids import Id
from tests.worker.load.world import ACME, GLOBEX, add_absence, add_punch, add_roster, add_tenant
from worker.judging.detect import detect
from worker.load import load_subjects
from worker.load.absences import _ABSENCES
from worker.load.ranges import Range, document
from worker.load.tenant import read_tenant
from worker.rules.finding import Subject
from worker.rules.window import Absence, Punch, Shift, Site, Window

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        add_tenant(connection)
        add_roster(connection, sites=[Site(1, "Main Office", "UTC")], people={1: "Anna"})
        yield connection


def _window(connection: psycopg.Connection, subject: Subject) -> Window:
    with connection.cursor() as cursor:
        return load_subjects(cursor, ACME, frozenset((subject,)), DAY + 99 * HOUR)


def _shift(person_id: Id = 1, *substitutes: int) -> Shift:
    return Shift("s", person_id, 1, DAY + 8 * HOUR, DAY + 80 * HOUR, substitutes)


def _punch(name: str, hours: float, *, is_check_in: bool = True) -> Punch:
    return Punch(name, 1, 1, is_check_in, DAY + hours * HOUR)


@pytest.mark.parametrize("whose", [(1, None), (None, 1)])
@pytest.mark.parametrize("substitutes_in_it", [False, True])
def test_a_punch_long_after_the_start_of_its_shift_finds_it_covered(
    connection: psycopg.Connection,
    whose: tuple[int | None, int | None],
    substitutes_in_it: bool,
) -> None:
    shift = _shift(2, 1) if substitutes_in_it else _shift()
    add_roster(connection, shifts=[shift])
    add_punch(connection, _punch("in", 50))
    add_punch(connection, _punch("out", 60, is_check_in=False))
    reasons = {("in", "late"), ("out", "left_early")}

    def told() -> set[tuple[str, str]]:
        windows = [_window(connection, Subject(punch_id, "")) for punch_id in ("in", "out")]
        scored = [scored.finding for window in windows for scored in detect(window)]
        return {(finding.subject.punch_id, finding.reason) for finding in scored}

    assert reasons <= told()
    add_absence(connection, Absence("l1", *whose, DAY + 8 * HOUR, DAY + 8 * HOUR))
    assert not reasons & told()


def test_a_shift_is_covered_by_its_persons_absence_and_its_sites(
    connection: psycopg.Connection,
) -> None:
    add_roster(connection, shifts=[_shift(1, 2)])
    rows = [
        Absence("a", 1, None, DAY.date(), DAY + 8 * HOUR, "leave"),
        Absence("b", None, 1, DAY + 8 * HOUR, DAY.date()),
        Absence("c", 2, None, DAY.date(), DAY.date()),  # only to the punches of 2
        Absence("d", 1, None, DAY + 9 * HOUR, DAY + 70 * HOUR),  # begins after it
        Absence("e", 1, None, DAY, DAY + 7 * HOUR),  # ended before it
        Absence("f", None, 2, DAY.date(), DAY.date()),
    ]
    add_roster(connection, absences=rows)
    add_absence(connection, rows[0]._replace(absence_id="g"), standing=False)
    window = _window(connection, Subject("", "s"))
    assert window.absences == {(1, None): [rows[0]], (None, 1): [rows[1]]}


def test_an_absence_of_another_tenant_is_not_read(connection: psycopg.Connection) -> None:
    add_tenant(connection, GLOBEX)
    add_roster(connection, shifts=[_shift()])
    connection.execute(
        """
        INSERT INTO absence (tenant_id, absence_id, person_id, absent_from, absent_to, standing)
        VALUES (%s, 'l', 1, %s, %s, true)
        """,
        [GLOBEX, DAY, DAY + 70 * HOUR],
    )
    assert _window(connection, Subject("", "s")).absences == {}


@pytest.mark.parametrize("analyzed", [False, True])
def test_only_absences_are_read_that_end_after_the_window_begins(
    connection: psycopg.Connection, analyzed: bool
) -> None:
    """A hundred people and ten sites were absent on each of 300 days."""
    connection.execute(
        """
        INSERT INTO absence (
            tenant_id, absence_id, person_id, site_id, absent_from_date, absent_to_date, standing
        )
        SELECT 1, whose || '-' || n, CASE WHEN whose < 100 THEN whose END,
            CASE WHEN whose >= 100 THEN whose - 99 END,
            date '2026-03-02' - n, date '2026-03-02' - n, true
        FROM generate_series(0, 109) AS whose, generate_series(0, 300) AS n
        """
    )
    if analyzed:
        connection.execute("ANALYZE")
    with connection.cursor() as cursor:
        read_tenant(cursor, ACME, by_index=True)
        values = {
            "tenant_id": ACME,
            "people": document(Range(n, DAY + HOUR, DAY + 2 * HOUR) for n in range(40)),
            "sites": document(Range(n, DAY + HOUR, DAY + 2 * HOUR) for n in range(1, 11)),
        }
        rows = cursor.execute(_ABSENCES, values).fetchall()
        assert len(rows) == 100  # each yesterday's, which is not over everywhere, and today's
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {_ABSENCES}", values)
        ((((plan,),),),) = (cursor.fetchall(),)
    scans = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "absence"]
    assert len(scans) == 2
    for scan in scans:
        passed = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
        assert passed <= 2, scan  # each time, of 33,110


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)

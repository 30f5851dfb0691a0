"""What has to happen again and again, and how long ago it did."""

from datetime import timedelta

import psycopg

from models import pulse
from models.migrations.revision import IN_DATABASE, newest_revision


def test_a_database_is_migrated_to_the_codes_own_revision(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute(IN_DATABASE).fetchone() == (newest_revision(),)


def test_of_a_fresh_database_all_is_due_but_what_removes_old_rows(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        late = list(pulse.late(connection.execute(pulse.AGES).fetchall()))
    assert {overdue.name for overdue in late} == {pulse.TASKS, *pulse.SWEEPS} - {"prune"}
    assert {str(overdue) for overdue in late} == {"never"}


def test_what_was_just_noted_is_not_late_and_stays_one_row(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection, connection.cursor() as cursor:
        for name in (*pulse.OLDEST, *pulse.OLDEST):
            pulse.note(cursor, name)
        ages = cursor.execute(pulse.AGES).fetchall()
    assert len(ages) == len(pulse.OLDEST)
    assert list(pulse.late(ages)) == []


def test_each_is_late_by_its_own_measure() -> None:
    ages = [(name, oldest + timedelta(seconds=1)) for name, oldest in pulse.OLDEST.items()]
    assert [overdue.name for overdue in pulse.late(ages)] == list(pulse.OLDEST)
    assert str(next(iter(pulse.late(ages)))) == "61 s ago"

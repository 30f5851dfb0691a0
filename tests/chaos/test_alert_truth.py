"""The checks of alerts find whatever is wrong with one, its trail, its messages or its reviews."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine

from models import intake
from models.alerts.review import Verdict, review
from tests.chaos.alert_truth import faults_of_alerts
from tests.chaos.deeds import Book, faults_of_deeds
from tests.models.alerts.cast import OPERATOR, move
from tests.models.alerts.conftest import engine
from tests.worker.cast import feed, imposter, rows
from tests.worker.conftest import Heard, heard
from worker.judging.judge import judge

__all__ = ["engine", "heard"]
NOON_AND_LATER = ("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z")


@pytest.fixture
def connection(engine: Engine, postgres_url: str, heard: Heard) -> Iterator[psycopg.Connection]:
    """An alert of two anomalies, one after the other; assigned, noted, escalated; one of its
    anomalies reviewed.
    """
    for number, at in enumerate(NOON_AND_LATER):
        intake.submit(engine, [imposter(f"p{number}", occurred_at=at)])
        judge(engine, 1, heard)
    ((alert_id,),) = rows(engine, "SELECT alert_id FROM alert")
    move(engine, alert_id, "assign", assignee="Bob", note="n1")
    move(engine, alert_id, "note", note="n2")
    move(engine, alert_id, "escalate", note="n3")
    (anomaly_id, *_) = rows(engine, "SELECT anomaly_id FROM anomaly")[0]
    review(engine, 1, OPERATOR, Verdict(anomaly_id, "CONFIRMED", "n4"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def test_what_is_as_it_must_be_has_no_fault(connection: psycopg.Connection, engine: Engine) -> None:
    assert list(faults_of_alerts(connection, 1, feed(engine))) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ("UPDATE alert SET count = 3", "its count is 3 and it holds 2 anomalies"),
        (
            "DELETE FROM alert_anomaly"
            " WHERE anomaly_id IN (SELECT anomaly_id FROM anomaly LIMIT 1)",
            "it holds 1 anomalies",
        ),
        ("UPDATE alert SET status = 'NEW'", "its trail adds up to ESCALATED"),
        (
            "UPDATE alert SET assigned_to = 'Bob'",
            "its trail adds up to ESCALATED, None, and not to ESCALATED, Bob",
        ),
        ("UPDATE alert SET version = 6", "its versions are not 1 to 6"),
        ("UPDATE alert SET severity = 'LOW'", "its last message is not its row: ['severity']"),
        (
            "UPDATE alert SET last_seen = last_seen + interval '1 s'",
            "its last message is not its row: ['last_seen']",
        ),
        (
            "UPDATE alert SET correlation_id = alert_id",
            "its last message is not its row: correlation_id",
        ),
        ("UPDATE anomaly SET standing = false", "all its anomalies were withdrawn, and it is open"),
        (
            "UPDATE anomaly SET review = 'RESOLVED' WHERE review IS NOT NULL",
            "was said last; RESOLVED",
        ),
        ("DELETE FROM alert_anomaly", "2 anomalies stand and are in no alert"),
        ("DELETE FROM alert", "alerts were either not told or not stored"),
        (
            "ALTER TABLE alert_trail DISABLE TRIGGER ALL;"
            " DELETE FROM alert_trail WHERE version = 3",
            "one line each",
        ),
        (
            "ALTER TABLE alert_trail DISABLE TRIGGER ALL;"
            " UPDATE alert_trail SET to_status = 'RESOLVED' WHERE version = 4",
            "a line leads by note",
        ),
    ],
)
def test_whatever_is_wrong_is_found_out(
    connection: psycopg.Connection, engine: Engine, wrong: str, fault: str
) -> None:
    connection.execute(wrong)
    assert any(fault in sentence for sentence in faults_of_alerts(connection, 1, feed(engine)))


def test_what_was_not_said_or_said_twice_is_found_out(
    connection: psycopg.Connection, engine: Engine
) -> None:
    payloads = feed(engine)
    of_alert = [index for index, payload in enumerate(payloads) if "alert_id" in payload]
    one_missing = [*payloads[: of_alert[2]], *payloads[of_alert[2] + 1 :]]
    one_twice = [*payloads, payloads[of_alert[0]]]
    for wrong in (one_missing, one_twice):
        assert any(
            "of its versions these were said" in sentence
            for sentence in faults_of_alerts(connection, 1, wrong)
        )


def test_deeds_are_held_against_the_trails(connection: psycopg.Connection) -> None:
    ((alert_id,),) = connection.execute("SELECT alert_id::text FROM alert").fetchall()
    ((anomaly_id,),) = connection.execute(
        "SELECT anomaly_id::text FROM anomaly WHERE review IS NOT NULL"
    ).fetchall()
    lines = [
        (alert_id, "olga", name, f"n{n}")
        for n, name in ((1, "assign"), (2, "note"), (3, "escalate"))
    ]
    book = Book()
    deeds = [book.open(line) for line in [*lines, (anomaly_id, "olga", "review", "n4")]]
    for deed in deeds:
        deed.done = True
    assert list(faults_of_deeds(connection, 1, book)) == []
    deeds[0].done, deeds[0].open_ends = False, 1  # its operator does not know whether it was done
    assert list(faults_of_deeds(connection, 1, book)) == []
    deeds[1].done, deeds[1].refused = False, "conflict"
    book.open((alert_id, "olga", "resolve", "n5")).done = True
    book.deeds.remove(deeds[2])
    faults = list(faults_of_deeds(connection, 1, book))
    assert [sentence.split(":")[0] for sentence in faults] == ["tenant 1"] * 3
    assert [
        "stands 1 times" in faults[0],
        "stands 0 times" in faults[1],
        "done by nobody" in faults[2],
    ] == [True] * 3

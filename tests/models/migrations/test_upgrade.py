"""Migrations: up from nothing, up with data in the tables, and to what models.tables says."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from models.database import make_engine, psycopg_url
from models.intake import sync_roster
from models.migrations.revision import IN_DATABASE, newest_revision
from models.migrations.upgrade import PostgresAway, alembic_config, migrate
from models.tables import metadata


def test_migrations_make_exactly_the_tables_of_the_code(postgres_url: str) -> None:
    engine = create_engine(psycopg_url(postgres_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


ANOMALY = """
INSERT INTO anomaly (
    tenant_id, anomaly_id, punch_id, anomaly_type, person_id, site_id, severity, confidence, reason,
    explanation, evidence, fraud_score, policy_version,
    occurred_at, detected_at, updated_at{columns}
) VALUES (
    1, gen_random_uuid(), 'p1', 'GPS_SPOOFING', 7, 15, 'HIGH', 0.9, 'mock_location',
    'It was.', '{{}}', 0.8, 3, now(), now(), now(){values}
)
"""


def test_data_of_the_revision_before_survives_the_newest(empty_url: str) -> None:
    migrate(empty_url, revision="0001")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO tenant (tenant_id, name, epoch, head) VALUES (1, 'Acme', 'e1', 7)"
        )
        connection.execute(ANOMALY.format(columns="", values=""))
        connection.execute(
            """
            INSERT INTO shift (
                tenant_id, shift_id, person_id, site_id, starts_at, ends_at, substitutes
            ) VALUES (1, 's', 7, 15, now(), now(), '{8}')
            """
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT person_id, shift_id FROM substitute").fetchall() == [
            (8, "s")
        ]
        assert connection.execute("SELECT name, head FROM tenant").fetchall() == [("Acme", 7)]
        assert connection.execute("SELECT punch_id, said FROM anomaly").fetchall() == [("p1", True)]
        due = connection.execute("SELECT tenant_id, chore FROM due WHERE at <= now() ORDER BY 2")
        assert due.fetchall() == [(1, "prune"), (1, "sweep")]


def test_alerts_come_to_a_tenant_that_has_anomalies_already(empty_url: str) -> None:
    migrate(empty_url, revision="0002")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO tenant (tenant_id, name, epoch, head) VALUES (1, 'Acme', 'e1', 7)"
        )
        connection.execute(ANOMALY.format(columns=", review, said", values=", 'CONFIRMED', true"))
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        # A review from before counts for the policy by which the anomaly was found, and nothing old
        # raises an alert.
        assert connection.execute("SELECT review, reviewed_version FROM anomaly").fetchall() == [
            ("CONFIRMED", 3)
        ]
        assert connection.execute("SELECT count(*) FROM alert").fetchall() == [(0,)]


def test_punches_that_were_there_before_are_found_by_the_biometrics_of_another(
    empty_url: str,
) -> None:
    migrate(empty_url, revision="0003")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            """
            INSERT INTO punch (
                tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at,
                biometric_person_id, content_hash, received_at
            ) VALUES
                (1, 'own', 7, 15, true, now(), 7, '', now()),
                (1, 'lent', 7, 15, true, now(), 8, '', now()),
                (1, 'none', 7, 15, true, now(), NULL, '', now())
            """
        )
        connection.execute(
            "INSERT INTO site (tenant_id, site_id, name, timezone) VALUES (1, 15, 'Acme', 'UTC')"
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("SET enable_seqscan = off")
        query = (
            "SELECT punch_id FROM punch WHERE tenant_id = 1"
            " AND biometric_person_id = 8 AND biometric_person_id <> person_id"
        )
        assert connection.execute(query).fetchall() == [("lent",)]
        assert "ix_punch_another" in str(connection.execute(f"EXPLAIN {query}").fetchall())
        assert "ix_site_policy" in str(
            connection.execute(
                "EXPLAIN SELECT FROM site WHERE tenant_id = 1 AND policy <> '{}'"
            ).fetchall()
        )


def test_punches_that_were_there_before_are_no_taps(empty_url: str) -> None:
    """Nor are those that a worker of the release before stores after it, without the column."""
    insert = """
    INSERT INTO punch (
        tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash, received_at
    ) VALUES (1, %s, 7, 15, true, now(), '', now())
    """
    migrate(empty_url, revision="0016")
    with psycopg.connect(empty_url) as connection:
        connection.execute(insert, ["before"])
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute(insert, ["meanwhile"])
        assert connection.execute("SELECT punch_id, is_tap FROM punch ORDER BY 1").fetchall() == [
            ("before", False),
            ("meanwhile", False),
        ]


ROSTER = """
INSERT INTO tenant (tenant_id, name, epoch, policy, sent_at) VALUES
    (1, 'Acme', 'e1', '{"max_work_hours": 9}', '2026-03-01T00:00Z'),
    (2, 'Globex', 'e2', '{}', NULL), (3, 'Initech', 'e3', '{}', NULL);
INSERT INTO site (tenant_id, site_id, name, timezone, radius_m, deleted, sent_at) VALUES
    (1, 15, 'Office', 'Europe/Oslo', 50, false, NULL),
    (1, 16, 'Depot', 'UTC', NULL, true, '2026-03-05T00:00Z'),
    (1, 17, '', 'UTC', NULL, true, NULL);
INSERT INTO person (tenant_id, person_id, name, deleted, sent_at) VALUES
    (1, 7, 'Ada', false, '2026-03-02T00:00Z'), (1, 8, 'Bob', true, '2026-03-05T00:00Z'),
    (1, 9, 'Far', true, '9999-01-01T00:00Z'), (2, 7, 'Cyd', true, '2026-03-05T00:00Z');
INSERT INTO device (tenant_id, device_id, shared, person_id) VALUES (1, 'k', false, 7);
INSERT INTO assignment (
    tenant_id, person_id, site_id, valid_from_key, valid_from_date, valid_to_date, deleted, sent_at
) VALUES
    (1, 7, 15, '2026-03-02', '2026-03-02', '2026-03-03', false, NULL),
    (2, 7, 15, '', NULL, NULL, true, '2026-03-07T00:00Z');
INSERT INTO shift (
    tenant_id, shift_id, person_id, site_id, starts_at, ends_at,
    substitutes, cancelled, deleted, sent_at
) VALUES
    (1, 'works', 7, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{}', false, false, NULL),
    (1, 'called off', 7, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{}', true, false, NULL),
    (1, 'removed', 7, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{}', false, true,
        '2026-03-08T00:00Z'),
    (1, 'kept', 7, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{}', false, true,
        '2026-03-10T00:00Z'),
    (1, 'never came', 0, 0, 'epoch', 'epoch', '{}', false, true, '2026-03-10T00:00Z'),
    (1, 'before', 8, 15, '2026-03-04T08:00Z', '2026-03-04T16:00Z', '{}', false, false, NULL),
    (1, 'left', 8, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{}', false, false, NULL),
    (1, 'left to others', 8, 15, '2026-03-09T08:00Z', '2026-03-09T16:00Z', '{7}', false, false,
        NULL);
"""


SPANS = """
SELECT people_spans::text, assignment_spans::text, assigned_spans::text
FROM tenant ORDER BY tenant_id
"""


def test_a_roster_that_was_there_before_has_held_since_ever(empty_url: str) -> None:
    migrate(empty_url, revision="0014")
    with psycopg.connect(empty_url) as connection:
        connection.execute(ROSTER)
        (before,) = connection.execute("SELECT now()").fetchone() or ()
    migrate(empty_url)
    fifth = datetime(2026, 3, 5, tzinfo=UTC)
    with psycopg.connect(empty_url) as connection:

        def found(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        def versions(kind: str, columns: str) -> list[tuple[Any, ...]]:
            return found(
                f"SELECT {columns}, nullif(since, '-infinity'), nullif(until, 'infinity')"
                f" FROM {kind}_version WHERE tenant_id = 1 ORDER BY 1"
            )

        assert versions("tenant", "policy") == [({"max_work_hours": 9}, None, None)]
        assert versions("site", "name, radius_m") == [
            ("Depot", None, None, fifth),
            ("Office", 50, None, None),
        ]
        *known, (name, since, until) = versions("person", "name")
        assert known == [("Ada", None, None), ("Bob", None, fifth)]
        assert (name, since) == ("Far", None)
        assert before < until < before + timedelta(minutes=1)
        assert versions("device", "device_id, shared, person_id") == [("k", False, 7, None, None)]
        assert found("SELECT FROM roster_change") == []
        assert found("SELECT shift_id, standing, person_left FROM shift ORDER BY shift_id") == [
            ("before", True, False),
            ("called off", False, False),
            ("kept", False, False),
            ("left", False, True),
            ("left to others", True, True),
            ("never came", False, False),
            ("removed", False, False),
            ("works", True, False),
        ]
        assert found("SELECT never_was, ended_at FROM assignment WHERE tenant_id = 2") == [
            (False, datetime(2026, 3, 7, tzinfo=UTC))
        ]
        assert found(SPANS) == [
            ("{(,)}", '{["2026-03-01 23:00:00+00","2026-03-03 23:00:00+00")}', "{(,)}"),
            ('{(,"2026-03-05 00:00:00+00")}', *['{(,"2026-03-07 00:00:00+00"]}'] * 2),
            ("{}", "{}", "{}"),
        ]


def test_a_roster_after_the_migration_goes_on_from_what_was_there(empty_url: str) -> None:
    migrate(empty_url, revision="0014")
    with psycopg.connect(empty_url) as connection:
        connection.execute(ROSTER)
    migrate(empty_url)
    engine = make_engine(empty_url)
    sixth = datetime(2026, 3, 6, tzinfo=UTC)
    outcome = sync_roster(
        engine,
        {
            "tenant": {"tenant_id": 1},
            "sites": [{"site_id": 15, "radius_m": 60}],
            "people": [{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}],
            "shifts": [{"shift_id": "removed", "cancelled": False}],
            "sent_at": sixth.isoformat(),
        },
    )
    assert outcome.refused == []
    with psycopg.connect(empty_url) as connection:
        query = "SELECT radius_m FROM site_version WHERE site_id = 15 ORDER BY since"
        assert connection.execute(query).fetchall() == [(50,), (60,)]
        query = "SELECT standing FROM shift WHERE shift_id IN ('left', 'removed') ORDER BY shift_id"
        assert connection.execute(query).fetchall() == [(True,), (False,)]
    engine.dispose()


@pytest.mark.parametrize("trail", ["alert_trail", "review_trail"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET note = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_trail_takes_nothing_back(postgres_url: str, trail: str, statement: str) -> None:
    with (
        psycopg.connect(postgres_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
    ):
        connection.execute(statement.format(trail))


def test_every_revision_can_be_taken_back(empty_url: str) -> None:
    migrate(empty_url)
    engine = create_engine(psycopg_url(empty_url))
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


@pytest.mark.parametrize(
    "revision", [f"{number:04}" for number in range(1, int(newest_revision()))]
)
def test_each_revision_is_a_place_to_go_on_from(empty_url: str, revision: str) -> None:
    migrate(empty_url, revision=revision)
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute(IN_DATABASE).fetchall() == [(newest_revision(),)]


def test_two_migrations_at_once_take_turns(empty_url: str) -> None:
    environment = os.environ | {"DATABASE_URL": empty_url, "REDIS_URL": "redis://localhost"}
    both = [
        subprocess.Popen([sys.executable, "-m", "models", "migrate"], env=environment)
        for _ in range(2)
    ]
    assert [process.wait(60) for process in both] == [0, 0]


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(
        PostgresAway, match=r"no Postgres at .*127\.0\.0\.1:1/x after 0 s"
    ) as raised:
        migrate("postgresql://somebody:secret@127.0.0.1:1/x", patience=0)
    assert "secret" not in str(raised.value)

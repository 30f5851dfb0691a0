"""Migrations: up from nothing, up with data in the tables, and to what models.tables says."""

import os
import subprocess
import sys

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from models.database import psycopg_url
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

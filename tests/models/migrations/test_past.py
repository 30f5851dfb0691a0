"""The update to a roster with a past: nothing that held differs, and nothing is judged anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Engine

from models.database import make_engine, transaction
from models.intake import sync_roster
from models.intake.roster import adopting
from models.intake.roster.presence import spans_differ
from models.migrations.upgrade import alembic_config, migrate
from tests.models.migrations.test_only_adds import noted
from worker.load.roster import ASSIGNMENT, assignment

BEFORE, TABLES, FILLED = "0014", "0015", "0016"
NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TENANT = "INSERT INTO tenant (tenant_id, name, epoch) VALUES (1, 'Acme', 'e1')"
SHIFT = """
INSERT INTO shift (
    tenant_id, shift_id, person_id, site_id, starts_at, ends_at, deleted, cancelled, sent_at
) VALUES (1, %(shift_id)s, 7, 15, %(starts_at)s, %(ends_at)s, %(deleted)s, %(cancelled)s,
    %(sent_at)s)
"""
ASSIGNED = """
INSERT INTO assignment (
    tenant_id, person_id, site_id, valid_from_key, valid_from, valid_from_date, valid_to,
    valid_to_date, deleted, sent_at
) VALUES (1, 7, %(site_id)s, %(key)s, %(valid_from)s, %(from_date)s, %(valid_to)s, %(to_date)s,
    %(deleted)s, %(sent_at)s)
"""


@pytest.fixture
def old(empty_url: str) -> Iterator[psycopg.Connection]:
    """A database of the release before, which knows a tenant."""
    migrate(empty_url, revision=BEFORE)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(TENANT)
        yield connection


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_url)
    yield engine
    engine.dispose()


def shift(connection: psycopg.Connection, shift_id: str, **columns: Any) -> None:
    values: dict[str, Any] = {
        "shift_id": shift_id,
        "starts_at": NOW - HOUR,
        "deleted": False,
        "cancelled": False,
        "sent_at": None,
    } | columns
    connection.execute(SHIFT, values | {"ends_at": values["starts_at"] + 8 * HOUR})


def assigned(connection: psycopg.Connection, site_id: int = 15, **columns: Any) -> None:
    names = ("valid_from", "from_date", "valid_to", "to_date", "sent_at")
    values = dict.fromkeys(names) | {"deleted": False, "site_id": site_id} | columns
    first = values["valid_from"] or values["from_date"]
    connection.execute(ASSIGNED, values | {"key": str(first or "")})


def found(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def standing(connection: psycopg.Connection) -> dict[str, bool]:
    return dict(found(connection, "SELECT shift_id, standing FROM shift"))


def sync(engine: Engine, **sections: Any) -> dict[tuple[str, str], tuple[datetime | None, ...]]:
    """Sync a roster today. Return what is judged anew."""
    outcome = sync_roster(engine, {"tenant": {"tenant_id": 1}, **sections})
    assert outcome.refused == []
    return {change[:2]: change[2:] for change in outcome.changes}


@pytest.mark.parametrize("sent_at", [None, NOW - DAY, NOW + 90 * DAY])
def test_an_assignment_removed_after_the_update_was_valid_until_then(
    old: psycopg.Connection, empty_url: str, engine: Engine, sent_at: datetime | None
) -> None:
    assigned(old, sent_at=sent_at)
    migrate(empty_url)
    changes = sync(engine, assignments=[{"person_id": 7, "site_id": 15, "deleted": True}])
    [(ended_at, never_was)] = found(old, "SELECT ended_at, never_was FROM assignment")
    assert (ended_at >= NOW, never_was) == (True, False)
    assert changes["person", "7"] == (ended_at, None)


@pytest.mark.parametrize("sent_at", [None, NOW - DAY])
def test_a_shift_removed_after_the_update_counts_if_it_has_started(
    old: psycopg.Connection, empty_url: str, engine: Engine, sent_at: datetime | None
) -> None:
    shift(old, "started", sent_at=sent_at)
    shift(old, "to come", starts_at=NOW + HOUR, sent_at=sent_at)
    migrate(empty_url)
    gone = [{"shift_id": name, "deleted": True} for name in ("started", "to come")]
    changes = sync(engine, shifts=gone)
    assert {key for kind, key in changes if kind == "shift"} == {"to come"}
    assert standing(old) == {"started": True, "to come": False}


def test_no_shift_that_was_removed_comes_back_with_the_update(
    old: psycopg.Connection, empty_url: str
) -> None:
    moments = {"unknown": None, "after": NOW, "before": NOW - DAY, "ahead": NOW + 90 * DAY}
    for name, sent_at in moments.items():
        shift(old, name, deleted=True, sent_at=sent_at)
    shift(old, "ahead and to come", deleted=True, starts_at=NOW + DAY, sent_at=NOW + 90 * DAY)
    migrate(empty_url)
    assert set(standing(old).values()) == {False}
    removed = dict(found(old, "SELECT shift_id, removed_at FROM shift"))
    assert removed.pop("before") == NOW - DAY
    assert all(NOW <= moment <= NOW + HOUR for moment in removed.values())


def test_a_clock_ahead_has_said_it_long_ago_or_removed_it_now(
    old: psycopg.Connection, empty_url: str
) -> None:
    ahead = NOW + 90 * DAY
    old.execute(
        """
        INSERT INTO person (tenant_id, person_id, name, deleted, sent_at)
        VALUES (1, 7, 'Ada', false, %(ahead)s), (1, 8, 'Bob', true, %(ahead)s)
        """,
        {"ahead": ahead},
    )
    assigned(old, deleted=True, sent_at=ahead)
    shift(old, "bob's", starts_at=NOW + DAY)
    old.execute("UPDATE shift SET person_id = 8")
    migrate(empty_url)
    soon = NOW + HOUR
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    said = found(old, "SELECT key, deleted, said_at FROM statement WHERE kind = 'person'")
    assert {("7", False, epoch), ("8", False, epoch)} < set(said)
    assert all(moment < soon for *_, moment in said)
    [(until,)] = found(old, "SELECT until FROM person_version WHERE person_id = 8")
    [(ended_at,)] = found(old, "SELECT ended_at FROM assignment")
    assert NOW <= until <= soon
    assert NOW <= ended_at <= soon
    assert standing(old) == {"bob's": False}
    spans = "SELECT upper(assignment_spans), upper(assigned_spans) FROM tenant"
    assert found(old, spans) == [(ended_at, ended_at)]


ENDS = [
    {"to_date": "9999-12-31"},
    {"valid_to": "9999-12-31 23:59:59.999999Z"},
    {"from_date": "0001-01-01"},
    {"valid_from": "0001-01-01 00:00Z"},
    {"from_date": "0001-01-01", "to_date": "9999-12-31"},
]


@pytest.mark.parametrize("columns", ENDS)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"])
def test_ends_of_the_calendar_are_open(
    old: psycopg.Connection, empty_url: str, engine: Engine, zone: str, columns: dict[str, Any]
) -> None:
    old.execute(
        "INSERT INTO site (tenant_id, site_id, name, timezone) VALUES (1, 15, 'Office', %s)",
        [zone],
    )
    assigned(old, **columns)
    migrate(empty_url)
    spans = "SELECT assignment_spans::text, assigned_spans::text FROM tenant"
    assert found(old, spans) == [("{(,)}", "{(,)}")]
    assert found(old, "SELECT FROM roster_change") == []
    query = f"SELECT {ASSIGNMENT} FROM assignment a LEFT JOIN site i USING (tenant_id, site_id)"
    [row] = found(old, query)
    valid = assignment(row)
    assert valid.valid_from is None or valid.valid_from.year == 1
    assert valid.valid_to is None or valid.valid_to.year == 9999
    assert adopting.adopt(engine, seconds=60) == []
    key = {"person_id": 7, "site_id": 15, "valid_from": columns.get("from_date")}
    if "valid_from" not in columns:
        changes = sync(engine, assignments=[key | {"deleted": True}])
        assert changes["person", "7"][1] is None


def test_tables_are_locked_for_columns_only_and_rows_are_copied_after_that(
    old: psycopg.Connection, empty_url: str
) -> None:
    engine = sa.create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection, noted(engine) as statements:
        command.upgrade(alembic_config(connection), TABLES)
        writing = [
            sql
            for sql in statements
            if sql.split()[0] in ("INSERT", "UPDATE", "WITH") and "alembic_version" not in sql
        ]
    engine.dispose()
    assert writing == []


def fill(connection: psycopg.Connection) -> None:
    """Write a roster of all sorts, as the release before left them."""
    for table, columns, values in (
        ("site", "site_id, name, timezone", "100 + n, 'Site ' || n, 'Europe/Oslo'"),
        ("person", "person_id, name", "n, 'Person ' || n"),
        ("device", "device_id, shared, person_id", "'d' || n, n % 2 = 0, n"),
        ("assignment", "person_id, site_id, valid_from_key, valid_from", "n, 101, '', now()"),
        (
            "shift",
            "shift_id, person_id, site_id, starts_at, ends_at, cancelled",
            "'s' || n, n, 101, now() + (n - 15) * interval '1 day',"
            " now() + (n - 15) * interval '1 day' + interval '8 hours', n % 4 = 0",
        ),
    ):
        connection.execute(
            f"""
            INSERT INTO {table} (tenant_id, {columns}, deleted, sent_at)
            SELECT 1, {values}, n % 3 = 0,
                CASE n % 5 WHEN 1 THEN now() - interval '3 days'
                    WHEN 2 THEN now() + interval '90 days' END
            FROM generate_series(1, 30) AS n
            """
        )


def test_no_worker_finds_anything_to_take_after_the_update(
    old: psycopg.Connection, empty_url: str, engine: Engine
) -> None:
    fill(old)
    migrate(empty_url)
    assert adopting.adopt(engine, seconds=60) == []
    with transaction(engine) as cursor:
        assert not spans_differ(cursor, 1)
    assert found(old, "SELECT FROM roster_change") == []


PAST = """
SELECT (SELECT jsonb_agg(s ORDER BY kind, key, said_at) FROM (
        SELECT tenant_id, kind, key, said_at, content, deleted FROM statement
        WHERE said_at < %(before)s
    ) AS s),
    (SELECT count(*) FROM statement), (SELECT count(*) FROM person_version),
    (SELECT jsonb_agg(s.standing ORDER BY shift_id) FROM shift AS s),
    (SELECT jsonb_agg(a.ended_at IS NULL ORDER BY person_id) FROM assignment AS a)
"""


def test_a_copy_that_was_cut_off_goes_on(old: psycopg.Connection, empty_url: str) -> None:
    fill(old)
    migrate(empty_url, revision=TABLES)
    old.execute(
        """
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
            IF NEW.kind = ''device'' THEN RAISE ''cut off''; END IF; RETURN NEW; END';
        CREATE TRIGGER fail BEFORE INSERT ON statement FOR EACH ROW EXECUTE FUNCTION fail()
        """
    )
    with pytest.raises(sa.exc.ProgrammingError, match="cut off"):
        migrate(empty_url, revision=FILLED)
    halfway = found(old, "SELECT count(*) FROM statement")
    assert halfway > [(0,)]
    old.execute("DROP FUNCTION fail() CASCADE")
    migrate(empty_url, revision=FILLED)
    assert found(old, "SELECT count(*) FROM statement") > halfway
    whole = old.execute(PAST, {"before": NOW}).fetchone()
    with psycopg.connect(empty_url, autocommit=True) as connection:
        for table in ("statement", "tenant_version", "site_version", "person_version"):
            connection.execute(f"TRUNCATE {table}")
        connection.execute("TRUNCATE device_version")
        connection.execute("UPDATE alembic_version SET version_num = '0015'")
    migrate(empty_url, revision=FILLED)
    assert old.execute(PAST, {"before": NOW}).fetchone() == whole


def test_a_roster_from_before_what_is_stored_that_comes_late_lies_below_it(
    old: psycopg.Connection, empty_url: str, engine: Engine
) -> None:
    """A phone was offline, or its task came again while workers were replaced."""
    shift(old, "s", starts_at=NOW + HOUR, sent_at=NOW - DAY)
    old.execute(
        """
        INSERT INTO site (tenant_id, site_id, name, timezone, sent_at)
        VALUES (1, 15, 'Office', 'UTC', %s)
        """,
        [NOW - DAY],
    )
    migrate(empty_url)
    times = {"starts_at": NOW.isoformat(), "ends_at": (NOW + DAY).isoformat()}
    late = {
        "sent_at": (NOW - 2 * DAY).isoformat(),
        "sites": [{"site_id": 15, "radius_m": 50}],
        "shifts": [{"shift_id": "s", "person_id": 7, "site_id": 15, **times}],
    }
    sync(engine, **late)
    assert found(old, "SELECT starts_at FROM shift") == [(NOW + HOUR,)]
    versions = "SELECT name, nullif(since, '-infinity') FROM site_version ORDER BY since"
    assert found(old, versions)[0] == ("Office", None)
    assert {name for name, _ in found(old, versions)} == {"Office"}

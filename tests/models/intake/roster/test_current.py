"""Upkeep brings the rows of a roster up to date when a moment comes that was told ahead."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from models.database import transaction
from models.intake import sync_roster
from models.intake.roster.current import bring_up, bring_up_to_date
from models.locks import tenant_lock_key
from tests.models.intake.stored import Content, changes, forget, rows

NOW = datetime.now(UTC)
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@pytest.fixture
def told_ahead(bare_engine: Engine) -> Engine:
    """Return the engine of a company that told of a rename, a leaver and a policy to come."""
    soon, later = {"effective_from": SOON.isoformat()}, {"effective_from": LATER.isoformat()}
    acme = {"tenant_id": 1, "name": "Acme"}
    first: Content = {
        "tenant": acme,
        "sites": [{"site_id": 15, "name": "Office", "timezone": "UTC"}],
        "people": [{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}],
    }
    ahead: Content = {
        "tenant": acme | {"policy": {"grace_minutes": 1}} | later,
        "sites": [{"site_id": 15, "policy": {"repeat_minutes": 2}} | soon],
        "people": [
            {"person_id": 7, "name": "Eda"} | soon,
            {"person_id": 8, "deleted": True} | later,
        ],
    }
    for roster in (first, ahead):
        assert sync_roster(bare_engine, roster).refused == []
    forget(bare_engine)
    return bare_engine


def by_now(engine: Engine, moment: datetime) -> tuple[list[tuple[str, bool]], Content, Content]:
    """Let upkeep run at a moment. Return people and the policies of site and tenant."""
    with transaction(engine) as cursor:
        bring_up(cursor, 1, moment)
    [site] = rows(engine, "SELECT policy FROM site")
    [tenant] = rows(engine, "SELECT policy FROM tenant")
    people = rows(engine, "SELECT name, deleted FROM person ORDER BY person_id")
    return [(row["name"], row["deleted"]) for row in people], site["policy"], tenant["policy"]


def test_rows_are_as_they_are_by_now(told_ahead: Engine) -> None:
    ada, eda, bob = ("Ada", False), ("Eda", False), ("Bob", False)
    assert by_now(told_ahead, NOW) == ([ada, bob], {}, {})
    assert by_now(told_ahead, SOON) == ([eda, bob], {"repeat_minutes": 2}, {})
    assert by_now(told_ahead, LATER) == (
        [eda, ("Bob", True)],
        {"repeat_minutes": 2},
        {"grace_minutes": 1},
    )


def test_one_that_comes_back_is_there_again(told_ahead: Engine) -> None:
    after = (LATER + timedelta(hours=1)).isoformat()
    back = {"person_id": 8, "name": "Bert", "effective_from": after}
    assert sync_roster(told_ahead, {"tenant": {"tenant_id": 1}, "people": [back]}).refused == []
    eda, bob, bert = ("Eda", False), ("Bob", True), ("Bert", False)
    assert by_now(told_ahead, LATER)[0] == [eda, bob]
    assert by_now(told_ahead, LATER + timedelta(hours=1))[0] == [eda, bert]


def test_a_tenant_gets_its_new_name(told_ahead: Engine) -> None:
    tenant = {"tenant_id": 1, "name": "Acme & Sons", "effective_from": SOON.isoformat()}
    assert sync_roster(told_ahead, {"tenant": tenant}).refused == []
    [row] = rows(told_ahead, "SELECT name FROM tenant")
    assert row["name"] == "Acme"
    by_now(told_ahead, SOON)
    [row] = rows(told_ahead, "SELECT name FROM tenant")
    assert row["name"] == "Acme & Sons"
    assert changes(told_ahead) == set()


def test_a_policy_that_stays_is_no_new_version(told_ahead: Engine) -> None:
    before = rows(told_ahead, "SELECT count(*) FROM policy_version")
    with transaction(told_ahead) as cursor:
        cursor.execute("UPDATE due SET at = now() WHERE chore = 'versions'")
        bring_up(cursor, 1, datetime.now(UTC))
    assert rows(told_ahead, "SELECT count(*) FROM policy_version") == before


def test_a_roster_brings_up_to_date_what_is_due(told_ahead: Engine) -> None:
    """The sweep has not come yet."""
    with told_ahead.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE person_version SET until = now() WHERE person_id = 7 AND name = 'Ada';"
            "UPDATE person_version SET since = now() WHERE person_id = 7 AND name = 'Eda';"
            "UPDATE due SET at = now() WHERE chore = 'versions'"
        )
    assert sync_roster(told_ahead, {"tenant": {"tenant_id": 1}}).refused == []
    [ada, _] = rows(told_ahead, "SELECT name FROM person ORDER BY person_id")
    assert ada["name"] == "Eda"


def test_a_tenant_that_somebody_else_has_is_left_for_later(told_ahead: Engine) -> None:
    with told_ahead.begin() as connection:
        connection.exec_driver_sql("UPDATE due SET at = now() - interval '1 hour'")
    with transaction(told_ahead) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(1)])
        bring_up_to_date(told_ahead, 1)
    [due] = rows(told_ahead, "SELECT at < now() AS is_due FROM due WHERE chore = 'versions'")
    assert due["is_due"]


def test_nothing_is_judged_anew_when_the_moment_comes(told_ahead: Engine) -> None:
    by_now(told_ahead, LATER)
    assert changes(told_ahead) == set()


def test_a_policy_that_begins_is_a_new_version(told_ahead: Engine) -> None:
    by_now(told_ahead, SOON)
    by_now(told_ahead, LATER)
    kept = rows(told_ahead, "SELECT policy, site_policies FROM policy_version ORDER BY version")
    assert [tuple(row.values()) for row in kept[-2:]] == [
        ({}, {"15": {"repeat_minutes": 2}}),
        ({"grace_minutes": 1}, {"15": {"repeat_minutes": 2}}),
    ]


def test_it_is_due_for_as_long_as_something_is_to_come(told_ahead: Engine) -> None:
    def due() -> list[datetime]:
        return [
            row["at"] for row in rows(told_ahead, "SELECT at FROM due WHERE chore = 'versions'")
        ]

    assert due() == [SOON]
    by_now(told_ahead, SOON)
    assert due() == [LATER]
    by_now(told_ahead, LATER)
    assert due() == []


def test_upkeep_looks_at_tenants_of_which_it_is_due(told_ahead: Engine) -> None:
    bring_up_to_date(told_ahead, 1)
    with told_ahead.begin() as connection:
        connection.exec_driver_sql("UPDATE due SET at = now() - interval '1 hour'")
    bring_up_to_date(told_ahead, 1)
    [due] = rows(told_ahead, "SELECT at FROM due WHERE chore = 'versions'")
    assert due["at"] == SOON

"""What a worker of the release before writes into a roster is taken as said by its rows.

It knows the columns of its own release only, so these tests write rows as it does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.database import transaction
from models.ids import Id
from models.intake import RosterOutcome, submit, sync_roster
from models.intake.roster import adopting
from models.intake.roster.current import bring_up
from models.intake.submitting import adopt_rows
from models.locks import tenant_lock_key
from tests.models.intake.stored import Content, a_punch, forget, pending, rejected, rows

NOW = datetime.now(UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAME = {"tenant_id": 1, "name": "Acme"}
SHIFT = {
    "shift_id": "s-1",
    "person_id": 7,
    "site_id": 15,
    "starts_at": (NOW + DAY).isoformat(),
    "ends_at": (NOW + DAY + 8 * HOUR).isoformat(),
}
ASSIGNED = {"person_id": 7, "site_id": 15}
OLD_SITE = """
INSERT INTO site (tenant_id, site_id, name, timezone, radius_m) VALUES
    (1, 20, 'Yard', 'Europe/Oslo', 80)
"""


def sync(engine: Engine, sent_at: datetime | None = None, **sections: Any) -> RosterOutcome:
    roster = {"tenant": NAME, **sections} | ({"sent_at": sent_at.isoformat()} if sent_at else {})
    outcome = sync_roster(engine, roster)
    assert outcome.refused == []
    return outcome


def write(engine: Engine, statement: str, **values: Any) -> None:
    """Write as a worker of the release before does."""
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def make_due(engine: Engine) -> None:
    write(engine, "UPDATE due SET at = now() WHERE chore = 'adopt'")


def adopted(engine: Engine) -> list[Id]:
    """Return the tenants of which upkeep takes rows, once that is due."""
    make_due(engine)
    return adopting.adopt(engine, seconds=60)


def adopt(engine: Engine) -> None:
    """Let upkeep run, after which it finds nothing more."""
    make_due(engine)
    adopt_rows(engine, seconds=60)
    assert adopted(engine) == []


def noted(engine: Engine) -> dict[tuple[str, str], tuple[datetime | None, datetime | None]]:
    query = "SELECT kind, key, since, until FROM roster_change"
    return {(row["kind"], row["key"]): (row["since"], row["until"]) for row in rows(engine, query)}


def versions(engine: Engine, kind: str, columns: str) -> list[tuple[Any, ...]]:
    query = f"""
    SELECT nullif(since, '-infinity') AS since, nullif(until, 'infinity') AS until, {columns}
    FROM {kind}_version ORDER BY {kind}_version.since
    """
    return [tuple(row.values()) for row in rows(engine, query)]


def one(engine: Engine, table: str) -> Content:
    [row] = rows(engine, f"SELECT * FROM {table}")
    return row


def test_what_new_workers_wrote_is_left_alone(bare_engine: Engine) -> None:
    leaver = {"person_id": 8, "name": "Bob"}
    sync(
        bare_engine,
        NOW - DAY,
        sites=[
            {
                "site_id": 15,
                "name": "Office",
                "timezone": "Europe/Oslo",
                "latitude": 60.1,
                "longitude": 10.7,
                "policy": {"grace_minutes": 3},
            }
        ],
        people=[{"person_id": 7, "name": "Ada"}, leaver],
        devices=[{"device_id": "k", "shared": False, "person_id": 7}],
        assignments=[ASSIGNED, ASSIGNED | {"person_id": 8}],
        shifts=[SHIFT, SHIFT | {"shift_id": "s-2", "person_id": 8}],
    )
    sync(
        bare_engine,
        NOW - HOUR,
        people=[leaver | {"deleted": True}, {"person_id": 9, "deleted": True}],
        assignments=[ASSIGNED | {"person_id": 8, "deleted": True}],
        shifts=[{"shift_id": "s-3", "deleted": True}, {"shift_id": "s-4", "site_id": 15}],
    )
    forget(bare_engine)
    assert adopted(bare_engine) == []


def test_a_site_that_came_is_known_since_ever_and_its_punches_with_it(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    write(bare_engine, OLD_SITE)
    submit(bare_engine, [a_punch(site_id=20)])
    assert pending(bare_engine) == []
    forget(bare_engine)
    adopt(bare_engine)
    assert versions(bare_engine, "site", "name, radius_m") == [(None, None, "Yard", 80)]
    assert noted(bare_engine) == {("site", "20"): (None, None)}
    assert pending(bare_engine) == [("p-1", 7, 20)]
    assert rejected(bare_engine)[0]["resubmitted_at"]


def test_a_partial_row_is_laid_over_what_was_stored(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    write(bare_engine, OLD_SITE)
    sync(bare_engine, NOW - HOUR, sites=[{"site_id": 20, "radius_m": 90}])
    assert versions(bare_engine, "site", "name, radius_m") == [
        (None, NOW - HOUR, "Yard", 80),
        (NOW - HOUR, None, "Yard", 90),
    ]
    assert one(bare_engine, "site")["timezone"] == "Europe/Oslo"


def test_a_row_that_was_changed_holds_so_from_its_sent_at(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}])
    forget(bare_engine)
    write(bare_engine, "UPDATE person SET name = 'Eda', sent_at = :at", at=NOW - HOUR)
    adopt(bare_engine)
    assert versions(bare_engine, "person", "name") == [
        (None, NOW - HOUR, "Ada"),
        (NOW - HOUR, None, "Eda"),
    ]
    assert noted(bare_engine)["person", "7"] == (NOW - HOUR, None)


def test_one_that_was_changed_without_a_moment_holds_so_from_now_on(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}])
    write(bare_engine, "UPDATE person SET name = 'Eda'")
    before = datetime.now(UTC)
    adopt(bare_engine)
    [_, (since, _, name)] = versions(bare_engine, "person", "name")
    assert (name, since >= before - timedelta(seconds=1)) == ("Eda", True)


def test_what_is_sent_meanwhile_is_said_after_what_is_stored(bare_engine: Engine) -> None:
    """A roster may have been sent a moment before a change without `sent_at` is noticed."""
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}])
    write(bare_engine, "UPDATE person SET name = 'Eda'")
    sync(
        bare_engine,
        datetime.now(UTC) - timedelta(seconds=5),
        people=[{"person_id": 7, "name": "Ida"}],
    )
    adopt(bare_engine)
    assert one(bare_engine, "person")["name"] == "Ida"


def test_a_change_back_to_what_was_said_is_noticed(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}])
    write(bare_engine, "UPDATE person SET name = 'Eda', sent_at = :at", at=NOW - 2 * HOUR)
    sync(bare_engine, NOW - HOUR, people=[{"person_id": 7, "name": "Ada"}])
    assert versions(bare_engine, "person", "name") == [
        (None, NOW - 2 * HOUR, "Ada"),
        (NOW - 2 * HOUR, NOW - HOUR, "Eda"),
        (NOW - HOUR, None, "Ada"),
    ]


def test_a_person_who_was_removed_was_there_until_then(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}], shifts=[SHIFT])
    forget(bare_engine)
    write(bare_engine, "UPDATE person SET deleted = true, sent_at = :at", at=NOW - HOUR)
    adopt(bare_engine)
    assert versions(bare_engine, "person", "name") == [(None, NOW - HOUR, "Ada")]
    assert (one(bare_engine, "shift")["person_left"], one(bare_engine, "shift")["standing"]) == (
        True,
        False,
    )
    assert noted(bare_engine) == {
        ("person", "7"): (NOW - HOUR, None),
        ("named", "7"): (NOW - HOUR, None),
        ("shift", "s-1"): (None, None),
        ("tenant", ""): (NOW - HOUR, None),
    }


def test_one_who_came_and_was_removed_was_there_in_between(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    write(
        bare_engine,
        "INSERT INTO person (tenant_id, person_id, name, deleted, sent_at)"
        " VALUES (1, 7, 'Ada', true, :at), (1, 8, '', true, :at)",
        at=NOW - HOUR,
    )
    adopt(bare_engine)
    assert versions(bare_engine, "person", "name") == [(None, NOW - HOUR, "Ada")]


def test_fields_without_a_past_are_followed(bare_engine: Engine) -> None:
    office = {"site_id": 15, "name": "Office", "timezone": "Europe/Oslo"}
    sync(bare_engine, NOW - DAY, sites=[office])
    forget(bare_engine)
    write(bare_engine, "UPDATE site SET timezone = 'UTC', sent_at = :at", at=NOW - HOUR)
    write(bare_engine, "UPDATE tenant SET roster_complete = false, name = 'Acme & Co'")
    adopt(bare_engine)
    assert noted(bare_engine) == {("site", "15"): (None, None), ("tenant", ""): (None, None)}
    sync_roster(
        bare_engine,
        {
            "tenant": {"tenant_id": 1, "policy": {"grace_minutes": 1}},
            "sites": [{"site_id": 15, "radius_m": 50}],
        },
    )
    assert one(bare_engine, "site")["timezone"] == "UTC"
    tenant = one(bare_engine, "tenant")
    assert (tenant["name"], tenant["roster_complete"]) == ("Acme & Co", False)


def test_a_policy_that_changed_is_a_version_and_loses_no_key(bare_engine: Engine) -> None:
    sync_roster(
        bare_engine, {"tenant": NAME | {"policy": {"grace_minutes": 1, "repeat_minutes": 2}}}
    )
    write(bare_engine, """UPDATE tenant SET policy = '{"repeat_minutes": 3}'""")
    adopt(bare_engine)
    assert versions(bare_engine, "tenant", "policy")[-1][2] == {"repeat_minutes": 3}
    [*_, last] = rows(bare_engine, "SELECT policy FROM policy_version ORDER BY version")
    assert last["policy"] == {"repeat_minutes": 3}


def test_rows_that_are_about_to_change_by_themselves_are_left_alone(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY, people=[{"person_id": 7, "name": "Ada"}])
    soon = datetime.now(UTC) + HOUR
    ahead = {"effective_from": soon.isoformat()}
    sync(bare_engine, NOW - HOUR, people=[{"person_id": 7, "name": "Eda"} | ahead])
    past = "interval '2 hours'"
    write(bare_engine, f"UPDATE due SET at = at - {past} WHERE chore = 'versions'")
    write(bare_engine, f"UPDATE statement SET effective_from = effective_from - {past}")
    for name in ("since", "until"):
        write(bare_engine, f"UPDATE person_version SET {name} = {name} - {past}")
    assert adopted(bare_engine) == []
    with transaction(bare_engine) as cursor:
        bring_up(cursor, 1, datetime.now(UTC))
    assert one(bare_engine, "person")["name"] == "Eda"
    assert adopted(bare_engine) == []


@pytest.mark.parametrize(
    ("write_old", "standing", "changed"),
    [
        ("cancelled = true", False, True),
        ("deleted = true, sent_at = now()", False, True),
        ("site_id = 16", True, False),
        ("deleted = true, sent_at = now(), starts_at = now() - interval '1 hour'", True, False),
    ],
)
def test_shifts_count_as_they_were_written(
    bare_engine: Engine, write_old: str, standing: bool, changed: bool
) -> None:
    sync(bare_engine, NOW - DAY, shifts=[SHIFT])
    forget(bare_engine)
    write(bare_engine, f"UPDATE shift SET {write_old}")
    adopt(bare_engine)
    row = one(bare_engine, "shift")
    assert (row["standing"], row["deleted"] is (row["removed_at"] is not None)) == (standing, True)
    assert (("shift", "s-1") in noted(bare_engine)) is changed


@pytest.mark.parametrize("how", [{"cancelled": True}, {"deleted": True}])
def test_shifts_come_back(bare_engine: Engine, how: Content) -> None:
    sync(bare_engine, NOW - DAY, shifts=[SHIFT])
    sync(bare_engine, NOW - 2 * HOUR, shifts=[{"shift_id": "s-1"} | how])
    forget(bare_engine)
    write(bare_engine, "UPDATE shift SET cancelled = false, deleted = false")
    adopt(bare_engine)
    assert one(bare_engine, "shift")["standing"]
    assert noted(bare_engine) == {("shift", "s-1"): (None, None)}
    sync(bare_engine, NOW - 2 * HOUR, shifts=[{"shift_id": "s-1"} | how])


def test_an_assignment_that_was_removed_ended_then_and_one_that_came_back_goes_on(
    bare_engine: Engine,
) -> None:
    sync(bare_engine, NOW - DAY, assignments=[ASSIGNED])
    forget(bare_engine)
    write(bare_engine, "UPDATE assignment SET deleted = true, sent_at = :at", at=NOW - HOUR)
    adopt(bare_engine)
    row = one(bare_engine, "assignment")
    assert (row["ended_at"], row["never_was"]) == (NOW - HOUR, False)
    assert noted(bare_engine)["person", "7"] == (NOW - HOUR, None)
    assert noted(bare_engine)["tenant", ""][1] is None
    write(bare_engine, "UPDATE assignment SET deleted = false")
    adopt(bare_engine)
    assert one(bare_engine, "assignment")["ended_at"] is None
    assert one(bare_engine, "tenant")["assigned_spans"]


def test_the_first_assignment_makes_a_difference_to_all(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    write(
        bare_engine,
        "INSERT INTO assignment (tenant_id, person_id, site_id, valid_from_key)"
        " VALUES (1, 7, 15, '')",
    )
    adopt(bare_engine)
    assert noted(bare_engine) == {("tenant", ""): (None, None)}


def test_a_tenant_whose_lock_is_taken_is_left_for_the_next_time(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    write(bare_engine, OLD_SITE)
    with transaction(bare_engine) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(1)])
        assert adopted(bare_engine) == []
    [due] = rows(bare_engine, "SELECT at - now() AS left FROM due WHERE chore = 'adopt'")
    assert due["left"] <= timedelta(minutes=10)
    assert adopted(bare_engine) == [1]


def test_it_is_done_less_and_less_often(bare_engine: Engine) -> None:
    sync(bare_engine, NOW - DAY)
    query = "SELECT extract(epoch FROM at - now())::float AS left FROM due WHERE chore = 'adopt'"
    waits = []
    for age in (timedelta(0), DAY, 10 * DAY, 1_000 * DAY):
        write(bare_engine, f"UPDATE statement SET received_at = now() - interval '{age}'")
        assert adopted(bare_engine) == []
        [due] = rows(bare_engine, query)
        waits.append(round(due["left"] / 60))
    assert waits == [10, 144, 1440, 43_200]


def test_a_roster_from_before_what_was_written_lies_below_it(bare_engine: Engine) -> None:
    """It names the rows before upkeep has taken them as said."""
    sync(bare_engine, NOW - 9 * DAY, people=[{"person_id": 7, "name": "Ada"}], shifts=[SHIFT])
    write(bare_engine, "UPDATE person SET deleted = true, sent_at = :at", at=NOW - DAY)
    write(bare_engine, "UPDATE shift SET deleted = true, sent_at = :at", at=NOW - 3 * DAY)
    late = {"people": [{"person_id": 7, "name": "Eda"}], "shifts": [SHIFT]}
    sync(bare_engine, NOW - 4 * DAY, **late)
    person = one(bare_engine, "person")
    assert (person["name"], person["deleted"]) == ("Eda", True)
    assert one(bare_engine, "shift")["removed_at"] == NOW - 3 * DAY


def test_who_left_by_an_old_worker_and_returns_had_left_meanwhile(bare_engine: Engine) -> None:
    gone = SHIFT | {"shift_id": "gone", "starts_at": (NOW - 3 * DAY).isoformat()}
    ada = {"person_id": 7, "name": "Ada"}
    sync(bare_engine, NOW - 9 * DAY, people=[ada], shifts=[gone])
    write(bare_engine, "UPDATE person SET deleted = true, sent_at = :at", at=NOW - 5 * DAY)
    sync(bare_engine, NOW - DAY, people=[ada])
    assert one(bare_engine, "shift")["person_left"]

"""roster.sync keeps what was said of rows, and works out how they were from when to when."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.intake import RosterOutcome, submit, sync_roster
from tests.models.intake.statements import counted
from tests.models.intake.stored import Content, a_punch, codes, forget, rows

NAME = {"tenant_id": 1, "name": "Acme"}
OFFICE = {"site_id": 15, "name": "Office", "timezone": "Europe/Oslo"}
TABLES = ("tenant_version", "site_version", "person_version", "device_version")
DAY = timedelta(days=1)


def sent(day: int) -> str:
    return f"2026-03-{day:02}T00:00:00Z"


def moment(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


def sync(engine: Engine, day: int | None = None, **sections: Any) -> RosterOutcome:
    """Sync sections of acme, whose own row is there unless given, as sent on a day in March."""
    roster = {"tenant": NAME, **sections} | ({"sent_at": sent(day)} if day else {})
    return sync_roster(engine, roster)


def versions(engine: Engine, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Return since and until, None for ever, and columns of the versions, by since."""
    query = f"""
    SELECT nullif(since, '-infinity') AS since, nullif(until, 'infinity') AS until, {columns}
    FROM {table} ORDER BY {table}.since
    """
    return [tuple(row.values()) for row in rows(engine, query)]


def people(engine: Engine) -> list[tuple[Any, ...]]:
    return versions(engine, "person_version", "name")


def changes(outcome: RosterOutcome) -> dict[tuple[str, str], tuple[datetime | None, ...]]:
    return {(change.kind, change.key): change[2:] for change in outcome.changes}


def test_what_is_said_later_holds_from_when_it_was_sent(bare_engine: Engine) -> None:
    sync(bare_engine, 2, people=[{"person_id": 7, "name": "Ada"}])
    outcome = sync(bare_engine, 5, people=[{"person_id": 7, "name": "Eda"}])
    assert people(bare_engine) == [(None, moment(5), "Ada"), (moment(5), None, "Eda")]
    assert changes(outcome) == {
        ("named", "7"): (moment(5), None),
        ("person", "7"): (moment(5), None),
    }
    [person] = rows(bare_engine, "SELECT * FROM person")
    assert person["name"] == "Eda"


def test_without_sent_at_from_when_it_came(bare_engine: Engine) -> None:
    sync(bare_engine, 2, people=[{"person_id": 7, "name": "Ada"}])
    before = datetime.now(UTC)
    sync(bare_engine, people=[{"person_id": 7, "name": "Eda"}])
    [(_, until, _), (since, _, _)] = people(bare_engine)
    assert before <= until == since <= datetime.now(UTC)


def test_only_the_time_that_differs_is_judged_anew(bare_engine: Engine) -> None:
    sync(bare_engine, 2, people=[{"person_id": 7, "name": "Ada"}])
    sync(bare_engine, 20, people=[{"person_id": 7, "name": "Eda"}])
    outcome = sync(bare_engine, 10, people=[{"person_id": 7, "name": "Ida"}])
    assert changes(outcome)["person", "7"] == (moment(10), moment(20))
    noted = rows(bare_engine, "SELECT * FROM roster_change ORDER BY change_id DESC LIMIT 2")
    assert {(row["since"], row["until"]) for row in noted} == {(moment(10), moment(20))}


def test_a_stricter_policy_accuses_nobody_of_last_month(bare_engine: Engine) -> None:
    sync(bare_engine, 2, sites=[OFFICE])
    outcome = sync(
        bare_engine,
        5,
        tenant=NAME | {"policy": {"grace_minutes": 1}},
        sites=[{"site_id": 15, "policy": {"repeat_minutes": 3}}],
    )
    assert changes(outcome) == {
        ("site", "15"): (moment(5), None),
        ("tenant", ""): (moment(5), None),
    }
    assert versions(bare_engine, "tenant_version", "policy") == [
        (None, moment(5), {}),
        (moment(5), None, {"grace_minutes": 1}),
    ]
    kept = rows(bare_engine, "SELECT * FROM policy_version ORDER BY version")
    assert [(row["policy"], row["site_policies"]) for row in kept] == [
        ({}, {}),
        ({"grace_minutes": 1}, {"15": {"repeat_minutes": 3}}),
    ]


def test_a_policy_of_the_past_gets_a_version_too(bare_engine: Engine) -> None:
    sync(bare_engine, 2, tenant=NAME)
    sync(bare_engine, 20, tenant=NAME | {"policy": {"grace_minutes": 1}})
    sync(bare_engine, 10, tenant=NAME | {"policy": {"grace_minutes": 9}})
    kept = rows(bare_engine, "SELECT policy FROM policy_version ORDER BY version")
    assert [row["policy"] for row in kept] == [{}, {"grace_minutes": 1}, {"grace_minutes": 1}]


def test_a_zone_and_a_complete_roster_hold_throughout(bare_engine: Engine) -> None:
    sync(bare_engine, 2, sites=[OFFICE])
    outcome = sync(
        bare_engine,
        5,
        tenant=NAME | {"roster_complete": False},
        sites=[{"site_id": 15, "timezone": "UTC"}],
    )
    assert changes(outcome) == {("site", "15"): (None, None), ("tenant", ""): (None, None)}
    assert versions(bare_engine, "site_version", "name") == [(None, None, "Office")]
    [site] = rows(bare_engine, "SELECT timezone FROM site")
    assert site["timezone"] == "UTC"
    sync(bare_engine, 4, sites=[{"site_id": 15, "timezone": "Asia/Tokyo"}])
    assert rows(bare_engine, "SELECT timezone FROM site") == [site]


def test_what_comes_again_changes_nothing(bare_engine: Engine) -> None:
    for day in (2, 5, 2, 5):
        sync(bare_engine, day, people=[{"person_id": 7, "name": f"{day}"}], sites=[OFFICE])
    assert people(bare_engine) == [(None, moment(5), "2"), (moment(5), None, "5")]
    assert len(rows(bare_engine, "SELECT 1 FROM statement WHERE kind = 'person'")) == 2
    forget(bare_engine)
    assert sync(bare_engine, 5, people=[{"person_id": 7, "name": "5"}]).changes == ()


def test_what_repeats_itself_without_sent_at_is_left_out(bare_engine: Engine) -> None:
    for _ in range(3):
        sync(
            bare_engine,
            sites=[OFFICE],
            people=[{"person_id": 7, "name": "Ada"}, {"person_id": 8, "deleted": True}],
            devices=[{"device_id": "k", "shared": True}],
        )
    said = rows(bare_engine, "SELECT kind, key FROM statement ORDER BY 1, 2")
    assert [(row["kind"], row["key"]) for row in said] == [
        ("device", "k"),
        ("person", "7"),
        ("person", "8"),
        ("site", "15"),
        ("tenant", ""),
    ]


def test_what_repeats_itself_with_sent_at_keeps_what_comes_late_in_its_place(
    bare_engine: Engine,
) -> None:
    for day, name in ((2, "Ada"), (9, "Ada"), (5, "Eda")):
        sync(bare_engine, day, people=[{"person_id": 7, "name": name}])
    assert people(bare_engine) == [
        (None, moment(5), "Ada"),
        (moment(5), moment(9), "Eda"),
        (moment(9), None, "Ada"),
    ]


def test_a_row_waits_until_what_it_lacks_has_come(bare_engine: Engine) -> None:
    outcome = sync(
        bare_engine,
        2,
        sites=[{"site_id": 15, "radius_m": 50}],
        people=[{"person_id": 7}],
        devices=[{"device_id": "k", "person_id": 7}],
    )
    assert (outcome.refused, outcome.changed_keys - {("tenant", "")}) == ([], frozenset())
    assert [rows(bare_engine, f"SELECT 1 FROM {table}") for table in ("site", "person", "device")]
    sync(bare_engine, 5, sites=[{"site_id": 15, "name": "Office", "timezone": "UTC"}])
    assert versions(bare_engine, "site_version", "name, radius_m") == [
        (moment(5), None, "Office", 50)
    ]


@pytest.mark.parametrize(
    ("day", "fields", "expected"),
    [
        (5, {"latitude": 1.0}, ("missing", "latitude")),
        (5, {"policy": {"grace_minutes": -1}}, ("bad_policy", "policy")),
        (5, {"effective_from": "soon"}, ("not_a_time", "effective_from")),
        (5, {"effective_from": 7}, ("wrong_type", "effective_from")),
        (5, {"correction": 1}, ("wrong_type", "correction")),
        # By itself it is sound, but not in what it makes of the time after it.
        (1, {"longitude": 5.0, "latitude": 1.0}, ("missing", "latitude")),
    ],
)
def test_what_makes_no_valid_row_is_refused_and_not_kept(
    bare_engine: Engine, day: int, fields: Content, expected: tuple[str, str]
) -> None:
    sync(bare_engine, 2, sites=[OFFICE])
    sync(bare_engine, 3, sites=[{"site_id": 15, "longitude": None, "name": "Depot"}])
    before = rows(bare_engine, "SELECT * FROM statement ORDER BY kind, said_at")
    outcome = sync(
        bare_engine,
        day,
        people=[{"person_id": 7, "name": "Ada"}],
        sites=[{"site_id": 15, **fields}],
    )
    assert [codes(row.reasons)[0] for row in outcome.refused] == [expected]
    kept = rows(
        bare_engine, "SELECT * FROM statement WHERE kind <> 'person' ORDER BY kind, said_at"
    )
    assert [row for row in kept if row["kind"] == "site"] == [
        row for row in before if row["kind"] == "site"
    ]
    assert people(bare_engine) == [(None, None, "Ada")]


def test_large_numbers_in_unknown_fields_stay_what_they_are(bare_engine: Engine) -> None:
    for day in (2, 3):
        sync(bare_engine, day, people=[{"person_id": 7, "name": f"{day}", "far": 1e300}])
    sync(bare_engine, 4, people=[{"person_id": 7, "near": 1}])
    [person] = rows(bare_engine, "SELECT extra FROM person")
    assert person["extra"] == {"far": 10**300, "near": 1}


def test_a_tenant_that_will_be_has_a_feed_already(bare_engine: Engine) -> None:
    tomorrow = datetime.now(UTC) + DAY
    outcome = sync(
        bare_engine,
        2,
        tenant=NAME | {"effective_from": tomorrow.isoformat()},
        people=[{"person_id": 7, "name": "Ada"}],
    )
    assert outcome.refused == []
    [tenant] = rows(bare_engine, "SELECT * FROM tenant")
    assert (tenant["deleted"], bool(tenant["epoch"])) == (True, True)
    assert versions(bare_engine, "tenant_version", "policy") == [(tomorrow, None, {})]


def test_when_there_was_anybody_is_noted(bare_engine: Engine) -> None:
    sync(bare_engine, 2, tenant=NAME, sites=[OFFICE])
    ada = {"person_id": 7, "name": "Ada", "effective_from": sent(3)}
    assert changes(sync(bare_engine, 2, people=[ada]))["tenant", ""] == (moment(3), None)
    gone = sync(bare_engine, 9, people=[{"person_id": 7, "deleted": True}])
    assert changes(gone)["tenant", ""] == (moment(9), None)
    assigned = {"person_id": 7, "site_id": 15, "valid_from": "2026-03-04", "valid_to": "2026-03-05"}
    assert changes(sync(bare_engine, 2, assignments=[assigned]))["tenant", ""] == (None, None)
    sync(bare_engine, 9, assignments=[assigned | {"deleted": True}])
    [tenant] = rows(
        bare_engine,
        "SELECT people_spans::text AS people, assigned_spans::text AS assigned FROM tenant",
    )
    assert tenant == {
        "people": '{["2026-03-03 00:00:00+00","2026-03-09 00:00:00+00")}',
        "assigned": '{(,"2026-03-09 00:00:00+00"]}',
    }


def test_a_site_that_comes_makes_the_days_of_its_assignments_its_own(bare_engine: Engine) -> None:
    """So all that was at it is judged anew, and nothing elsewhere."""
    assigned = {"person_id": 7, "site_id": 15, "valid_to": "2026-03-05"}
    sync(bare_engine, 2, tenant=NAME, assignments=[assigned])
    outcome = sync(bare_engine, 2, sites=[OFFICE])
    assert changes(outcome) == {("site", "15"): (None, None)}


@pytest.mark.parametrize("removal_first", [False, True])
def test_a_site_that_is_gone_keeps_its_time_zone(bare_engine: Engine, removal_first: bool) -> None:
    told = [(2, OFFICE), (5, {"site_id": 15, "deleted": True})]
    for day, row in reversed(told) if removal_first else told:
        sync(bare_engine, day, sites=[row])
    assert versions(bare_engine, "site_version", "name") == [(None, moment(5), "Office")]
    [site] = rows(bare_engine, "SELECT timezone, deleted FROM site")
    assert site == {"timezone": "Europe/Oslo", "deleted": True}


def test_the_zone_of_a_site_that_never_was_there_is_what_was_said_last(bare_engine: Engine) -> None:
    """It gives the days of assignments there, in whatever order all of it comes."""
    assigned = {"person_id": 7, "site_id": 15, "valid_to": "2026-03-20"}
    removal = {"site_id": 15, "deleted": True, "effective_from": sent(1)}
    told = [
        (2, {"site_id": 15, "radius_m": 50}),
        (3, OFFICE | {"policy": {"grace_minutes": 1}}),
        (4, removal),
        (5, {"site_id": 15, "timezone": "Europe/Berlin", "policy": {"grace_minutes": None}}),
        (6, {"site_id": 15, "timezone": "America/New_York"}),
    ]
    for order in permutations(told):
        sync(bare_engine, 2, tenant=NAME, assignments=[assigned])
        for day, row in order:
            sync(bare_engine, day, sites=[row])
        assert versions(bare_engine, "site_version", "name") == []
        [site] = rows(bare_engine, "SELECT name, timezone, policy, radius_m, deleted FROM site")
        assert site == {
            "name": "",
            "timezone": "America/New_York",
            "policy": {},
            "radius_m": None,
            "deleted": True,
        }
        with bare_engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(EVERYTHING)}, assignment"))


@pytest.mark.parametrize("was_there", [False, True])
def test_a_new_zone_is_noted_whether_or_not_the_site_ever_was_there(
    bare_engine: Engine, was_there: bool
) -> None:
    sync(bare_engine, 2, sites=[{"site_id": 15, "radius_m": 50}])
    if was_there:
        sync(bare_engine, 3, sites=[OFFICE])
        sync(bare_engine, 4, sites=[{"site_id": 15, "deleted": True, "effective_from": sent(1)}])
        assert versions(bare_engine, "site_version", "name") == []
    else:
        sync(bare_engine, 3, sites=[{"site_id": 15, "timezone": "Europe/Oslo"}])
    again = sync(bare_engine, 5, sites=[{"site_id": 15, "timezone": "Europe/Oslo"}])
    assert again.changes == ()
    outcome = sync(bare_engine, 6, sites=[{"site_id": 15, "timezone": "Europe/Berlin"}])
    assert changes(outcome) == {("site", "15"): (None, None)}


def test_a_punch_asks_for_the_site_as_it_was_then(bare_engine: Engine) -> None:
    sync(bare_engine, 2, sites=[OFFICE | {"effective_from": sent(4)}])
    sync(bare_engine, 9, sites=[{"site_id": 15, "deleted": True}])
    days = (3, 4, 8, 9)
    punches = [a_punch(punch_id=f"p-{day}", occurred_at=sent(day)) for day in days]
    outcomes = submit(bare_engine, punches)
    assert [outcome.status for outcome in outcomes] == [
        *("rejected", "accepted", "accepted", "rejected")
    ]


def test_what_waited_for_its_site_waits_for_its_moment(bare_engine: Engine) -> None:
    sync(bare_engine, 2, tenant=NAME)
    punches = [a_punch(punch_id=f"p-{day}", occurred_at=sent(day)) for day in (3, 8)]
    submit(bare_engine, punches)

    def waiting() -> list[str]:
        query = "SELECT punch_id FROM rejected WHERE resubmitted_at IS NULL ORDER BY 1"
        return [row["punch_id"] for row in rows(bare_engine, query)]

    sync(bare_engine, 2, sites=[OFFICE | {"effective_from": sent(5)}])
    assert waiting() == ["p-3"]
    sync(bare_engine, 9, sites=[OFFICE | {"effective_from": sent(1)}])
    assert waiting() == []


ROSTERS: list[Content] = [
    {
        "sent_at": sent(2),
        "tenant": NAME,
        "sites": [OFFICE | {"radius_m": 50}],
        "people": [{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}],
        "devices": [{"device_id": "k", "shared": False, "person_id": 7}],
    },
    {
        "sent_at": sent(4),
        "tenant": NAME | {"policy": {"grace_minutes": 3}},
        "sites": [{"site_id": 15, "timezone": "UTC", "name": "Depot", "effective_from": sent(6)}],
        "people": [{"person_id": 7, "deleted": True, "effective_from": "2026-03-09"}],
        "devices": [{"device_id": "k", "shared": True}],
    },
    {
        "sent_at": sent(5),
        "tenant": NAME | {"policy": {"grace_minutes": 2}, "correction": True},
        "sites": [{"site_id": 15, "radius_m": None, "correction": True}],
        "people": [{"person_id": 7, "name": "Eda"}, {"person_id": 8, "deleted": True}],
        "devices": [{"device_id": "k", "person_id": None, "effective_from": sent(3)}],
    },
    {
        "sent_at": sent(9),
        "tenant": NAME | {"policy": None, "effective_from": sent(12)},
        "sites": [{"site_id": 15, "deleted": True}],
        "people": [{"person_id": 8, "name": "Rob"}],
        "devices": [{"device_id": "k", "deleted": True}],
    },
]


def test_no_order_of_arrival_makes_a_difference(bare_engine: Engine) -> None:
    seen = []
    for order in permutations(ROSTERS):
        for roster in order:
            assert sync_roster(bare_engine, roster).refused == []
        seen.append(
            [rows(bare_engine, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ALL]
            + [rows(bare_engine, "SELECT people_spans::text, policy FROM tenant")]
            + [rows(bare_engine, "SELECT name, timezone, deleted FROM site")]
            + [rows(bare_engine, "SELECT name, deleted FROM person ORDER BY person_id")]
        )
        with bare_engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(EVERYTHING)}"))
    assert all(outcome == seen[0] for outcome in seen)
    assert [len(table) for table in seen[0][:4]] == [2, 2, 4, 3]


ALL = (
    "(SELECT tenant_id, since::text, until::text, policy FROM tenant_version) AS version",
    "(SELECT site_id, since::text, until::text, name, radius_m FROM site_version) AS version",
    "(SELECT person_id, since::text, until::text, name FROM person_version) AS version",
    "(SELECT device_id, since::text, until::text, shared, person_id FROM device_version) AS v",
)
EVERYTHING = (*TABLES, "statement", "tenant", "site", "person", "device", "policy_version")


def test_the_number_of_sql_statements_is_that_of_one_row(bare_engine: Engine) -> None:
    spent = []
    sync(bare_engine, 1, tenant={"tenant_id": 2, "name": "Globex"})  # makes the first connection
    for size in (1, 100):
        numbers = range(1, size + 1)
        for day in (2, 5, 4):
            with counted() as statements:
                sync(
                    bare_engine,
                    day,
                    sites=[OFFICE | {"site_id": n, "name": f"{day}"} for n in numbers],
                    people=[{"person_id": n, "name": f"{day}"} for n in numbers],
                    devices=[{"device_id": f"{n}", "shared": day == 2} for n in numbers],
                )
            spent.append(len(statements))
        with bare_engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(EVERYTHING)}"))
    assert spent[:3] == spent[3:]

"""roster.sync upserts what it names, leaves the rest, and notes changes for the judge."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine

from models.intake import RosterOutcome, sync_roster
from tests.models.intake.stored import Content, changes, codes, forget, rejected, rows

ACME = {"tenant_id": 1}
SHIFT = {
    "shift_id": "s-1",
    "person_id": 7,
    "site_id": 15,
    "starts_at": "2026-03-02T08:00:00Z",
    "ends_at": "2026-03-02T16:00:00Z",
}
OLD, NEW = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"


def sync(
    engine: Engine, sent_at: str | None = None, tenant: Content = ACME, **sections: Any
) -> RosterOutcome:
    roster = {"tenant": tenant, **sections} | ({"sent_at": sent_at} if sent_at else {})
    return sync_roster(engine, roster)


def one(engine: Engine, table: str, **key: Any) -> Content:
    where = " AND ".join(f"{name} = :{name}" for name in key)
    [row] = rows(engine, f"SELECT * FROM {table} WHERE tenant_id = 1 AND {where}", **key)
    return row


def test_a_new_tenant_gets_a_feed_and_a_policy(bare_engine: Engine) -> None:
    sync_roster(
        bare_engine, {"tenant": {"tenant_id": 5, "name": "Acme", "policy": {"max_work_hours": 12}}}
    )
    [tenant] = rows(bare_engine, "SELECT * FROM tenant")
    assert (
        tenant["name"],
        tenant["roster_complete"],
        tenant["policy_version"],
        tenant["head"],
    ) == ("Acme", True, 1, 0)
    assert len(bytes.fromhex(tenant["epoch"])) == 6
    [version] = rows(bare_engine, "SELECT * FROM policy_version")
    assert (version["version"], version["policy"], version["site_policies"]) == (
        1,
        {"max_work_hours": 12},
        {},
    )


def test_omitted_fields_keep_their_value_and_null_clears(engine: Engine) -> None:
    sync(
        engine,
        sites=[
            {"site_id": 15, "radius_m": 50, "policy": {"max_work_hours": 10, "grace_minutes": 5}}
        ],
    )
    sync(
        engine,
        sites=[
            {
                "site_id": 15,
                "name": "Head Office",
                "policy": {"grace_minutes": None, "repeat_minutes": 1},
            }
        ],
    )
    site = one(engine, "site", site_id=15)
    assert (site["name"], site["radius_m"], site["timezone"]) == (
        "Head Office",
        50,
        "Europe/Berlin",
    )
    assert site["policy"] == {"max_work_hours": 10, "repeat_minutes": 1}
    sync(engine, sites=[{"site_id": 15, "radius_m": None, "policy": None}])
    site = one(engine, "site", site_id=15)
    assert (site["radius_m"], site["policy"]) == (None, {})


def test_what_is_not_named_is_left_alone(engine: Engine) -> None:
    before = rows(engine, "SELECT * FROM site ORDER BY tenant_id, site_id")
    sync(engine, people=[{"person_id": 7, "name": "Ada"}])
    assert rows(engine, "SELECT * FROM site ORDER BY tenant_id, site_id") == before


def test_a_roster_that_changes_nothing_writes_nothing(engine: Engine) -> None:
    sections = {
        "sites": [{"site_id": 15, "name": "Office", "policy": {}}],
        "people": [{"person_id": 7, "name": "Ada"}],
        "devices": [{"device_id": "k", "shared": True, "person_id": None}],
        "assignments": [{"person_id": 7, "site_id": 15, "valid_from": "2026-01-01"}],
        "shifts": [SHIFT | {"substitutes": [9, 8]}],
    }
    tenant = {"tenant_id": 1, "name": "Acme", "policy": {}, "roster_complete": True}
    sync(engine, NEW, tenant, **sections)
    forget(engine)

    def written() -> list[list[Content]]:
        tables = ("tenant", "site", "person", "device", "assignment", "shift", "policy_version")
        return [
            rows(engine, f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in tables
        ]

    before = written()
    outcome = sync(engine, NEW, tenant, **sections)
    assert (outcome.refused, outcome.changed_keys) == ([], frozenset())
    assert written() == before
    assert changes(engine) == set()


def test_an_older_row_loses_to_a_newer(bare_engine: Engine) -> None:
    sync(
        bare_engine,
        NEW,
        people=[{"person_id": 7, "name": "New"}],
        tenant={"tenant_id": 1, "name": "New"},
        shifts=[SHIFT | {"site_id": 16}],
    )
    sync(
        bare_engine,
        OLD,
        people=[{"person_id": 7, "name": "Old"}, {"person_id": 8, "name": "Old"}],
        tenant={"tenant_id": 1, "name": "Old"},
        shifts=[SHIFT],
    )
    assert one(bare_engine, "person", person_id=7)["name"] == "New"
    assert one(bare_engine, "person", person_id=8)["name"] == "Old"
    assert one(bare_engine, "tenant", tenant_id=1)["name"] == "New"
    assert one(bare_engine, "shift", shift_id="s-1")["site_id"] == 16


def test_without_sent_at_the_last_to_arrive_wins_and_older_ones_still_lose(engine: Engine) -> None:
    sync(engine, NEW, people=[{"person_id": 7, "name": "New"}])
    sync(engine, people=[{"person_id": 7, "name": "By hand"}])
    assert one(engine, "person", person_id=7)["name"] == "By hand"
    sync(engine, OLD, people=[{"person_id": 7, "name": "Old"}])
    assert one(engine, "person", person_id=7)["name"] == "By hand"


def test_a_removed_row_is_brought_back_by_nothing_older(engine: Engine) -> None:
    sync(engine, OLD, people=[{"person_id": 7, "name": "Ada"}])
    sync(engine, NEW, people=[{"person_id": 7, "deleted": True}, {"person_id": 8, "deleted": True}])
    sync(engine, OLD, people=[{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}])
    assert {row["deleted"] for row in rows(engine, "SELECT * FROM person")} == {True}
    sync(engine, "2026-03-03T00:00:00Z", people=[{"person_id": 7, "name": "Ada"}])
    assert not one(engine, "person", person_id=7)["deleted"]


def test_a_row_that_comes_back_starts_afresh(engine: Engine) -> None:
    sync(engine, sites=[{"site_id": 15, "deleted": True}])
    sync(engine, sites=[{"site_id": 15, "radius_m": 50}])
    assert one(engine, "site", site_id=15)["deleted"]  # without a name it is not there
    sync(engine, sites=[{"site_id": 15, "name": "Office"}])
    site = one(engine, "site", site_id=15)
    assert (site["deleted"], site["radius_m"], site["latitude"]) == (False, 50, None)
    assert site["timezone"] == "Europe/Berlin"  # it has no past, and was said last


def test_order_within_a_call_does_not_matter(bare_engine: Engine) -> None:
    sync_roster(
        bare_engine,
        {
            "shifts": [SHIFT],
            "assignments": [{"person_id": 7, "site_id": 15}],
            "people": [{"person_id": 7, "name": "Ada"}],
            "sites": [{"site_id": 15, "name": "Office", "timezone": "UTC"}],
            "tenant": {"name": "Acme", "tenant_id": 1},
        },
    )
    assert one(bare_engine, "shift", shift_id="s-1")["site_id"] == 15


def test_references_to_what_is_not_there_yet_are_kept(engine: Engine) -> None:
    outcome = sync(
        engine,
        shifts=[SHIFT | {"site_id": 99, "person_id": 99}],
        assignments=[{"person_id": 99, "site_id": 99}],
    )
    assert outcome.refused == []
    assert one(engine, "shift", shift_id="s-1")["site_id"] == 99


def test_rows_fail_singly(engine: Engine) -> None:
    outcome = sync(
        engine,
        tenant={"tenant_id": 1, "policy": {"max_work_hours": "many"}},
        sites=[
            {"site_id": 20, "name": "A", "timezone": "UTC"},
            {"site_id": 21, "name": "B", "timezone": "Mars/Olympus"},
            {"site_id": 22, "name": "C"},
            {"site_id": 23, "name": "D", "timezone": "UTC", "latitude": 91.0, "longitude": 0},
            {"site_id": 24, "name": "E", "timezone": "UTC", "latitude": 1.0},
            {"site_id": 25, "name": None, "timezone": "UTC"},
            {"site_id": 26, "name": "F", "timezone": "UTC", "policy": {"max_wrok_hours": 1}},
            {"site_id": 27, "name": "G", "timezone": "UTC", "note": "\0"},
            "nonsense",
        ],
        shifts=[
            SHIFT | {"ends_at": SHIFT["starts_at"]},
            SHIFT | {"shift_id": "s-2", "starts_at": "2026-03-02T08:00:00"},
            SHIFT | {"shift_id": "s-3", "ends_at": "2026-03-09T08:00:01Z"},
        ],
        assignments=[
            {"person_id": 7, "site_id": 15, "valid_from": "2026-03-02", "valid_to": "2026-03-01"}
        ],
        devices=[{"device_id": "k"}],
        people="nobody",
    )
    assert {(row.section, row.place): codes(row.reasons)[0] for row in outcome.refused} == {
        ("tenant", 0): ("bad_policy", "policy"),
        ("sites", 1): ("unknown_timezone", "timezone"),
        ("sites", 3): ("out_of_range", "latitude"),
        ("sites", 4): ("missing", "latitude"),
        ("sites", 5): ("wrong_type", "name"),
        ("sites", 6): ("bad_policy", "policy"),
        ("sites", 7): ("bad_text", "note"),
        ("sites", 8): ("wrong_type", ""),
        ("shifts", 0): ("out_of_range", "ends_at"),
        ("shifts", 1): ("no_offset", "starts_at"),
        ("shifts", 2): ("out_of_range", "ends_at"),
        ("assignments", 0): ("out_of_range", "valid_to"),
        ("people", 0): ("wrong_type", "people"),
    }
    assert len(rejected(engine)) == 13
    assert one(engine, "site", site_id=20)["name"] == "A"


def test_a_roster_nobody_can_read_is_kept_whole(engine: Engine) -> None:
    unreadable: list[object] = [
        None,
        [],
        {},
        {"tenant": 1},
        {"tenant": {"tenant_id": "1"}},
        {"tenant": ACME, "sent_at": "noon"},
    ]
    for roster in unreadable:
        outcome = sync_roster(engine, roster)
        assert [(row.section, bool(row.reasons)) for row in outcome.refused] == [("", True)]
    assert len(rejected(engine)) == len(unreadable)


def test_a_row_named_twice_with_other_values_is_refused_both_times(engine: Engine) -> None:
    outcome = sync(
        engine,
        people=[
            {"person_id": 7, "name": "Ada"},
            {"person_id": 7, "name": "Eda"},
            {"person_id": 8, "name": "Bob"},
        ]
        * 2,
    )
    assert sorted(row.place for row in outcome.refused) == [0, 1, 3, 4]
    assert [row["name"] for row in rows(engine, "SELECT * FROM person")] == ["Bob"]
    outcome = sync(engine, sites=[{"site_id": 15, "radius_m": None}, {"site_id": 15}])
    assert len(outcome.refused) == 2


def test_an_assignment_is_known_by_person_site_and_start(engine: Engine) -> None:
    whole, part = (
        {"person_id": 7, "site_id": 15},
        {"person_id": 7, "site_id": 15, "valid_from": "2026-03-01"},
    )
    sync(
        engine,
        assignments=[
            whole,
            part,
            part | {"valid_from": "2026-03-01T00:00:00+01:00", "valid_to": "2026-04-01"},
        ],
    )
    sync(
        engine,
        assignments=[
            part | {"valid_to": "2026-03-31T18:00:00Z"},
            part | {"valid_from": "2026-02-28T23:00:00Z", "deleted": True},
        ],
    )
    kept = rows(engine, "SELECT * FROM assignment WHERE ended_at IS NULL ORDER BY valid_from_key")
    assert [(row["valid_from_date"], row["valid_to"]) for row in kept] == [
        (None, None),
        (date(2026, 3, 1), datetime(2026, 3, 31, 18, tzinfo=UTC)),
    ]
    sync(engine, assignments=[part | {"valid_to": "2026-03-31"}])
    row = one(engine, "assignment", valid_from_key="2026-03-01")
    assert (row["valid_to"], row["valid_to_date"]) == (None, date(2026, 3, 31))


def test_unknown_fields_are_kept(engine: Engine) -> None:
    sync(engine, people=[{"person_id": 7, "name": "Ada", "badge": 1, "team": "A"}])
    sync(engine, people=[{"person_id": 7, "badge": 2, "team": None}])
    assert one(engine, "person", person_id=7)["extra"] == {"badge": 2}


def test_a_policy_that_changed_gets_a_version(engine: Engine) -> None:
    sync(engine, tenant={"tenant_id": 1, "policy": {"max_work_hours": 12}})
    sync(engine, sites=[{"site_id": 15, "policy": {"grace_minutes": 5}}])
    sync(
        engine,
        sites=[{"site_id": 15, "policy": {"grace_minutes": 5}}],
        tenant={"tenant_id": 1, "policy": {"max_work_hours": 12}},
    )
    versions = rows(engine, "SELECT * FROM policy_version WHERE tenant_id = 1 ORDER BY version")
    assert [(row["version"], row["policy"], row["site_policies"]) for row in versions] == [
        (1, {}, {}),
        (2, {"max_work_hours": 12}, {}),
        (3, {"max_work_hours": 12}, {"15": {"grace_minutes": 5}}),
    ]
    assert one(engine, "tenant", tenant_id=1)["policy_version"] == 3
    sync(engine, sites=[{"site_id": 15, "deleted": True}])
    assert (
        rows(engine, "SELECT * FROM policy_version WHERE tenant_id = 1 AND version = 4")[0][
            "site_policies"
        ]
        == {}
    )

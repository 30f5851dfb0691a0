"""Strings as ids of tenants, sites and people, by every door: they come back as they came."""

from typing import Any

from sqlalchemy import Engine

from models.ids import StringId
from models.intake import publish, resubmit, submit, sync_roster, void
from models.intake.submitter import OutsideSites, Submitter
from models.numbering import find_tenant
from models.string_ids.directory import DIRECTORY
from tests.models.intake.statements import counted
from tests.models.intake.stored import Content, a_punch, codes, pending, punches, rejected, rows

ACME = "acme_1"
SITE = {"name": "Office", "timezone": "Europe/Berlin"}


def a_roster(tenant_id: Any = ACME, **sections: Any) -> Content:
    tenant = {"tenant_id": tenant_id, "name": "Acme"}
    return {"tenant": tenant, "sites": [{"site_id": "15", **SITE}, {"site_id": 15, **SITE}]} | (
        sections
    )


def punch(**fields: Any) -> Content:
    return a_punch(**{"tenant_id": ACME, "person_id": "7", "site_id": "15", **fields})


def texts(engine: Engine) -> list[str]:
    return sorted(row["text"] for row in rows(engine, "SELECT text FROM string_id"))


def test_a_punch_is_stored_with_its_ids_and_the_integers_beside_them(bare_engine: Engine) -> None:
    sync_roster(bare_engine, a_roster())
    sync_roster(bare_engine, a_roster(1))
    contents = [
        punch(punch_id="a", biometric={"method": "face", "matched_person_id": "8"}),
        punch(punch_id="b", person_id=7, site_id=15, biometric={"matched_person_id": 8}),
        punch(punch_id="c", tenant_id=1),
    ]
    contents[1]["biometric"]["method"] = "face"
    outcomes = submit(bare_engine, contents)
    assert [(one.status, one.tenant_id) for one in outcomes] == [
        ("accepted", ACME),
        ("accepted", ACME),
        ("accepted", 1),
    ]
    DIRECTORY.forget()
    names = ("tenant_id", "person_id", "site_id", "biometric_person_id")
    stored = {row["punch_id"]: tuple(row[name] for name in names) for row in punches(bare_engine)}
    assert stored == {
        "a": (ACME, "7", "15", "8"),
        "b": (ACME, 7, 15, 8),
        "c": (1, "7", "15", None),
    }
    assert submit(bare_engine, contents) == outcomes
    assert len(pending(bare_engine)) == 3


def test_an_integer_and_its_string_are_two_contents_of_a_punch(bare_engine: Engine) -> None:
    sync_roster(bare_engine, a_roster())
    early, late = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"
    submit(bare_engine, [punch(person_id=7, sent_at=early)])
    submit(bare_engine, [punch(person_id="7", sent_at=late)])
    submit(bare_engine, [punch(person_id=7, sent_at=early)])
    assert [row["person_id"] for row in punches(bare_engine)] == ["7"]
    kept = rows(bare_engine, "SELECT content FROM punch_revision")
    assert {repr(row["content"]["person_id"]) for row in kept} == {"7", "'7'"}


def test_what_is_refused_stores_no_more_strings_than_it_waits_for(bare_engine: Engine) -> None:
    sync_roster(bare_engine, a_roster())
    known = texts(bare_engine)
    submit(bare_engine, [punch(kind="nap", person_id="new", site_id="new"), punch(person_id=1.5)])
    void(bare_engine, ACME, "p", None)
    void(bare_engine, "nobody", None, None)
    publish(bare_engine, {"type": "ticket_updated", "tenant_id": ACME, "site_id": "new"})
    people = [{"person_id": "fine", "name": ""}, {"person_id": "x" * 65, "name": "Ada"}]
    sync_roster(bare_engine, a_roster(people=people))
    sync_roster(bare_engine, {"tenant": {"tenant_id": "nobody"}, "people": "none"} | {"sites": [5]})
    assert texts(bare_engine) == sorted([*known, "nobody"])
    kept = [(row["tenant_id"], row["door"], row["waits_for"]) for row in rejected(bare_engine)]
    assert (0, "attendance.void", None) in kept
    assert ("nobody", "roster.sync", "tenant") in kept


def test_a_punch_that_waits_for_its_tenant_and_site_is_taken_once_they_come(
    bare_engine: Engine,
) -> None:
    (outcome,) = submit(bare_engine, [punch()])
    assert codes(outcome.reasons) == [("unknown_tenant", "tenant_id")]
    sync_roster(bare_engine, a_roster(sites=[{"site_id": 15, **SITE}]))
    assert [row["waits_for"] for row in rejected(bare_engine)] == ["site"]
    sync_roster(bare_engine, a_roster())
    assert [(row["tenant_id"], row["site_id"]) for row in punches(bare_engine)] == [(ACME, "15")]
    assert all(row["resubmitted_at"] for row in rejected(bare_engine))


def test_a_string_of_one_tenant_is_none_of_another(bare_engine: Engine) -> None:
    for tenant_id in (ACME, "globex", 1):
        sites = [{"site_id": f"of {tenant_id}", **SITE}]
        sync_roster(bare_engine, a_roster(tenant_id, sites=sites))
    (outcome,) = submit(bare_engine, [punch(site_id="of globex")])
    assert codes(outcome.reasons) == [("unknown_site", "site_id")]
    (outcome,) = submit(bare_engine, [punch(tenant_id="1", site_id="of 1")])
    assert codes(outcome.reasons) == [("unknown_tenant", "tenant_id")]


def test_roster_rows_keep_ids_in_keys_references_and_statements(bare_engine: Engine) -> None:
    roster = a_roster(
        people=[{"person_id": "15", "name": "Ada"}, {"person_id": 15, "name": "Ben"}],
        devices=[{"device_id": "d", "shared": False, "person_id": "15"}],
        assignments=[{"person_id": "15", "site_id": "15"}, {"person_id": 15, "site_id": "15"}],
        shifts=[
            {
                "shift_id": "s",
                "person_id": "15",
                "site_id": 15,
                "starts_at": "2026-03-02T08:00:00Z",
                "ends_at": "2026-03-02T16:00:00Z",
                "substitutes": ["16", 15, "15"],
            }
        ],
    )
    assert sync_roster(bare_engine, roster).refused == []
    DIRECTORY.forget()
    (shift,) = rows(bare_engine, "SELECT person_id, site_id, substitutes FROM shift")
    assert shift == {"person_id": "15", "site_id": 15, "substitutes": [15, "15", "16"]}
    assert rows(bare_engine, "SELECT person_id FROM device_version") == [{"person_id": "15"}]
    again = sync_roster(bare_engine, roster)
    assert (again.refused, again.changes) == ([], ())
    # The owner stays while another field is said, laid from the statements that are stored.
    renamed = a_roster(devices=[{"device_id": "d", "shared": True}])
    assert sync_roster(bare_engine, renamed).refused == []
    owners = rows(bare_engine, "SELECT person_id, shared FROM device_version ORDER BY since")
    assert [(row["person_id"], row["shared"]) for row in owners] == [("15", False), ("15", True)]
    people = rows(bare_engine, "SELECT person_id, name FROM person")
    assert {(row["person_id"], row["name"]) for row in people} == {("15", "Ada"), (15, "Ben")}
    gone = a_roster(people=[{"person_id": "15", "deleted": True}])
    sync_roster(bare_engine, gone)
    left = rows(bare_engine, "SELECT person_id FROM person WHERE NOT deleted")
    assert [row["person_id"] for row in left] == [15]


def test_a_void_a_message_and_a_resubmission_find_their_tenant(bare_engine: Engine) -> None:
    sync_roster(bare_engine, a_roster())
    submit(bare_engine, [punch(), punch(punch_id="wrong", kind="nap")])
    assert void(bare_engine, ACME, "p-1", "entered twice").status == "accepted"
    message = {"type": "ticket_updated", "tenant_id": ACME, "site_id": "15", "message_id": "m"}
    said = publish(bare_engine, message | {"data": {}})
    assert (said.outcome.tenant_id, said.messages[0].site_id) == (ACME, "15")
    (row,) = [row for row in rejected(bare_engine) if row["punch_id"] == "wrong"]
    mended = punch(punch_id="wrong")
    assert resubmit(bare_engine, StringId(ACME), row["rejected_id"], mended).status == "accepted"
    other = resubmit(bare_engine, StringId(ACME), row["rejected_id"], mended | {"tenant_id": "x"})
    assert codes(other.reasons) == [("other_tenant", "tenant_id")]


def test_who_may_write_to_some_sites_may_not_write_to_those_of_the_same_digits(
    bare_engine: Engine,
) -> None:
    sync_roster(bare_engine, a_roster())
    by = Submitter("POST /api/v1/punches", "kiosk", frozenset([StringId("15")]))
    assert submit(bare_engine, [punch()], by=by)[0].status == "accepted"
    for moved in (punch(site_id=15), punch(punch_id="p-2", site_id=15)):
        try:
            submit(bare_engine, [moved], by=by)
        except OutsideSites:
            continue
        raise AssertionError("it was taken")


def test_a_large_batch_of_new_strings_costs_as_many_statements_as_a_small_one(
    bare_engine: Engine,
) -> None:
    sync_roster(bare_engine, a_roster())
    spent, again = [], []
    for size in (1, 500):
        batch = [punch(punch_id=f"{size}-{n}", person_id=f"{size}-{n}") for n in range(size)]
        with counted() as statements:
            submit(bare_engine, batch)
        spent.append(len(statements))
        later = [one | {"punch_id": f"again {one['punch_id']}"} for one in batch]
        with counted() as statements:
            submit(bare_engine, later)
        again.append(len(statements))
    assert len(set(spent)) == 1
    assert again == [1, 1]


def test_a_tenant_that_nobody_has_stored_is_not_stored_by_asking(bare_engine: Engine) -> None:
    assert find_tenant(bare_engine, StringId("nobody")).number is not None  # type: ignore[union-attr]
    assert texts(bare_engine) == []

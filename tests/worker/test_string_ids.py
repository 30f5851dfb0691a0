"""String ids through a judgement: what is found, said and explained has them as they came."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.alerts.move import Actor
from models.alerts.quiet_rows import add_quiet
from models.database import make_engine, transaction
from models.ids import Id, StringId
from models.numbering import find_tenant
from models.schemas.quiet import Silence
from models.string_ids.directory import DIRECTORY
from tests.models.intake.statements import counted
from tests.worker.cast import NOON, anomalies, feed, found, rows, waiting
from tests.worker.conftest import Heard
from worker.commands.explanation import explain
from worker.judging.judge import judge
from worker.judging.sweep import judge_moments
from worker.judging.turns import Turn, ask, begin, end

ACME, GLOBEX = "15", "globex"


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=8)
    for tenant_id in (ACME, GLOBEX, 15):
        sync(engine, tenant_id, tenant={"name": f"Company {tenant_id!r}"}, sites=SITES)
    yield engine
    engine.dispose()


ZONE = {"timezone": "Europe/Berlin"}
SITES = [{"site_id": 15, "name": "Depot", **ZONE}, {"site_id": "15", "name": "Office", **ZONE}]
PEOPLE = [{"person_id": 7, "name": "Ben"}, {"person_id": "7", "name": "Ada"}]


def sync(engine: Engine, tenant_id: Any = ACME, **roster: Any) -> None:
    tenant = {"tenant_id": tenant_id, **roster.pop("tenant", {})}
    assert intake.sync_roster(engine, {"tenant": tenant, **roster}).refused == []


def punch(punch_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "punch_id": punch_id,
        "tenant_id": ACME,
        "person_id": "7",
        "site_id": "15",
        "kind": "check_in",
        "occurred_at": NOON.isoformat(),
        **fields,
    }


def judged(engine: Engine, *punches: dict[str, Any], tenant_id: Any = ACME) -> Id:
    """Submit the punches, judge all that waits of the tenant, and return its id."""
    outcomes = intake.submit(engine, punches) if punches else []
    assert all(outcome.status == "accepted" for outcome in outcomes)
    tenant = find_tenant(engine, StringId(tenant_id) if isinstance(tenant_id, str) else tenant_id)
    DIRECTORY.forget()
    judge(engine, tenant, Heard())
    assert not waiting(engine, tenant)
    return tenant


def test_two_people_of_the_same_digits_at_one_site_are_two(engine: Engine) -> None:
    sync(engine, people=PEOPLE, assignments=[{"person_id": "7", "site_id": "15"}])
    tenant = judged(engine, punch("a"), punch("b", person_id=7))
    stands = anomalies(engine, tenant)
    assert stands == [("b", "UNAUTHORIZED_SITE", 7, "15", True)]
    (said,) = found(engine, tenant)
    assert (said["tenant_id"], said["person_id"], said["site_id"]) == (ACME, 7, "15")
    assert (said["person_name"], said["site_name"]) == ("Ben", "Office")
    # The same two at once on one phone: one of them carries both.
    at_once = {"device_id": "phone", "site_id": 15}
    judged(engine, punch("c", **at_once), punch("d", person_id=7, **at_once))
    told = {
        payload["punch_id"]: payload
        for payload in found(engine, tenant)
        if payload["anomaly_type"] == "BUDDY_PUNCHING"
    }
    assert {(one["person_id"], one["site_id"]) for one in told.values()} == {("7", 15), (7, 15)}
    assert "Ben" in told["c"]["explanation"]


def test_two_sites_of_the_same_digits_are_two_places_and_have_policies_of_their_own(
    engine: Engine,
) -> None:
    ever = {"correction": True}
    places = [
        {"site_id": 15, "latitude": 52.52, "longitude": 13.40, **ever},
        {
            "site_id": "15",
            **ever,
            "latitude": 48.14,
            "longitude": 11.58,
            "policy": {"gps_spoofing": "off"},
        },
    ]
    sync(engine, sites=places)
    spoofed = {"is_mock_location": True, "latitude": 52.52, "longitude": 13.40}
    tenant = judged(engine, punch("a", site_id=15, **spoofed), punch("b", person_id="8", **spoofed))
    assert {row[:4] for row in anomalies(engine, tenant)} == {
        ("a", "GPS_SPOOFING", "7", 15),
        ("b", "GEOFENCE_VIOLATION", "8", "15"),
    }
    sync(engine, sites=[{"site_id": "15", "policy": {"gps_spoofing": "on"}, "correction": True}])
    judged(engine)
    assert ("b", "GPS_SPOOFING", "8", "15", True) in anomalies(engine, tenant)


def test_a_tenant_of_the_same_digits_sees_nothing(engine: Engine) -> None:
    spoofed = {"is_mock_location": True}
    judged(engine, punch("a", **spoofed))
    tenant = judged(engine, punch("b", tenant_id=15, **spoofed), tenant_id=15)
    assert type(tenant) is int
    assert [one["punch_id"] for one in found(engine, tenant)] == ["b"]
    of_string = find_tenant(engine, StringId(ACME))
    assert [one["punch_id"] for one in found(engine, of_string)] == ["a"]
    assert feed(engine, find_tenant(engine, StringId(GLOBEX))) == []


def test_a_correction_elsewhere_withdraws_and_names_itself_and_the_reused_id_is_told(
    engine: Engine,
) -> None:
    early, late = (NOON + timedelta(minutes=minute) for minute in (1, 2))
    tenant = judged(engine, punch("a", is_mock_location=True, sent_at=early.isoformat()))
    judged(engine, punch("a", person_id=7, site_id=15, sent_at=late.isoformat()))
    assert anomalies(engine, tenant) == [("a", "GPS_SPOOFING", "7", "15", False)]
    (other_sites,) = rows(engine, "SELECT other_sites FROM withdrawal_trail")
    assert other_sites == ("15",)
    (notice,) = [one for one in found(engine, tenant) if one["type"] == "finding_created"]
    assert (notice["site_id"], notice["person_id"]) == ("15", "7")
    assert notice["other_person_id"] is None


def test_a_shift_of_strings_is_missed_and_its_substitute_attends_it(engine: Engine) -> None:
    start = NOON - timedelta(hours=2)
    shift = {
        "shift_id": "s",
        "person_id": "7",
        "site_id": "15",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=4)).isoformat(),
        "substitutes": [7, "8"],
    }
    other_day = punch("first", occurred_at=(NOON - timedelta(days=1)).isoformat(), person_id="9")
    sync(engine, people=[*PEOPLE, {"person_id": "8", "name": "Cem"}], shifts=[shift])
    tenant = judged(engine, other_day)
    judge_moments(engine, tenant, Heard())
    missed = "SELECT person_id, standing FROM anomaly WHERE shift_id = 's' AND tenant_id = %s"
    assert rows(engine, missed, tenant) == [("7", True)]
    judged(engine, punch("in", person_id="8", occurred_at=(start).isoformat()))
    assert rows(engine, missed, tenant) == [("7", False)]


def test_who_is_merged_by_strings_is_the_other_and_leave_of_a_string_covers_theirs(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    start = NOON - timedelta(hours=4)
    shifts = [
        {
            "shift_id": f"of {person_id!r}",
            "person_id": person_id,
            "site_id": "15",
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=4)).isoformat(),
        }
        for person_id in ("7", 7)
    ]
    sync(engine, people=[*PEOPLE, {"person_id": "old", "name": "Ada"}], shifts=shifts)
    before = (NOON - timedelta(days=1)).isoformat()
    tenant = judged(engine, punch("first", occurred_at=before, person_id="9"))
    judge_moments(engine, tenant, Heard())
    missed = """
        SELECT person_id FROM anomaly
        WHERE shift_id <> '' AND standing AND tenant_id = %s AND reason = 'no_show'
        ORDER BY shift_id
    """
    assert rows(engine, missed, tenant) == [("7",), (7,)]
    sync(engine, people=[{"person_id": "old", "merged_into": "7", "correction": True}])
    judged(engine, punch("in", person_id="old", occurred_at=start.isoformat()))
    assert rows(engine, missed, tenant) == [(7,)]
    said = "SELECT person_id, said_person_id FROM punch WHERE punch_id = 'in'"
    assert rows(engine, said) == [("7", "old")]
    explain(engine, tenant, "in")
    assert "the punch said person old: merged, it counts for person 7" in capsys.readouterr().out
    day = {"from": start.date().isoformat(), "to": NOON.date().isoformat()}
    sync(engine, absences=[{"absence_id": "l", "person_id": "7", **day}])
    judged(engine)
    assert rows(engine, missed, tenant) == [(7,)]
    sync(engine, absences=[{"absence_id": "l", "person_id": 7, **day}])
    judged(engine)
    assert rows(engine, missed, tenant) == []


def test_a_silence_of_a_site_and_a_person_hides_theirs_only(engine: Engine) -> None:
    tenant = find_tenant(engine, StringId(ACME))
    actor = Actor("olga", "operator", None)
    until = {"kind": "silence", "reason": "Works.", "ends_at": "2100-01-01T00:00:00Z"}
    silence = Silence.model_validate(until | {"sites": ["15"], "people": ["7", "unheard of"]})
    hours = {"ends_at": NOON + timedelta(days=4)}
    add_quiet(engine, tenant, actor, silence.model_copy(update=hours))
    spoofed = {"is_mock_location": True}
    judged(
        engine,
        punch("a", **spoofed),
        punch("b", person_id=7, **spoofed),
        punch("c", site_id=15, **spoofed),
    )
    alerts = rows(engine, "SELECT person_id, site_id, status FROM alert")
    assert set(alerts) == {("7", "15", "SUPPRESSED"), (7, "15", "NEW"), ("7", 15, "NEW")}


def test_to_look_ids_up_takes_as_many_statements_for_many_punches_as_for_one(
    engine: Engine,
) -> None:
    spent = []
    judged(engine, punch("before", person_id="before"))
    for size in (1, 300):
        many = [punch(f"{size}-{n}", person_id=f"{size}-{n}") for n in range(size)]
        intake.submit(engine, many)
        tenant = find_tenant(engine, StringId(ACME))
        DIRECTORY.forget()
        with counted() as statements:
            judge(engine, tenant, Heard())
        assert not waiting(engine, tenant)
        spent.append(sum("FROM string_id" in statement for statement in statements))
    assert spent[0] == spent[1] <= 3


def test_turns_are_the_tenants_and_not_those_of_the_same_digits(engine: Engine) -> None:
    tenants: list[Id] = [find_tenant(engine, StringId(ACME)), 15]
    turns = ask(engine, tenants)
    assert sorted(turn.tenant_id for turn in turns) == [15, ACME]
    first = next(turn for turn in turns if turn.tenant_id == ACME)
    assert begin(engine, Turn(15, first.task_id)) is None
    assert begin(engine, first) is False
    end(engine, first)
    assert rows(engine, "SELECT tenant_id FROM turn") == [(15,)]


def test_the_database_holds_numbers_only(engine: Engine) -> None:
    tenant = judged(engine, punch("a", is_mock_location=True))
    with transaction(engine) as cursor:
        sql = "SELECT person_id::text, site_id::text FROM anomaly WHERE tenant_id = %s"
        ((person, site),) = cursor.execute(sql, [tenant]).fetchall()
    assert int(person) < -(2**62)
    assert int(site) < -(2**62)

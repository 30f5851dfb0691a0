"""Time does to alerts what the policy of the tenant and of the site says.

It does so once, however many schedulers run.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

import worker.alerts.escalation
from models import intake
from models.alerts.quiet_rows import add_quiet, cancel_quiet
from models.database import transaction
from models.schemas.quiet import Planned, Silence
from tests.models.alerts.cast import OPERATOR, move, trail
from tests.payloads import alert_payload
from tests.worker.cast import NOON, feed, imposter, punch, roster, rows
from tests.worker.conftest import Heard
from worker.alerts.escalation import BATCH, keep_alerts, tenants_due
from worker.judging.judge import judge

MOMENTS = ("escalates_at", "relapses_at", "quiet_until", "created_at")


def policy(engine: Engine, **keys: Any) -> None:
    tenant = {"tenant_id": 1, "policy": keys, "correction": True}
    intake.sync_roster(engine, {"tenant": tenant})


def alert(engine: Engine, heard: Heard, name: str = "p", **fields: Any) -> UUID:
    """Have an imposter at site 15 judged, and return the id of the alert, which is CRITICAL."""
    intake.submit(engine, [imposter(name, **fields)])
    judge(engine, 1, heard)
    sql = "SELECT alert_id FROM alert WHERE person_id = %s"
    ((alert_id,),) = rows(engine, sql, fields.get("person_id", 1))
    assert isinstance(alert_id, UUID)
    return alert_id


def pass_time(engine: Engine, minutes: float) -> None:
    """Bring every moment in the rows nearer by so much."""
    changes = ", ".join(f"{moment} = {moment} - %(by)s" for moment in MOMENTS)
    with transaction(engine) as cursor:
        cursor.execute(f"UPDATE alert SET {changes}", {"by": timedelta(minutes=minutes)})
        cursor.execute(
            "UPDATE quiet SET ends_at = ends_at - %(by)s, starts_at = starts_at - %(by)s",
            {"by": timedelta(minutes=minutes)},
        )


def keep(engine: Engine, heard: Heard) -> None:
    with transaction(engine) as cursor:
        tenants = tenants_due(cursor)
    for tenant_id in tenants:
        keep_alerts(engine, tenant_id, heard)


def state(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(engine, "SELECT status, escalation_step, escalated_to FROM alert ORDER BY alert_id")


@pytest.mark.parametrize(
    ("severity", "minutes"), [("CRITICAL", 15), ("HIGH", 30), ("MEDIUM", 60), ("LOW", 120)]
)
def test_one_that_nobody_acknowledges_escalates_after_its_severitys_time(
    engine: Engine, heard: Heard, severity: str, minutes: int
) -> None:
    policy(engine, face_is_another_person_severity=severity)
    alert_id = alert(engine, heard)
    pass_time(engine, minutes - 1)
    keep(engine, heard)
    assert state(engine) == [("NEW", 0, None)]
    pass_time(engine, 1)
    keep(engine, heard)
    assert state(engine) == [("ESCALATED", 1, "admin")]
    payload = alert_payload(feed(engine)[-1])
    assert (payload.type, payload.status, payload.alert_id) == (
        "alert_updated",
        "ESCALATED",
        alert_id,
    )
    assert heard.messages[-1].event == "alert_updated"
    assert trail(engine, alert_id)[-1] == (
        "escalate",
        "system",
        "NEW",
        "ESCALATED",
        "Nobody acknowledged it; admin is asked.",
        0,
    )


def test_a_chain_is_climbed_step_by_step_and_no_further(engine: Engine, heard: Heard) -> None:
    chain = [
        {"role": f"role {step}", **({"after_minutes": 5} if step else {})} for step in range(5)
    ]
    policy(engine, escalation_chain=chain)
    alert_id = alert(engine, heard)
    for step, minutes in enumerate((15, 5, 5, 5, 5), 1):
        pass_time(engine, minutes)
        keep(engine, heard)
        assert state(engine) == [("ESCALATED", step, f"role {step - 1}")]
    pass_time(engine, 10_000)
    keep(engine, heard)
    assert len(trail(engine, alert_id)) == 6


def test_a_sites_policy_goes_before_its_tenants(engine: Engine, heard: Heard) -> None:
    policy(engine, escalate_critical_minutes=60)
    site = {
        "site_id": 16,
        "name": "Site 16",
        "timezone": "Europe/Berlin",
        "policy": {"escalate_critical_minutes": 5},
    }
    intake.sync_roster(engine, {"tenant": roster(1)["tenant"], "sites": [site]})
    alert(engine, heard, "p", site_id=15)
    alert(
        engine,
        heard,
        "q",
        site_id=16,
        person_id=3,
        occurred_at=(NOON + timedelta(hours=9)).isoformat(),
    )
    pass_time(engine, 6)
    keep(engine, heard)
    assert [row[0] for row in state(engine)] == ["NEW", "ESCALATED"]


def test_a_turn_of_upkeep_ends_with_its_time_and_the_next_goes_on(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = worker.alerts.escalation._DUE.replace(f"LIMIT {BATCH}", "LIMIT 2")
    monkeypatch.setattr(worker.alerts.escalation, "_DUE", small)
    monkeypatch.setattr(worker.alerts.escalation, "BATCH", 2)
    for number in range(3, 8):
        alert(engine, heard, f"p{number}", person_id=number)
    pass_time(engine, 15)
    left: list[int] = []
    for _ in range(3):
        left.append(keep_alerts(engine, 1, heard, seconds=0))
        left.append([status for status, *_ in state(engine)].count("NEW"))
    assert left == [True, 3, True, 1, False, 0]


def test_two_beats_at_once_escalate_once(engine: Engine, heard: Heard) -> None:
    for number in range(3, 20):
        alert(engine, heard, f"p{number}", person_id=number)
    pass_time(engine, 15)
    said = len(feed(engine))
    ready = threading.Barrier(4)

    def beat() -> None:
        ready.wait()
        keep_alerts(engine, 1, heard)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(beat) for _ in range(4)]:
            done.result()
    assert {row[:2] for row in state(engine)} == {("ESCALATED", 1)}
    assert len(feed(engine)) == said + 17


def test_one_that_was_acknowledged_does_not_escalate(engine: Engine, heard: Heard) -> None:
    move(engine, alert(engine, heard), "acknowledge")
    pass_time(engine, 10_000)
    keep(engine, heard)
    assert state(engine) == [("ACKNOWLEDGED", 0, None)]


def test_one_without_progress_falls_back_to_new_where_the_policy_says_so(
    engine: Engine, heard: Heard
) -> None:
    policy(engine, relapse_minutes=30)
    alert_id = alert(engine, heard)
    move(engine, alert_id, "assign", assignee="Bob")
    pass_time(engine, 29)
    move(engine, alert_id, "note", note="Still at it.")
    pass_time(engine, 29)
    keep(engine, heard)
    assert state(engine)[0][0] == "ASSIGNED"
    pass_time(engine, 1)
    keep(engine, heard)
    assert state(engine) == [("NEW", 0, None)]
    assert rows(engine, "SELECT assigned_to FROM alert") == [(None,)]
    pass_time(engine, 15)
    keep(engine, heard)
    assert state(engine) == [("ESCALATED", 1, "admin")]


def test_at_the_end_of_a_silence_what_still_stands_is_raised(engine: Engine, heard: Heard) -> None:
    ends_at = (datetime.now(UTC) + timedelta(minutes=60)).isoformat()
    add_quiet(
        engine,
        1,
        OPERATOR,
        Silence.model_validate({"kind": "silence", "reason": "Works.", "ends_at": ends_at}),
    )
    alert_id = alert(engine, heard)
    pass_time(engine, 59)
    keep(engine, heard)
    assert state(engine)[0][0] == "SUPPRESSED"
    pass_time(engine, 1)
    keep(engine, heard)
    assert state(engine)[0][0] == "NEW"
    assert trail(engine, alert_id)[-1] == (
        "raise",
        "system",
        "SUPPRESSED",
        "NEW",
        "It stands still at the end of quiet: Works.",
        0,
    )
    assert heard.messages[-1].event == "alert_updated"
    assert rows(engine, "SELECT quiet_id, quiet_until, escalates_at IS NULL FROM alert") == [
        (None, None, False)
    ]


def test_at_the_end_of_one_silence_another_goes_on_hiding(engine: Engine, heard: Heard) -> None:
    start = datetime.now(UTC)
    ends_at = (start + timedelta(minutes=10)).isoformat()
    add_quiet(
        engine,
        1,
        OPERATOR,
        Silence.model_validate({"kind": "silence", "reason": "First.", "ends_at": ends_at}),
    )
    planned = {
        "starts_at": (start + timedelta(minutes=5)).isoformat(),
        "ends_at": (start + timedelta(minutes=30)).isoformat(),
    }
    add_quiet(
        engine,
        1,
        OPERATOR,
        Planned.model_validate({"kind": "maintenance", "reason": "Second.", **planned}),
    )
    alert(engine, heard)
    pass_time(engine, 10)
    keep(engine, heard)
    assert rows(engine, "SELECT status, quiet_reason FROM alert") == [("SUPPRESSED", "Second.")]
    pass_time(engine, 20)
    keep(engine, heard)
    assert rows(engine, "SELECT status, quiet_reason FROM alert") == [("NEW", None)]


def test_a_silence_that_is_ended_early_raises_what_it_hid(engine: Engine, heard: Heard) -> None:
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    quiet_id = add_quiet(
        engine,
        1,
        OPERATOR,
        Silence.model_validate({"kind": "silence", "reason": "Works.", "ends_at": ends_at}),
    )
    alert(engine, heard)
    cancel_quiet(engine, 1, OPERATOR, quiet_id)
    keep(engine, heard)
    assert state(engine)[0][0] == "NEW"


def test_what_was_withdrawn_meanwhile_is_not_raised(engine: Engine, heard: Heard) -> None:
    ends_at = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    add_quiet(
        engine,
        1,
        OPERATOR,
        Silence.model_validate({"kind": "silence", "reason": "Works.", "ends_at": ends_at}),
    )
    alert(engine, heard)
    intake.submit(engine, [punch("p")])
    judge(engine, 1, heard)
    said = len(feed(engine))
    pass_time(engine, 10)
    keep(engine, heard)
    assert (state(engine)[0][0], len(feed(engine))) == ("RESOLVED", said)

"""Every state, move and role: what the table allows is recorded and said, all else does nothing."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from models.alerts.move import Actor, WantedMove, make_moves
from models.alerts.moves import MOVES, SYSTEM, operator_moves
from models.database import transaction
from models.vocabulary import ALERT_STATES, OPEN, ROLES
from tests.models.alerts.cast import OPERATOR, move, open_alert, trail
from tests.payloads import alert_payload

# Written down a second time on purpose: what an operator may do with an alert in each state.
ALLOWED = {
    "NEW": {
        "acknowledge": "ACKNOWLEDGED",
        "assign": "ASSIGNED",
        "escalate": "ESCALATED",
        "resolve": "RESOLVED",
        "note": "NEW",
    },
    "ACKNOWLEDGED": {
        "assign": "ASSIGNED",
        "escalate": "ESCALATED",
        "resolve": "RESOLVED",
        "note": "ACKNOWLEDGED",
    },
    "ASSIGNED": {
        "assign": "ASSIGNED",
        "escalate": "ESCALATED",
        "resolve": "RESOLVED",
        "note": "ASSIGNED",
    },
    "ESCALATED": {
        "acknowledge": "ACKNOWLEDGED",
        "assign": "ASSIGNED",
        "escalate": "ESCALATED",
        "resolve": "RESOLVED",
        "note": "ESCALATED",
    },
    "SUPPRESSED": {"resolve": "RESOLVED", "note": "SUPPRESSED"},
    "RESOLVED": {"note": "RESOLVED"},
}


def said(engine: Engine, tenant_id: int = 1) -> list[dict[str, Any]]:
    """Return the payloads of the tenant's feed."""
    with transaction(engine) as cursor:
        messages = cursor.execute(
            "SELECT position, body FROM message WHERE tenant_id = %s ORDER BY position",
            (tenant_id,),
        )
        return [orjson.loads(body) | {"position": position} for position, body in messages]


def expected(status: str, name: str, role: str) -> str:
    """Return the status that the move leads to, or the code of the refusal."""
    if name not in operator_moves() or role not in ("operator", "admin"):
        return "forbidden"
    return ALLOWED[status].get(name, "conflict")


def test_all_states_moves_and_roles_as_the_table_says(engine: Engine) -> None:
    cases = list(product(ALERT_STATES, MOVES, ROLES))
    ids = [
        open_alert(engine, status=status, person_id=number)
        for number, (status, _, _) in enumerate(cases, 1)
    ]
    for alert_id, (status, name, role) in zip(ids, cases, strict=True):
        before = len(trail(engine, alert_id)), len(said(engine))
        moved = move(
            engine, alert_id, name, Actor("somebody", role, None), note="Why.", assignee="Bob"
        )
        outcome = moved.refused.code if moved.refused else moved.alert and moved.alert["status"]
        assert outcome == expected(status, name, role), (status, name, role)
        added = 0 if moved.refused else 1
        assert (len(trail(engine, alert_id)), len(said(engine))) == (
            before[0] + added,
            before[1] + added,
        )
        assert moved.alert
        if moved.refused:
            assert (moved.alert["status"], moved.alert["version"]) == (status, 1)
        else:
            assert trail(engine, alert_id)[-1][:4] == (name, "somebody", status, outcome)
            payload = alert_payload(said(engine)[-1])
            assert (payload.type, payload.alert_id, payload.status) == (
                "alert_updated",
                alert_id,
                outcome,
            )


def test_what_the_system_alone_does_nobody_can_claim_by_name(engine: Engine) -> None:
    """`system` is no role of a token, and makes no move that is for people."""
    assert SYSTEM not in ROLES
    assert {name for name, rule in MOVES.items() if SYSTEM in rule.roles} == {
        "escalate",
        "resolve",
        "relapse",
        "suppress",
        "raise",
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("assign", {}), ("assign", {"note": "x"}), ("note", {}), ("note", {"note": ""})],
)
def test_a_move_without_what_it_needs_is_invalid(
    engine: Engine, name: str, arguments: dict[str, Any]
) -> None:
    refused = move(engine, open_alert(engine), name, **arguments).refused
    assert refused
    assert refused.code == "invalid"


def test_of_two_operators_at_once_one_wins_and_the_other_sees_what_they_did(engine: Engine) -> None:
    alert_id = open_alert(engine)
    ready = threading.Barrier(8)

    def acknowledge(name: str) -> str | None:
        ready.wait()
        moved = move(engine, alert_id, "acknowledge", Actor(name, "operator", None))
        assert moved.alert
        assert moved.alert["status"] == "ACKNOWLEDGED"
        return moved.refused.code if moved.refused else None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(acknowledge, [f"operator {number}" for number in range(8)]))
    assert Counter(outcomes) == {None: 1, "conflict": 7}
    assert [line[0] for line in trail(engine, alert_id)] == ["create", "acknowledge"]


def test_a_move_that_names_the_version_it_saw_loses_to_any_change_since(engine: Engine) -> None:
    alert_id = open_alert(engine)
    assert move(engine, alert_id, "assign", assignee="Ann", version=1).refused is None
    lost = move(engine, alert_id, "assign", assignee="Bob", version=1)
    assert lost.refused
    assert lost.alert
    assert (lost.refused.code, lost.alert["assigned_to"], lost.alert["version"]) == (
        "conflict",
        "Ann",
        2,
    )
    assert move(engine, alert_id, "assign", assignee="Bob", version=2).refused is None


def test_sites_and_tenant_of_a_token_bound_what_it_may_move(engine: Engine) -> None:
    at_site_15, at_site_16 = open_alert(engine, site_id=15), open_alert(engine, site_id=16)
    of_globex = open_alert(engine, tenant_id=2)
    at_15 = Actor("olga", "operator", frozenset({15}))
    assert move(engine, at_site_15, "acknowledge", at_15).refused is None
    for alert_id in (at_site_16, of_globex):
        moved = move(engine, alert_id, "acknowledge", at_15)
        assert moved.refused
        assert (moved.refused.code, moved.alert) == ("not_found", None)
    assert move(engine, of_globex, "acknowledge", tenant_id=2).refused is None


def test_times_to_acknowledge_and_to_resolve_are_kept(engine: Engine) -> None:
    alert_id = open_alert(engine)
    for name, keeps in (
        ("acknowledge", "seconds_to_acknowledge"),
        ("resolve", "seconds_to_resolve"),
    ):
        alert = move(engine, alert_id, name).alert
        assert alert
        assert alert[keeps] >= 0
    assert alert
    assert alert["acknowledged_at"] <= alert["resolved_at"]


def test_many_are_moved_together_and_each_has_its_own_outcome(engine: Engine) -> None:
    good = [open_alert(engine, person_id=number) for number in range(1, 6)]
    done = open_alert(engine, person_id=9, status="RESOLVED")
    wanted = [
        WantedMove(alert_id, "acknowledge")
        for alert_id in (*good, done, good[0], open_alert(engine, tenant_id=2))
    ]
    outcomes, said = make_moves(engine, 1, OPERATOR, wanted)
    assert [moved.refused.code if moved.refused else "ok" for moved in outcomes] == [
        *["ok"] * 5,
        "conflict",
        "invalid",
        "not_found",
    ]
    assert len(said.messages) == 5


def test_open_is_whatever_is_not_resolved() -> None:
    assert set(OPEN) == set(ALERT_STATES) - {"RESOLVED"}

"""The measure itself: whatever a healthy viewer must not see is noticed."""

from typing import Any

import pytest

from tests.abuse.healthy import Waits, faults_of_messages, healthy_viewer
from tests.abuse.installation import Installation
from tests.abuse.size import SIZE
from tests.chaos.ledger import Ledger

ACME, GLOBEX = 1, 2
Heard = list[tuple[str, dict[str, Any]]]


def said(position: int, tenant_id: int = ACME) -> tuple[str, dict[str, Any]]:
    return "anomaly_detected", {"position": position, "tenant_id": tenant_id}


def ledger_of(heard: Heard) -> Ledger:
    """Return the ledger of a viewer that was let in at position 4, and then heard this."""
    ledger = Ledger()
    ledger.connected(None)
    ledger.heard("snapshot", {"position": 4})
    for event, payload in heard:
        ledger.heard(event, payload)
    return ledger


def test_what_is_owed_once_and_in_order_is_no_fault() -> None:
    assert list(faults_of_messages(ledger_of([said(5), said(6)]), ACME, head=6)) == []


@pytest.mark.parametrize(
    "heard",
    [
        [said(5)],
        [said(6)],
        [said(6), said(5)],
        [said(5), said(5), said(6)],
        [said(5), said(6), said(7)],
        [said(5), said(6, GLOBEX)],
        [said(5), said(6), ("resync", {"reason": "slow_viewer"})],
        [said(5), said(6), ("snapshot", {"position": 6})],
    ],
    ids=["end", "gap", "order", "twice", "more", "another's", "resync", "snapshot"],
)
def test_anything_else_is_a_fault(heard: Heard) -> None:
    assert list(faults_of_messages(ledger_of(heard), ACME, head=6))


def test_a_second_connection_is_a_fault() -> None:
    ledger = ledger_of([said(5), said(6)])
    ledger.connected(None)
    assert list(faults_of_messages(ledger, ACME, head=6)) == ["connected 2 times"]


def test_late_and_missing_punches_are_told_apart() -> None:
    waits = Waits({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.2, "b": 3.0})
    assert waits.missing() == {"c"}
    assert waits.later_than(1.0) == [2.0]
    assert waits.later_than(2.0) == []


def test_a_viewer_whom_nobody_disturbs_gets_every_message_in_time(
    installation: Installation,
) -> None:
    with healthy_viewer(installation) as viewer:
        viewer.go_on()
    assert len(viewer.waits.heard) > SIZE.calm_punches + SIZE.punches_after

"""The desks act by the real moment alone."""

from datetime import UTC, datetime, timedelta

from dev.demo.companies import companies
from dev.demo.desks import actions

ACME = companies(0)[0]
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)


def test_actions_do_not_depend_on_how_often_one_looks() -> None:
    in_one_go = actions(ACME, NOON, NOON + timedelta(hours=3))
    by_the_second = [
        action
        for n in range(3 * 360)
        for action in actions(
            ACME, NOON + timedelta(seconds=10 * n), NOON + timedelta(seconds=10 * (n + 1))
        )
    ]
    assert in_one_go == by_the_second


def test_a_shift_is_synced_when_it_already_is_a_no_show() -> None:
    for action in actions(ACME, NOON, NOON + timedelta(hours=1)):
        if action.task == "roster.sync":
            starts_at = datetime.fromisoformat(action.content["shifts"][0]["starts_at"])
            assert timedelta(minutes=30) < action.at - starts_at < timedelta(minutes=32)


def test_nobody_has_two_shifts_or_stays_at_once() -> None:
    busy_until: dict[int, datetime] = {}
    for action in actions(ACME, NOON, NOON + timedelta(days=2)):
        for shift in action.content.get("shifts", []):
            starts_at = datetime.fromisoformat(shift["starts_at"])
            assert busy_until.get(shift["person_id"], starts_at) <= starts_at
            busy_until[shift["person_id"]] = datetime.fromisoformat(shift["ends_at"])


def test_nothing_is_dated_ahead() -> None:
    for action in actions(ACME, NOON, NOON + timedelta(days=1)):
        assert (
            action.task == "roster.sync"
            or datetime.fromisoformat(action.content["occurred_at"]) <= action.at
        )

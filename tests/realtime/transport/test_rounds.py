"""Everybody is due once, in time, whatever the clock did meanwhile."""

import time

import pytest

from realtime.transport.rounds import TICK_SECONDS, Rounds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_each_is_due_once_and_not_too_early(clock: list[float]) -> None:
    rounds: Rounds[str] = Rounds()
    rounds.add("soon", 1)
    rounds.add("later", 5)
    seen: dict[str, float] = {}
    while clock[0] < 1010:
        clock[0] += TICK_SECONDS / 3
        for name in rounds.due():
            assert name not in seen
            seen[name] = clock[0] - 1000
    assert 1 <= seen["soon"] <= 1 + 2 * TICK_SECONDS + 0.01
    assert 5 <= seen["later"] <= 5 + 2 * TICK_SECONDS + 0.01


def test_nobody_is_forgotten_by_a_process_that_was_stopped(clock: list[float]) -> None:
    rounds: Rounds[int] = Rounds()
    for number in range(100):
        rounds.add(number, number / 7)
    clock[0] += 60
    assert sorted(rounds.due()) == list(range(100))
    assert rounds.due() == []


def test_what_is_due_at_once_is_due_at_the_next_look_but_one(clock: list[float]) -> None:
    rounds: Rounds[str] = Rounds()
    rounds.add("now", 0)
    clock[0] += 2 * TICK_SECONDS
    assert rounds.due() == ["now"]

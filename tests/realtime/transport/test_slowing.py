"""An address whose tokens are refused over and over is slowed down; others are not."""

import asyncio
from typing import Any

import pytest

from realtime.transport import slowing
from realtime.transport.slowing import MOST_ADDRESSES, Slowing

pytestmark = pytest.mark.unit


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that are waited, on a clock that stands still."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    class Clock:
        monotonic = staticmethod(lambda: 1_000.0)

    fake: Any = type("asyncio", (), {"sleep": staticmethod(note)})
    monkeypatch.setattr(slowing, "asyncio", fake)
    monkeypatch.setattr(slowing, "time", Clock)
    return waits


def refuse(slow: Slowing, address: str, times: int) -> list[bool]:
    async def all_of_them() -> list[bool]:
        return [await slow.wait(address) for _ in range(times)]

    return asyncio.run(all_of_them())


def test_forty_are_answered_at_once_and_then_twenty_a_second(waits: list[float]) -> None:
    slow = Slowing()
    assert all(refuse(slow, "a", 40))
    assert waits == []
    assert all(refuse(slow, "a", 20))
    assert waits[-1] == pytest.approx(1.0)


def test_nobody_waits_longer_than_ten_seconds(waits: list[float]) -> None:
    slow = Slowing()
    answers = refuse(slow, "a", 600)
    assert answers == [True] * 240 + [False] * 360
    assert max(waits) == pytest.approx(10.0)


def test_other_addresses_do_not_wait(waits: list[float]) -> None:
    slow = Slowing()
    refuse(slow, "a", 600)
    waits.clear()
    assert all(refuse(slow, "b", 40))
    assert waits == []


def test_so_many_addresses_are_remembered(waits: list[float]) -> None:
    slow = Slowing()
    for number in range(MOST_ADDRESSES + 5):
        slow._seconds_until_next(str(number), 1_000.0)
    assert len(slow._spent) == MOST_ADDRESSES
    assert "0" not in slow._spent

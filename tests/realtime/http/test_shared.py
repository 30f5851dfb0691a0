"""What is costly to find out is found out once, however many ask."""

import asyncio

import pytest

from realtime.http.shared import Shared


class Question:
    """Answered when `allow` is called; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._allowed = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        await self._allowed.wait()
        if self.fails:
            raise OSError("no answer")
        return self.asked

    def allow(self) -> None:
        self._allowed.set()


async def test_a_crowd_that_asks_at_once_is_answered_by_one_look() -> None:
    question = Question()
    shared = Shared(question, seconds=3600)
    crowd = [asyncio.create_task(shared()) for _ in range(1000)]
    await asyncio.sleep(0)
    question.allow()
    assert set(await asyncio.gather(*crowd)) == {1}
    assert await shared() == 1
    assert question.asked == 1


async def test_what_is_old_is_found_out_anew() -> None:
    question = Question()
    question.allow()
    shared = Shared(question, seconds=0)
    assert [await shared(), await shared()] == [1, 2]


async def test_a_failure_is_everybodys_and_believed_as_long() -> None:
    question = Question()
    question.fails = True
    question.allow()
    shared = Shared(question, seconds=3600)
    for _ in range(2):
        with pytest.raises(OSError, match="no answer"):
            await shared()
    assert question.asked == 1


async def test_one_that_stops_waiting_stops_it_for_nobody() -> None:
    question = Question()
    shared = Shared(question, seconds=3600)
    patient, hasty = asyncio.create_task(shared()), asyncio.create_task(shared())
    await asyncio.sleep(0)
    hasty.cancel()
    question.allow()
    assert await patient == 1

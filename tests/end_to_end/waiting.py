"""Waits for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(condition: Callable[[], Answer], what: str, *, seconds: float = 60) -> Answer:
    """Return what `condition` returns, as soon as that is true in a boolean sense. Raises
    AssertionError, with `what` was waited for, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return answer

"""Ending tasks that run for ever."""

import asyncio
from typing import Any

CANCEL_AGAIN_SECONDS = 0.2


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks again and again until they have ended.

    redis-py and Python 3.11's wait_for may swallow a cancellation that comes at a bad moment.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)

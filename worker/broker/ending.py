"""Have a process of the pool end soon.

It waits until the main process has read its results, by default for half a minute. A Celery that
stops forgets the task which it handed over a moment ago, and does not read its outcome: that wait
is for nothing. The broker brings the task again, which changes nothing.
"""

from typing import Any

from billiard import pool


def end_soon(**_: Any) -> None:
    """Let the pool's processes wait for two seconds at most. Call this before they are made."""
    end_within(2.0)


def end_within(seconds: float) -> None:
    """Let the pool's processes wait for so long at most."""
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(
        seconds / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    )

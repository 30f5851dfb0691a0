"""How a process of the pool ends: it waits for all that it has said to be read by the main process, half a minute unless told otherwise.

Celery that stops forgets a task which it handed over a moment ago, and does not read what becomes of it: that wait is for nothing.
The broker brings the task again, and it changes nothing.
"""

from billiard import pool


def end_within(seconds: float) -> None:
    """In the main process, before it makes the others."""
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(seconds / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL)

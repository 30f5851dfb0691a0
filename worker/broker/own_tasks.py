"""A worker has its own tasks only.

Celery brings some that run other tasks, which a message names.
"""

from typing import Any

from celery import Celery


def leave_out_others(sender: Celery, **_: Any) -> None:
    """Unregister the tasks that Celery brings. Called once the app has them all."""
    for name in [name for name in sender.tasks if name.startswith("celery.")]:
        sender.tasks.unregister(name)

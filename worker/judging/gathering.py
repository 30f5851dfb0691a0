"""Judging together what comes singly: at once while it is calm; while more tasks wait in the queue,
what they bring as well.

What was left for a moment is judged by a task of its own, under the limits of every task. What a
process that is killed has left is the sweep's, as after any crash.
"""

import threading
import time
from collections.abc import Callable, Collection

# Punches are left for about as long as what waits takes to be stored; and for well below the second
# after which the sweep takes them for left behind.
_SECONDS_A_TASK = 0.002
_MOST = 0.5
_MANY = 10  # tasks in the queue
_GOOD_FOR = 0.1  # seconds, of an answer of the broker


class Gathering:
    """What one process has stored and left. `backlog` tells how many tasks wait."""

    def __init__(self, backlog: Callable[[], int]) -> None:
        self._backlog = backlog
        self._lock = threading.Lock()
        self._tenants: set[int] = set()
        self._asked = -_GOOD_FOR
        self._waiting = 0

    def seconds(self) -> float:
        """For how long to leave what a task brought, 0 while it is calm."""
        with self._lock:
            # What comes while some are left is judged with them, whatever the broker says by now:
            # asking costs what storing does.
            if not self._tenants and time.monotonic() - self._asked >= _GOOD_FOR:
                self._waiting = self._backlog()
                self._asked = time.monotonic()
            return min(self._waiting * _SECONDS_A_TASK, _MOST) if self._waiting >= _MANY else 0.0

    def leave(
        self, tenants: Collection[int], seconds: float, judge: Callable[[Collection[int]], None]
    ) -> None:
        """Have the tenants judged that much later, or earlier, together with what else is left
        until then. `judge` must not raise.
        """
        with self._lock:
            is_set = bool(self._tenants)
            self._tenants.update(tenants)
            if not self._tenants or is_set:
                return
        timer = threading.Timer(seconds, lambda: judge(self.take()))
        timer.daemon = True  # a process that ends takes what is left itself
        timer.start()

    def take(self) -> set[int]:
        """The tenants that were left, and are not any more."""
        with self._lock:
            tenants, self._tenants = self._tenants, set()
        return tenants

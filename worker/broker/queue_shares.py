"""Which of its queues a worker looks into first.

kombu takes a message of each queue in turn. But a tenant's turn at judging takes as long as it
takes to store a hundred punches: one punch would be stored for each turn that is taken.
"""

from collections.abc import Callable
from time import monotonic

from kombu.utils.scheduling import round_robin_cycle

from models.broker import UPKEEP_QUEUE

# More than a turn at judging takes. Retention may take minutes, and owes no more than this for it.
MOST_OWED_SECONDS = 1.0


class QueueShares(round_robin_cycle):
    """The queues of a channel that takes messages, in the order in which it is to look into them.

    They take turns, a message of each. But for as long as a task of upkeep took, the worker then
    owes its time to what is submitted: that comes first until as much was spent on it, or nothing
    of it waits. So punches that came meanwhile do not wait for another turn, and neither queue
    waits for the other for longer than it takes itself.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]  # kombu's
        self._clock = clock
        self._owed_seconds = 0.0
        self._owed_since = 0.0

    def consume(self, n: int) -> list[str]:
        """Return `n` of the queues, that first which is to be looked into first."""
        queues: list[str] = self.items[:n]
        if self._owed_seconds > 0:
            queues.sort(key=lambda queue: queue == UPKEEP_QUEUE)
        return queues

    def rotate(self, last_used: str) -> str:
        """Note that a message of the queue was taken."""
        if last_used == UPKEEP_QUEUE:  # nothing was owed, or nothing else waits
            self._owed_seconds = 0.0
        super().rotate(last_used)  # type: ignore[no-untyped-call]  # kombu's
        return last_used

    def spend(self, queue: str, seconds: float) -> None:
        """Note that a task of the queue took a process for so many seconds, and has ended."""
        now = self._clock()
        if queue == UPKEEP_QUEUE:
            if self._owed_seconds <= 0:
                self._owed_since = now
            self._owed_seconds = min(self._owed_seconds + seconds, MOST_OWED_SECONDS)
        elif now - seconds >= self._owed_since:  # it was taken because of what is owed
            self._owed_seconds = max(0.0, self._owed_seconds - seconds)

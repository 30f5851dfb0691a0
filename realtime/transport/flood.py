"""How many packets a client may send: so many a second, in bursts of twice as many; one that goes
on regardless is cut off.
"""

import time

# After this many packets refused without a pause the connection ends.
PATIENCE = 3


class Bucket:
    __slots__ = ("_burst", "_rate", "_refused", "_seen_at", "_tokens")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(2 * rate, 5.0)
        self._tokens = self._burst
        self._seen_at = time.monotonic()
        self._refused = 0.0

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = time.monotonic()
        earned = (now - self._seen_at) * self._rate
        self._seen_at = now
        self._tokens = min(self._burst, self._tokens + earned)
        self._refused = max(0.0, self._refused - earned)
        if self._tokens < 1:
            self._refused += 1
            return False
        self._tokens -= 1
        return True

    def exhausted(self) -> bool:
        return self._refused >= PATIENCE * self._burst

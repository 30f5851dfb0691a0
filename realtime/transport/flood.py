"""How many packets a client may send: so many a second, in bursts of twice as many.

A client that goes on regardless is cut off.
"""

import time

# After this many bursts of refused packets, without a pause, the connection ends.
REFUSED_BURSTS = 3


class Bucket:
    """A token bucket of one client: each packet takes a token, and `rate` come back a second."""

    __slots__ = ("_burst", "_rate", "_refused", "_seen_at", "_tokens")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(2 * rate, 5.0)
        self._tokens = self._burst
        self._seen_at = time.monotonic()
        self._refused = 0.0

    def take(self) -> bool:
        """Return whether one more packet may pass now."""
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
        """Return whether the client is to be cut off."""
        return self._refused >= REFUSED_BURSTS * self._burst

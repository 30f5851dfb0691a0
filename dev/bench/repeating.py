"""Repeats something in the background while a `with` block runs, and raises its first error at the
end.
"""

import threading
import time
from collections.abc import Callable


class Repeating:
    """Calls `action` every `interval` seconds, on a steady grid."""

    def __init__(self, action: Callable[[], object], interval: float) -> None:
        self._action, self._interval = action, interval
        self._over = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Repeating":
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._over.wait(max(0.0, due - time.monotonic())):
                self._action()
                due += self._interval
        except Exception as error:
            self._error = error

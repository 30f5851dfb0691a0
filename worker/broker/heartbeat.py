"""A file whose age tells whether a worker, or beat, is at work.

A probe looks at it without starting a Python. The main loop itself touches it, never a thread,
which would go on when the loop hangs.
"""

import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import structlog
from celery import bootsteps
from celery.worker.consumer.tasks import Tasks

from models.settings import load_settings

HEARTBEAT_NOT_WRITTEN = "heartbeat_not_written"
SECONDS_BETWEEN_BEATS = 2.0

log = structlog.get_logger(__name__)


class Heartbeat:
    """The file at `path`, or nothing where that is empty.

    What an earlier process left there is removed. Raises SystemExit where it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._file = Path(path) if path else None
        if self._file:
            _begin(self._file)

    def touch(self) -> None:
        """Make the file new. One that cannot be written grows old, and ends no loop."""
        try:
            if self._file:
                self._file.touch()
        except OSError as error:
            log.warning(HEARTBEAT_NOT_WRITTEN, exc_info=error)


def _begin(file: Path) -> None:
    """Remove the file. Raises SystemExit with one clear line where it cannot be written.

    Another file shows whether it can: touched, this one would say for an instant that all is well.
    """
    try:
        file.unlink(missing_ok=True)
        with TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        print(
            f"rollcall: HEARTBEAT_FILE {file} cannot be written: {error.strerror}", file=sys.stderr
        )
        raise SystemExit(2) from None


class ConsumerHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """A step of the worker's consumer that touches the file from its loop.

    The loop turns only while the broker is there. A broker that hangs stops it too: the loop sends
    Celery's own heartbeats, and waits for each to be taken.
    """

    requires = (Tasks,)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._heartbeat = Heartbeat(load_settings().heartbeat_file)
        self._entry: Any = None

    def start(self, consumer: Any) -> None:
        self._entry = consumer.hub.call_repeatedly(SECONDS_BETWEEN_BEATS, self._heartbeat.touch)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - the library's signature
        if self._entry:
            self._entry.cancel()
            self._entry = None

    shutdown = stop

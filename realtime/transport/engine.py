"""The Engine.IO server: its sockets, and the pings that tell which of them are still there."""

import asyncio
from contextlib import suppress
from typing import Any

import engineio
import structlog

from realtime.transport.line import Work
from realtime.transport.outbox import Outbox
from realtime.transport.rounds import TICK_SECONDS, Rounds
from realtime.transport.socket import Socket
from realtime.transport.unknown_sessions import UnknownSessions

log = structlog.get_logger()

# How the library begins what it says of a session that it does not know, and all that it says of
# a request without one.
NO_SUCH_SESSION = "Invalid session "
NO_SESSION = "Invalid session None"


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # untyped library
    """`pings` holds the sockets to be pinged, `answers` those that should have answered by then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", **options)
        self.pings: Rounds[Socket] = Rounds()
        self.answers: Rounds[Socket] = Rounds()
        self._unknown = UnknownSessions()

    def _bad_request(self, message: str | None = None) -> dict[str, Any]:
        """Answer as the library does, but for a session that it does not know."""
        if message is None or message == NO_SESSION or not message.startswith(NO_SUCH_SESSION):
            refusal: dict[str, Any] = super()._bad_request(message)
            return refusal
        return self._unknown.refuse()

    def _log_error_once(self, message: str, message_key: str) -> None:
        if message_key != "bad-sid":  # which is said above, and names no session
            super()._log_error_once(message, message_key)

    def create_queue(self, *_: Any, **__: Any) -> Outbox:
        return Outbox()

    async def _service_task(self) -> None:
        """Ping all connections, and end those that did not answer, in one task.

        The library has a task for each that waits to be pinged, and a timer for each look.
        """
        self.service_task_event = self.create_event()
        overdue: list[Socket] = []
        while not self.service_task_event.is_set():
            for socket in overdue:
                await _guarded(socket.miss())
            # Answers that came while this process was stopped are read before they are missed.
            overdue = self.answers.due()
            for socket in self.pings.due():
                await _guarded(socket.ping())
            with suppress(TimeoutError):
                await asyncio.wait_for(self.service_task_event.wait(), TICK_SECONDS)


async def _guarded(work: Work) -> None:
    """Wait for one connection's work, and keep its trouble from the others."""
    try:
        await work
    except Exception:
        log.exception("ping_failed")

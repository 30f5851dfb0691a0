"""Refusing requests of sessions that this server does not know, and logging why they may come.

By polling, a session is many requests, and only the server that began it can take them: behind a
balancer without sticky sessions every other one goes astray. After a restart it happens once to
each client that polls, which comes back by itself.
"""

import time

import orjson
import structlog

from realtime import metrics

log = structlog.get_logger()

# Engine.IO's own code for it, in the form in which its own server answers.
CODE = 1
MESSAGE = (
    "Session ID unknown to this server. Behind a load balancer, polling needs sticky sessions;"
    " or use websocket only (docs/operating.md, Load balancers). After a restart of the server this"
    " is normal: clients connect again."
)
LOG_SECONDS = 60.0


class UnknownSessions:
    """The answer to such requests, logged once in LOG_SECONDS with how many came."""

    def __init__(self) -> None:
        self._unlogged = 0
        self._log_again_at = 0.0

    def refuse(self) -> dict[str, object]:
        """Return python-engineio's form of a 400, on which a stock client begins a new session."""
        metrics.unknown_sessions.inc()
        self._unlogged += 1
        if time.monotonic() >= self._log_again_at:
            log.warning("session_unknown", requests=self._unlogged, why=MESSAGE)
            self._unlogged, self._log_again_at = 0, time.monotonic() + LOG_SECONDS
        answer = orjson.dumps({"code": CODE, "message": MESSAGE})
        return {
            "status": "400 BAD REQUEST",
            "headers": [("Content-Type", "application/json")],
            "response": answer,
        }

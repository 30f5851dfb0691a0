"""Publish on Redis what was committed.

That it fails is logged and counted: the servers then find the messages in the feed.
"""

from collections.abc import Callable

import structlog

from models.emitter import DOCUMENT_MESSAGES, EmitFailed, FeedManager
from models.feed import Message
from models.ids import Id
from worker import metrics
from worker.faults import fault_point

EMIT_FAILED = "emit_failed"

log = structlog.get_logger(__name__)

# Publishes messages once they are committed: tenant_id, epoch, base, messages. It does not raise
# where Redis is away.
Emit = Callable[[Id, str, int, list[Message]], None]


class Emitter:
    """Publishes a worker's messages, and is where a failure to do so ends."""

    def __init__(self, manager: FeedManager) -> None:
        self._manager = manager

    def __call__(self, tenant_id: Id, epoch: str, base: int, messages: list[Message]) -> None:
        try:
            for start in range(0, len(messages), DOCUMENT_MESSAGES):
                if start:
                    fault_point("halfway_through_emits")
                self._manager.say(
                    tenant_id, epoch, base + start, messages[start : start + DOCUMENT_MESSAGES]
                )
        except EmitFailed as error:
            metrics.FAILED_EMITS.inc()
            log.warning(
                EMIT_FAILED,
                tenant_id=tenant_id,
                base=base,
                messages=len(messages),
                reason=str(error),
            )

"""Saying what was committed. It may fail: then the servers find it in the feed, and here it is
logged and counted.
"""

from collections.abc import Callable

import structlog

from models.emitter import DOCUMENT_MESSAGES, EmitFailed, FeedManager
from models.feed import Message
from worker import metrics
from worker.faults import reach

EMIT_FAILED = "emit_failed"

log = structlog.get_logger(__name__)

# What says messages once they are committed: tenant, epoch, base, messages. It does not raise when
# nobody can be reached.
Emit = Callable[[int, str, int, list[Message]], None]


class Emitter:
    """The one place where a failure to emit ends."""

    def __init__(self, manager: FeedManager) -> None:
        self._manager = manager

    def __call__(self, tenant_id: int, epoch: str, base: int, messages: list[Message]) -> None:
        try:
            for start in range(0, len(messages), DOCUMENT_MESSAGES):
                if start:
                    reach("halfway_through_emits")
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

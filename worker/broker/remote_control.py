"""Remote control over the broker: answer questions, change nothing.

Celery does what any message says: one broadcast `shutdown` ends every worker, one `revoke` drops
somebody's task unseen. Whoever runs a worker stops it by SIGTERM. A message that is no question
ends neither the worker nor its listening.
"""

from fnmatch import fnmatchcase
from typing import Any

import structlog
from celery.worker.consumer.control import Control
from celery.worker.control import Panel
from celery.worker.pidbox import Pidbox
from kombu.exceptions import ContentDisallowed, DecodeError
from pydantic import BaseModel, Field, ValidationError

from worker.broker.answers import ANSWERS
from worker.metrics import REFUSED_CONTROLS

REMOTE_CONTROL_REFUSED = "remote_control_refused"
REMOTE_CONTROL_UNREADABLE = "remote_control_unreadable"
REMOTE_CONTROL_FAILED = "remote_control_failed"
REFUSAL = (
    "refused: nothing changes a worker of Rollcall over the broker; stop one by SIGTERM "
    "(docs/operating.md says more)"
)

log = structlog.get_logger(__name__)

_QUESTION_BYTES = 65_536  # at most


class ReplyTo(BaseModel, strict=True):
    """Where a question is to be answered."""

    exchange: str
    routing_key: str


class Question(BaseModel, strict=True):
    """A message of remote control, as Celery's own clients write it."""

    method: str = Field(max_length=64)
    arguments: dict[str, Any] | None = None
    destination: list[str] | None = None
    pattern: str | None = None
    matcher: str | None = None
    reply_to: ReplyTo | None = None
    ticket: str | None = None

    def is_for(self, hostname: str) -> bool:
        """Tell whether the worker of this name is asked.

        Patterns are globs. Celery takes regular expressions as well, which may run for ever.
        """
        if self.destination:
            return hostname in self.destination
        if self.pattern and self.matcher:
            return self.matcher == "glob" and fnmatchcase(hostname, self.pattern)
        return True


class RemoteControl(Control):  # type: ignore[misc]  # Celery has no types
    """The step of the worker's consumer that listens to remote control, in Celery's place."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.box = Mailbox(consumer)
        self.start, self.stop, self.shutdown = self.box.start, self.box.stop, self.box.shutdown


class Mailbox(Pidbox):  # type: ignore[misc]  # Celery has no types
    """The mailbox of one worker.

    It does not believe the clock that a message brings: a forged one may be too large to send on.
    """

    def start(self, consumer: Any) -> None:
        self.node.channel = consumer.connection.channel()
        self.consumer = self.node.Consumer(on_message=self.take, on_decode_error=_unreadable)
        self.consumer.consume()

    def take(self, message: Any) -> None:
        """Answer the message, if it is a question for this worker."""
        try:
            question = _question_in(message)
        except (
            ContentDisallowed,
            DecodeError,
            RecursionError,
            ValidationError,
            ValueError,
        ) as error:
            _unreadable(message, error)
            return
        if question.is_for(self.hostname):
            try:
                self._reply(question, self.answer(question))
            except Exception as error:  # of the broker, or of an answer that cannot be written
                log.error(REMOTE_CONTROL_FAILED, command=_known(question.method), exc_info=error)
                self.reset()

    def answer(self, question: Question) -> Any:
        """Return the answer, or a refusal or an error, as Celery's clients expect them."""
        if question.method not in ANSWERS:
            REFUSED_CONTROLS.labels(command=_known(question.method)).inc()
            log.warning(REMOTE_CONTROL_REFUSED, command=_known(question.method))
            return {"error": REFUSAL}
        try:
            return ANSWERS[question.method](self.node.state, question.arguments or {})
        # over arguments that make no sense
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning(REMOTE_CONTROL_FAILED, command=question.method, exc_info=error)
            return {
                "error": f"{question.method} failed: {type(error).__name__}; look at its arguments"
            }

    def _reply(self, question: Question, answer: Any) -> None:
        """Send it to the exchange where Celery's clients wait, and to none of the tasks'."""
        to = question.reply_to
        if to and to.exchange == self.node.mailbox.reply_exchange.name:
            self.node.reply({self.hostname: answer}, to.exchange, to.routing_key, question.ticket)


def _question_in(message: Any) -> Question:
    """Raises ValueError, or what Celery and kombu raise over what they cannot read."""
    if len(message.body or "") > _QUESTION_BYTES:
        raise ValueError("longer than any question")
    return Question.model_validate(message.decode())


def _unreadable(_message: Any, error: Exception) -> None:
    log.warning(REMOTE_CONTROL_UNREADABLE, error=type(error).__name__)


def _known(command: str) -> str:
    """Return the command as a label of a metric: one of Celery's, or "other"."""
    return command if command in Panel.data else "other"

"""Structured logs of every process: one JSON object a line, or readable lines on a terminal.

An event is a constant and what it is about stands in fields, as ids. No field holds a name, a place
or a biometric. So an exception is logged by its class and the lines it came through, without its
text, which may quote the data it broke on. Only a developer's terminal at the level DEBUG shows the
whole exception.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

# Celery logs whole tasks that it cannot make sense of. These records begin with a line that quotes
# nothing of them.
_QUOTING = (
    *(
        "Received unregistered task",
        "Received and deleted unknown message",
        "Received invalid task message",
        "Can't decode message",
    ),
    "Cannot process event",
)
# These log a line or two a task or request, which task events and metrics tell as well.
_CHATTY = (
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.beat",
    "aiohttp.access",
    "alembic.runtime.plugins",
)
_READABLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def configure_logs(level: str = "INFO", stream: TextIO = sys.stderr) -> None:
    """Send the records of structlog and the standard library to `stream`, and nowhere else."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not (level == "DEBUG" and stream.isatty()):
        shared.append(error_without_its_text)
    renderer = _READABLE if stream.isatty() else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_without_quotes)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else "WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def error_without_its_text(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace `exc_info` by `error`, `frames`, and `sqlstate` where Postgres gave one.

    It is a structlog processor.
    """
    error = _exception_of(event.pop("exc_info", None))
    if error is not None:
        event["error"] = name_of(error)
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
        sqlstate = getattr(getattr(error, "orig", error), "sqlstate", None)
        if sqlstate:
            event["sqlstate"] = sqlstate
    return event


def _exception_of(exc_info: Any) -> BaseException | None:
    """Return the exception that `exc_info` means, in any of the forms that logging allows."""
    if isinstance(exc_info, BaseException):
        return exc_info
    error: BaseException | None = None
    if isinstance(exc_info, tuple):
        error = exc_info[1]
    elif exc_info:
        error = sys.exc_info()[1]
    return error


def name_of(error: BaseException) -> str:
    """Return the error's class, and the text too of an OSError: that is about hosts and files."""
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _without_quotes(record: logging.LogRecord) -> bool:
    template = str(record.msg).lstrip()
    if template.startswith(_QUOTING):
        record.msg = template.splitlines()[0].partition("%")[0].rstrip(" :")
        record.args = None
    return True

"""Structured logs, the same in every process: one JSON object a line, or readable ones on a
terminal.

An event is a constant and what it is about stands in fields, as ids. No field holds a name, a place
or a biometric; so of an exception the class and the lines it came through are logged, not its text,
which may quote the data it broke on. Only a developer's terminal at the level DEBUG shows the whole
exception.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

# Celery logs whole messages it cannot make sense of; only the first line of these is free of what
# they hold.
_QUOTING = (
    *(
        "Received unregistered task",
        "Received and deleted unknown message",
        "Received invalid task message",
        "Can't decode message",
    ),
    "Cannot process event",
)
# A line or two a task or request, which task events and metrics say as well.
_CHATTY = (
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.beat",
    "aiohttp.access",
    "alembic.runtime.plugins",
)
_READABLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def configure_logs(level: str = "INFO", stream: TextIO = sys.stderr) -> None:
    """Send structlog's and the standard library's records to `stream`. Calling it again replaces
    what it did before.
    """
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
    """A structlog processor: `exc_info` becomes `error`, `sqlstate` where Postgres gave one, and
    `frames`.
    """
    given = event.pop("exc_info", None)
    error = (
        given
        if isinstance(given, BaseException)
        else given[1]
        if isinstance(given, tuple)
        else sys.exc_info()[1]
        if given
        else None
    )
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


def name_of(error: BaseException) -> str:
    """Its class; of what the operating system says, the text too, for that is about hosts and
    files.
    """
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _without_quotes(record: logging.LogRecord) -> bool:
    template = str(record.msg).lstrip()
    if template.startswith(_QUOTING):
        record.msg = template.splitlines()[0].partition("%")[0].rstrip(" :")
        record.args = None
    return True

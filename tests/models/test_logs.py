"""Logs: one JSON object a line, constant events, ids as fields, and nothing that was submitted."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from models.logs import configure_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def logs_afterwards() -> Iterator[None]:
    """Leave logging as it was before the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def stream(logs_afterwards: None) -> io.StringIO:
    stream = io.StringIO()
    configure_logs("INFO", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_its_ids(stream: io.StringIO) -> None:
    structlog.get_logger("worker.judging.sweep").warning("judge_died", tenant_id=1, rows=3)
    (line,) = lines(stream)
    assert (line["event"], line["tenant_id"], line["rows"], line["level"]) == (
        "judge_died",
        1,
        3,
        "warning",
    )
    assert line["timestamp"].endswith("Z")


def test_an_errors_text_stays_out_of_the_logs(stream: io.StringIO) -> None:
    try:
        raise ValueError("Ada Lovelace was at 48.137, 11.575")
    except ValueError as error:
        structlog.get_logger("worker").error("task_failed", exc_info=error)
        logging.getLogger("some.library").exception("something broke")
    for line in lines(stream):
        assert line["error"] == "ValueError"
        assert any("test_an_errors_text" in frame for frame in line["frames"])
    assert "Ada" not in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "level", "is_shown"),
    [(Terminal(), "DEBUG", True), (Terminal(), "INFO", False), (io.StringIO(), "DEBUG", False)],
    ids=["a terminal at DEBUG", "a terminal", "a file at DEBUG"],
)
@pytest.mark.usefixtures("logs_afterwards")
def test_only_a_developers_terminal_shows_an_errors_text(
    stream: io.StringIO, level: str, is_shown: bool
) -> None:
    configure_logs(level, stream)
    try:
        raise ValueError("Ada Lovelace was at 48.137, 11.575")
    except ValueError as error:
        structlog.get_logger("worker").error("task_failed", exc_info=error)
        logging.getLogger("some.library").exception("something broke")
    assert stream.getvalue().count("ValueError: Ada Lovelace") == (2 if is_shown else 0)


@pytest.mark.parametrize(
    "template",
    [
        "Received unregistered task of type %s.\nThe full contents of the message body was:\n%s",
        "Received invalid task message: %s\nThe full contents of the message body was:\n%s",
        "Can't decode message body: %r [type]\n\nbody: %s",
    ],
)
def test_messages_that_celery_cannot_read_are_not_quoted(
    stream: io.StringIO, template: str
) -> None:
    logging.getLogger("celery.worker.consumer.consumer").error(template, "Ada", "Ada Lovelace")
    assert "Ada" not in stream.getvalue()
    (line,) = lines(stream)
    assert line["event"] in template

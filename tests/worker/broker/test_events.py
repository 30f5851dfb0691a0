"""Events of tasks are sent together; every one of them is."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.worker.cast import punch
from tests.worker.live import running_worker, seen_events, send, until
from worker.broker.events import EventsTogether


def test_what_is_buffered_meanwhile_is_sent_together() -> None:
    consumer = Mock()
    EventsTogether(consumer).start(consumer)
    for _ in range(2):
        for _ in range(3):
            consumer.event_dispatcher.on_send_buffered()
        ((seconds, flush),) = [call.args for call in consumer.hub.call_later.call_args_list]
        assert seconds == 0.1
        consumer.hub.call_later.reset_mock()
        flush()
    assert consumer._flush_events.call_count == 2


@pytest.mark.process
def test_every_event_of_every_task_arrives_also_of_a_worker_that_stops(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    broker, count = settings_env["CELERY_BROKER_URL"], 30
    with (
        running_worker(settings_env, tmp_path / "worker.log") as process,
        seen_events(broker) as seen,
    ):
        for number in range(count):
            send(broker, "attendance.submit", {"punch": punch(f"p{number}")})

        def kinds(kind: str) -> int:
            return sum(event["type"] == kind for event in seen)

        until(lambda: kinds("task-received") == count)
        process.terminate()
        process.wait(30)
        until(lambda: kinds("task-succeeded") == kinds("task-started") > 0)

"""A process of the pool whose results are not read ends all the same, and soon."""

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from billiard import pool

from worker.broker.ending import end_within


def test_a_process_does_not_wait_for_long_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(
        pool,
        "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT",
        pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT,
    )
    assert _waits(slept) == pytest.approx(30.0)
    end_within(2.0)
    assert _waits(slept) == pytest.approx(2.0)


def test_a_worker_sees_to_it_and_to_its_reading_before_it_makes_its_processes(
    settings_env: dict[str, str],
) -> None:
    script = """
from billiard import pool
from celery import signals
from kombu.serialization import registry
import worker.celery
import worker.broker.message_json
signals.worker_init.send(sender=None)
is_ours = registry._decoders["application/json"] is worker.broker.message_json.loads
print(pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT, is_ours)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=settings_env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["20", "True"]


def _waits(slept: list[float]) -> float:
    slept.clear()
    nothing_read: Any = SimpleNamespace(on_ready_counter=SimpleNamespace(value=0))
    assert pool.Worker._ensure_messages_consumed(nothing_read, completed=1) is False
    return sum(slept)

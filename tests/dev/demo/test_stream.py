"""The stream outlives its broker: what could not be submitted is submitted later, and nothing is
left out.
"""

import json
import threading
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from structlog.testing import capture_logs

from dev.demo import progress
from dev.demo.companies import companies
from dev.demo.parcels import delivery
from dev.demo.stream import BROKER_AWAY, BROKER_BACK, Stream
from dev.embedded.valkey import Valkey
from dev.existing_app import ExistingApp
from tests.end_to_end.waiting import wait_until


def submitted(url: str) -> list[dict[str, Any]]:
    """The keyword arguments of the tasks that wait, oldest first."""
    with redis.Redis.from_url(url) as client:
        messages = [json.loads(raw) for raw in reversed(client.lrange("attendance", 0, -1))]
    return [json.loads(b64decode(message["body"]))[1] for message in messages]


def punch_ids(url: str) -> list[str]:
    return [
        punch["punch_id"] for arguments in submitted(url) for punch in arguments.get("punches", [])
    ]


def test_a_broker_that_goes_and_comes_back_costs_nothing(
    tmp_path: Path, servers_folder: Path
) -> None:
    broker = Valkey(servers_folder / "stopped-and-started", "s" * 32, durable=True)
    broker.start()
    begun = progress.read(tmp_path, datetime.now(UTC)).clock
    stopping = threading.Event()
    with capture_logs() as logs:
        running = threading.Thread(
            target=Stream(ExistingApp(broker.url), tmp_path, 3_600, stopping).run
        )
        running.start()
        wait_until(lambda: len(punch_ids(broker.url)) > 50, "punches are submitted")
        broker.stop()
        wait_until(
            lambda: any(entry["event"] == BROKER_AWAY for entry in logs), "the broker is missed"
        )
        broker.start()
        before = len(punch_ids(broker.url))
        wait_until(lambda: len(punch_ids(broker.url)) > before + 50, "it goes on")
        stopping.set()
        running.join(timeout=30)
    assert not running.is_alive()
    assert [entry["event"] for entry in logs if entry["event"] == BROKER_BACK]
    tasks = [
        tuple(punch["punch_id"] for punch in arguments["punches"])
        for arguments in submitted(broker.url)
        if "punches" in arguments
    ]
    broker.stop()
    assert {punch_id for task in tasks for punch_id in task} == due(
        begun, progress.read(tmp_path, datetime.now(UTC)).clock
    )
    # what was under way when the broker went may have come twice
    assert len(tasks) - len(set(tasks)) <= 2


def due(since: datetime, until: datetime) -> set[str]:
    """The ids of the punches that are due between two moments of the simulated clock."""
    days = [
        (since - timedelta(days=4)).date() + timedelta(days=n)
        for n in range((until - since).days + 6)
    ]
    parcels = [
        parcel
        for company in companies(0)
        for day in days
        for parcel in delivery(company, day).parcels
    ]
    return {
        punch["punch_id"]
        for parcel in parcels
        if since < parcel.release <= until
        for punch in parcel.punches
    }

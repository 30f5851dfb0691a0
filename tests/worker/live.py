"""A worker as a process, seen from outside, and a producer that knows nothing of its code."""

import json
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

SECRET = "Ada Lovelace"  # a person's name, which nothing may show


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Call `condition` until its value is true, and return that. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def runs(broker_url: str, pool: str) -> bool:
    """Tell whether a worker with this pool starts on this broker."""
    return pool != "threads" or broker_url.startswith("redis://")


@contextmanager
def running_worker(
    env: dict[str, str], log: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `celery -A worker worker`, ready as the block begins, until it ends. Its log is `log`."""
    with log.open("ab") as output:
        command = ["celery", "-A", "worker", "worker", "--concurrency", "2", *options]
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        with Celery("probe", broker=env["CELERY_BROKER_URL"]) as app:
            until(lambda: process.poll() is not None or app.control.ping(timeout=0.5), 120)
        yield process
    finally:
        process.terminate()
        process.wait(60)  # a pool that lost a child in the middle of a task waits for it first


@contextmanager
def seen_events(broker_url: str) -> Iterator[list[dict[str, Any]]]:
    """Collect all events of the running workers while the block runs, as Flower would."""
    seen: list[dict[str, Any]] = []
    app = Celery("monitor", broker=broker_url)
    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": seen.append})
        stop = threading.Event()

        def capture() -> None:
            while not stop.is_set():
                try:
                    receiver.capture(limit=None, timeout=0.2, wakeup=False)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=capture)
        thread.start()
        try:
            until(lambda: seen)  # a heartbeat: from here on nothing is missed
            yield seen
        finally:
            stop.set()
            thread.join()


def send(
    broker_url: str,
    task: str,
    kwargs: dict[str, Any],
    *,
    args: tuple[Any, ...] = (),
    protocol: int = 2,
    **headers: Any,
) -> str:
    """Send a message to the queue `attendance`, as a producer in any language would.

    Return the task's id.
    """
    task_id = str(uuid.uuid4())
    if protocol == 1:
        body: Any = {"id": task_id, "task": task, "args": list(args), "kwargs": kwargs}
        headers = {}
    else:
        body = [
            list(args),
            kwargs,
            {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
        ]
        headers = {"id": task_id, "task": task, "lang": "other", "root_id": task_id, **headers}
    send_text(broker_url, json.dumps(body), headers, task_id)
    return task_id


def send_text(
    broker_url: str,
    body: str,
    headers: dict[str, Any],
    task_id: str = "x",
    content_type: str = "application/json",
    compression: str | None = None,
) -> None:
    """Send a message with any body and headers, whether or not they make a task."""
    with Connection(broker_url) as connection:
        Producer(connection.channel()).publish(
            body,
            routing_key="attendance",
            headers=headers,
            content_type=content_type,
            content_encoding="utf-8",
            correlation_id=task_id,
            compression=compression,
        )

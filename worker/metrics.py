"""What the workers count, for Prometheus.

Every process of a pool counts in files of the directory PROMETHEUS_MULTIPROC_DIR, and the main
process serves their sum. worker.metrics_directory sets it where WORKER_METRICS_PORT is set; that
has to happen before this module is imported.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import billiard
import prometheus_client.values
import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    multiprocess,
    start_http_server,
)
from prometheus_client.metrics_core import Metric

from models.build_info import BuildInfo

METRICS_NOT_SERVED = "metrics_not_served"

log = structlog.get_logger(__name__)


def _place_in_pool() -> str:
    """The name for this process's files.

    It is no process id: a child that follows another goes on with its files, so they stay few.
    """
    return str(getattr(billiard.current_process(), "index", "main"))


# The library chooses this when it is first imported. The celery command imports it before our app,
# by Flower's subcommand.
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    prometheus_client.values.ValueClass = prometheus_client.values.MultiProcessValue(_place_in_pool)

RECEIPT_TO_EMIT = Histogram(
    "rollcall_receipt_to_emit_seconds",
    "From the receipt of the oldest punch of a judgement to the emit of what was found.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FAILED_EMITS = Counter(
    "rollcall_failed_emits_total",
    "Emits that Redis did not take; servers find those messages in the feed.",
)
PUNCHES = Counter(
    "rollcall_punches_total", "Punches that came by the tasks, by what became of them.", ["status"]
)
REJECTED = Counter(
    "rollcall_rejected_total",
    "Reasons for which submissions were rejected, by task and code.",
    ["task", "code"],
)
JUDGED = Counter(
    "rollcall_judged_total",
    "Rows of work that were judged, by the table they waited in.",
    ["table"],
)
UNJUDGED = Gauge(
    "rollcall_unjudged",
    "Rows that waited for over a second when the last sweep looked.",
    multiprocess_mode="mostrecent",
)
MESSAGES = Counter(
    "rollcall_messages_total",
    "Messages appended to feeds, by event and anomaly type.",
    ["event", "anomaly_type"],
)
TASKS = Counter(
    "rollcall_tasks_total", "Tasks that ended, by name and outcome.", ["task", "outcome"]
)
JUDGING_FAILED = Counter(
    "rollcall_judging_failed_total", "Judgements that failed; their work is left to the sweep."
)
DETECTOR_CRASHES = Counter(
    "rollcall_detector_crashes_total",
    "Detectors that failed on a subject, by anomaly type.",
    ["anomaly_type"],
)
IGNORED = Counter(
    "rollcall_ignored_wishes_total", "What producers asked for that is not done, by kind.", ["wish"]
)
REFUSED_CONTROLS = Counter(
    "rollcall_refused_controls_total",
    "Remote control that would have changed a worker.",
    ["command"],
)
PRUNED = Counter("rollcall_pruned_total", "Rows that retention removed, by table.", ["table"])


class SumOfProcesses(multiprocess.MultiProcessCollector):
    """The library's collector, but without files that a process has only just made.

    They have no size yet, and the library fails on them.
    """

    def __init__(self, registry: CollectorRegistry, path: str | None = None) -> None:
        super().__init__(registry, path)  # type: ignore[no-untyped-call]  # the library's

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in Path(self._path).glob("*.db") if file.stat().st_size]
        merged: Iterable[Metric] = multiprocess.MultiProcessCollector.merge(files)
        return merged


def serve(host: str, port: int) -> None:
    """Serve the sum over the processes of this worker at http://HOST:PORT/metrics.

    Needs PROMETHEUS_MULTIPROC_DIR. Where the port cannot be had, that is logged and the worker
    works on: punches matter more than figures.
    """
    registry = CollectorRegistry()
    SumOfProcesses(registry)
    registry.register(BuildInfo())
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        log.error(METRICS_NOT_SERVED, host=host, port=port, reason=error.strerror)

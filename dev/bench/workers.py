"""Celery workers as they run in production."""

import sys
import time
from collections.abc import Mapping

from celery import Celery

from dev.bench.processes import Process
from dev.bench.stage import Stage

OURS = "worker"
FLOOR = "dev.bench.floors.celery_app"
OUR_FLOOR = "dev.bench.floors.our_celery_app"
PROCESSES = 2
START_SECONDS = 60.0


class Workers:
    """One worker with `PROCESSES` children, and beat. Ends with its `with` block."""

    def __init__(self, stage: Stage, application: str, env: Mapping[str, str]) -> None:
        self.app = Celery("bench", broker=env["REDIS_URL"])
        self._node = f"bench-{application.rpartition('.')[2]}-{time.monotonic_ns()}@localhost"
        celery = [sys.executable, "-m", "celery", "-A", application]
        options = ["--concurrency", str(PROCESSES), "--hostname", self._node, "--without-mingle"]
        self._worker = Process(
            [*celery, "worker", *options], stage.logs / f"worker-{application}.log", env=env
        )
        self._beat = Process([*celery, "beat"], stage.logs / f"beat-{application}.log", env=env)
        self.pid = self._worker.pid
        self.pids = (self._worker.pid, self._beat.pid)

    def __enter__(self) -> "Workers":
        try:
            self._worker.wait_until(self._answers, START_SECONDS)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._beat.stop()
        self._worker.stop()
        self.app.close()

    def _answers(self) -> bool:
        return bool(self.app.control.ping(destination=[self._node], timeout=0.5))

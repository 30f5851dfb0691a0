"""A directory in which the processes of one worker count together, for worker.metrics."""

import atexit
import os
import shutil
import tempfile

from models.settings import Settings

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_metrics(settings: Settings) -> None:
    """Make it, if this worker serves metrics and PROMETHEUS_MULTIPROC_DIR is not set.

    Import worker.metrics after this.
    """
    if settings.worker_metrics_port and _VARIABLE not in os.environ:
        directory = os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="rollcall-metrics-")
        atexit.register(_remove, directory, os.getpid())


def _remove(directory: str, owner: int) -> None:
    if os.getpid() == owner:  # not the children, which inherit this
        shutil.rmtree(directory, ignore_errors=True)

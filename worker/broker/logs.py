"""The logs of a worker and of beat: ours take the place of those that Celery sets up."""

from typing import Any

from models.settings import load_settings
from models.starting import log_misspelt, start_logs


def write_logs(**_: Any) -> None:
    """Set up our logs. Celery leaves its own alone when its signal `setup_logging` is answered."""
    start_logs(load_settings().log_level)
    log_misspelt()

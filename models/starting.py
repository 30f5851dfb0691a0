"""The first lines that a process logs: which Rollcall it is, and which names are misspelt."""

import os
from collections.abc import Mapping

import structlog

from models.logs import configure_logs
from models.migrations.revision import newest_revision
from models.misspelt import misspelt
from models.version import rollcall_version

STARTING = "starting"
SETTING_UNKNOWN = "setting_unknown"

log = structlog.get_logger(__name__)


def start_logs(level: str = "INFO") -> None:
    """Set up the logs of this process, and log its version and the schema's revision it needs."""
    configure_logs(level)
    log.info(STARTING, version=rollcall_version(), revision=newest_revision())


def log_misspelt(environ: Mapping[str, str] = os.environ) -> None:
    """Log one warning for each name that is spelled nearly like a setting, without its value."""
    for name, meant in misspelt(environ).items():
        log.warning(SETTING_UNKNOWN, given=name, meant=meant)

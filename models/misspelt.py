"""Names in the environment that are spelled nearly like a setting, and so do nothing: whoever wrote
them should hear of it.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from models.settings import Settings

# Of letters in common, without underscores. REDIS_TLS_URL, which Heroku sets, has 0.84 of
# REDIS_URL's; FEED_RETENTION has 0.87.
CLOSE = 0.86
SHORTEST = 6
# Those of others that come as close.
OTHERS = frozenset({"CELERY_BROKER_READ_URL", "DATABASE_USER", "DATADIR", "LOGLEVEL"})


def misspelt(
    environ: Mapping[str, str], settings: Iterable[str] = Settings.model_fields
) -> dict[str, str]:
    """What is set and no setting, with the setting that is likely meant. Case counts: `log_level`
    is not LOG_LEVEL.
    """
    names = {name.upper().replace("_", ""): name.upper() for name in settings}
    found = {}
    for given in sorted(environ):
        if (
            not environ[given]
            or given in names.values()
            or given in OTHERS
            or _is_service(given, environ)
        ):
            continue
        letters = given.upper().replace("_", "").replace("-", "")
        close = [letters] if letters in names else _close(letters, names)
        if close:
            found[given] = names[close[0]]
    return found


def _close(letters: str, names: Iterable[str]) -> list[str]:
    return get_close_matches(letters, names, n=1, cutoff=CLOSE) if len(letters) >= SHORTEST else []


def _is_service(name: str, environ: Mapping[str, str]) -> bool:
    """Kubernetes sets METRIC_PORT, METRIC_SERVICE_HOST and more in every container where a service
    is called `metric`.
    """
    return name.endswith("_PORT") and f"{name.removesuffix('_PORT')}_SERVICE_HOST" in environ


def print_misspelt(environ: Mapping[str, str] = os.environ) -> None:
    """One line for each on standard error; of a command."""
    for given, meant in misspelt(environ).items():
        print(f"rollcall: {unknown_setting(given, meant)}", file=sys.stderr)


def unknown_setting(given: str, meant: str) -> str:
    return f"{given} is no setting and does nothing; {meant} may be meant (README, “Settings”)"

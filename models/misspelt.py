"""Warning of names in the environment that are spelled nearly like a setting, and so do nothing."""

import os
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from models.settings import Settings

# The share of letters in common, without underscores, from which on a setting is likely meant.
# REDIS_TLS_URL, which Heroku sets, has 0.84 of REDIS_URL's; FEED_RETENTION has 0.87.
CLOSE_RATIO = 0.86
LEAST_LETTERS = 6
# Settings of other programs that come as close.
OF_OTHERS = frozenset({"CELERY_BROKER_READ_URL", "DATABASE_USER", "DATADIR", "LOGLEVEL"})


def misspelt(
    environ: Mapping[str, str], settings: Iterable[str] = Settings.model_fields
) -> dict[str, str]:
    """Return each name that is set and no setting, with the setting that is likely meant.

    Case counts: `log_level` is not LOG_LEVEL.
    """
    by_letters = {name.upper().replace("_", ""): name.upper() for name in settings}
    meant = {}
    for name in sorted(environ):
        if (
            not environ[name]
            or name in by_letters.values()
            or name in OF_OTHERS
            or _is_service(name, environ)
        ):
            continue
        letters = name.upper().replace("_", "").replace("-", "")
        close = [letters] if letters in by_letters else _close(letters, by_letters)
        if close:
            meant[name] = by_letters[close[0]]
    return meant


def _close(letters: str, names: Iterable[str]) -> list[str]:
    if len(letters) < LEAST_LETTERS:
        return []
    return get_close_matches(letters, names, n=1, cutoff=CLOSE_RATIO)


def _is_service(name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether Kubernetes has set this name, for a service.

    Where one is called `metric`, every container has METRIC_PORT, METRIC_SERVICE_HOST and more.
    """
    return name.endswith("_PORT") and f"{name.removesuffix('_PORT')}_SERVICE_HOST" in environ


def print_misspelt(environ: Mapping[str, str] = os.environ) -> None:
    """Print a line on standard error for each misspelt name, as commands do."""
    for name, meant in misspelt(environ).items():
        print(f"rollcall: {unknown_setting(name, meant)}", file=sys.stderr)


def unknown_setting(name: str, meant: str) -> str:
    return f"{name} is no setting and does nothing; {meant} may be meant (README, “Settings”)"

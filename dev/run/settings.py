"""The settings of a run: those in the environment, and those that the runner makes where the
environment has none.
"""

from collections.abc import Mapping
from pathlib import Path

from dev.run.private_files import kept_secret
from models.settings import Settings, load_settings

TOKEN_KEYS = ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL")
# Written to $DATA_DIR/env even where they are the defaults, for programs that know no defaults of
# ours.
ALWAYS_WRITTEN = ("REDIS_CHANNEL", "PORT", "FLOWER_PORT", "LOG_LEVEL")

# For one process each: another that joins would find the port taken, or write into the other's
# file.
ONE_PROCESS = ("METRICS_PORT", "WORKER_METRICS_PORT", "HEARTBEAT_FILE")


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of ours in the environment; an empty one counts as unset."""
    return {
        name.upper(): environ[name.upper()]
        for name in Settings.model_fields
        if environ.get(name.upper())
    }


def check(settings: Mapping[str, str]) -> Settings:
    """Check the settings before anything is started. Raises SettingsError."""
    made_later = {"DATABASE_URL": "postgresql://made/later", "REDIS_URL": "redis://made.later"}
    return load_settings(made_later | dict(settings))


def complete(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Add a secret to sign tokens with, where no key is named, and the defaults. `settings` must
    have the addresses of the servers.
    """
    added = {"DATA_DIR": str(folder)}
    if not any(settings.get(key) for key in TOKEN_KEYS):
        added["JWT_SECRET"] = kept_secret(folder / "jwt_secret")
    in_force = load_settings(dict(settings) | added)
    added |= {name: str(getattr(in_force, name.lower())) for name in ALWAYS_WRITTEN}
    added["CELERY_BROKER_URL"] = in_force.broker_url
    return dict(settings) | added


def joinable(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that another process that joins the run shares with it."""
    return {name: value for name, value in settings.items() if name not in ONE_PROCESS}

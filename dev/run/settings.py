"""The settings that a run works with: what the environment gives, and what the runner makes where
it gives nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from dev.run.private_files import kept_secret
from models.settings import Settings, load_settings

KEYS = ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL")
# Said in $DATA_DIR/env even where they are the defaults, for programs that know no defaults of
# ours.
ALWAYS_SAID = ("REDIS_CHANNEL", "PORT", "FLOWER_PORT", "LOG_LEVEL")

# Of one process each: another that joins would find the port taken, or write into the other's file.
ONE_PROCESS = ("METRICS_PORT", "WORKER_METRICS_PORT", "HEARTBEAT_FILE")


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of ours that the environment holds; an empty one counts as unset."""
    return {
        name.upper(): environ[name.upper()]
        for name in Settings.model_fields
        if environ.get(name.upper())
    }


def check(settings: Mapping[str, str]) -> Settings:
    """Judge what is given before anything is started. Raises SettingsError."""
    made_later = {"DATABASE_URL": "postgresql://made/later", "REDIS_URL": "redis://made.later"}
    return load_settings(made_later | dict(settings))


def completed(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """With a secret to sign tokens with where no key is given, and the defaults spelled out. Needs
    the addresses of the servers.
    """
    made = {"DATA_DIR": str(folder)}
    if not any(settings.get(key) for key in KEYS):
        made["JWT_SECRET"] = kept_secret(folder / "jwt_secret")
    complete = dict(settings) | made
    in_force = load_settings(complete)
    spelled_out = {name: str(getattr(in_force, name.lower())) for name in ALWAYS_SAID}
    return complete | spelled_out | {"CELERY_BROKER_URL": in_force.broker_url}


def joinable(settings: Mapping[str, str]) -> dict[str, str]:
    """What another process that joins the run shares with it."""
    return {name: value for name, value in settings.items() if name not in ONE_PROCESS}
